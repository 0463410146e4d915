"""Look for a fax whose answer was lost, by the token in its ``client_state``."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Generator

from attrs import define, field, frozen

from twilio_fax_compat._core.attempts import LIFETIME, Attempt
from twilio_fax_compat._core.effects import Effect, Elapsed, Now
from twilio_fax_compat._core.fax_api.reading import readable_list, resource_of
from twilio_fax_compat._core.fax_api.retries import Budget, RetryPolicy, repeated
from twilio_fax_compat._core.messages import JSON, Outcome, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._core.translation.client_state import token_of
from twilio_fax_compat._core.translation.create_form import FaxRequest
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.translation.times import parse_http_date, parse_timestamp, utc_text

LOOKUP_WINDOW = timedelta(hours=24)
"""How far before the send a look-up begins, by Telnyx's clock."""

LOOKUP_PAGE_SIZE = 250
"""The largest page of Telnyx's lists (shared page parameter of the OpenAPI file)."""

LOOKUP_PAGES = 400
"""The pages that one look-up reads at most."""

_SIMILAR = timedelta(minutes=15)
"""A fax without a ``client_state`` is compared only if it was created after this long before the send."""

_CANDIDATES = 10
_LOOKS_FOR_CERTAINTY = 2


@frozen
class Unknown:
    """The look-up failed, and *why*: we do not know whether Telnyx has the fax."""

    why: str


@define
class Lookup:
    """
    Looks for the fax of *attempt*.

    *sent_at* is the time within this call at which its last request left, None if an earlier call
    made it. Times are compared by Telnyx's clock (the ``Date`` header), because this machine's clock
    may be wrong.
    """

    fax_request: FaxRequest
    attempt: Attempt
    policy: RetryPolicy
    budget: Budget
    sent_at: float | None = None
    _clock: tuple[datetime, float] | None = field(default=None, init=False)

    def look(self) -> Generator[Effect, Any, JSON | Unknown | None]:
        """Return the fax, None if Telnyx does not have it, or `Unknown`."""
        looks = 0
        result: JSON | Unknown | None = Unknown("there was no time for a look-up")
        for seconds in self.policy.lookups:
            pause = yield from self.budget.pause(seconds)
            if pause is None:
                return Unknown("the time for look-ups ran out")
            yield pause
            result = yield from self._look_once()
            if isinstance(result, dict):
                return result
            looks += result is None
        if result is None and looks < _LOOKS_FOR_CERTAINTY:
            return Unknown("only one look-up succeeded")
        return result

    def read_clock(self, outcome: Outcome) -> Generator[Effect, Any, None]:
        """Note what *outcome* says about Telnyx's time, and when the request left by it."""
        headers = outcome.headers if isinstance(outcome, TelnyxResponse) else {}
        date = parse_http_date(headers.get("date"))
        if date is not None:
            elapsed = yield Elapsed()
            self._clock = date, elapsed
        if self.sent_at is not None and self._clock is not None:
            date, elapsed = self._clock
            self.attempt.at = date.timestamp() - max(0.0, elapsed - self.sent_at)

    def age(self) -> Generator[Effect, Any, float]:
        """Return the seconds since the last request of the attempt left."""
        if self.sent_at is not None:
            elapsed: float = yield Elapsed()
            return elapsed - self.sent_at
        now = yield from self._now()
        if self.attempt.at is None:
            # Nobody knows when it left; from now on it is known to be no later than this.
            self.attempt.at = now
        return now - self.attempt.at

    def is_outdated(self, fax: JSON | None) -> Generator[Effect, Any, bool]:
        """Return whether the attempt, or its *fax*, is too old to be the result of this call."""
        if self._clock is None:
            return False
        now = yield from self._now()
        at = self.attempt.at
        created = parse_timestamp(fax.get("created_at")) if fax else None
        if created is not None:
            at = created.timestamp()
        return at is not None and now - at > LIFETIME

    def _now(self) -> Generator[Effect, Any, float]:
        if self._clock is None:
            # A server without a clock in its answers: ours is the only one.
            now: datetime = yield Now()
            return now.timestamp()
        date, then = self._clock
        elapsed: float = yield Elapsed()
        return date.timestamp() + elapsed - then

    def _look_once(self) -> Generator[Effect, Any, JSON | Unknown | None]:
        unsure: Unknown | None = None
        candidates: list[JSON] = []
        number, was_bounded = 1, self.attempt.at is not None
        first: JSON | None = None
        for _ in range(LOOKUP_PAGES):
            request = TelnyxRequest("GET", "/faxes", self._query(number))
            tried = yield from repeated(request, self.policy)
            page = readable_list(tried.outcome)
            if page is None:
                return Unknown("the look-up failed too")
            yield from self.read_clock(tried.outcome)
            faxes, is_last = page
            for fax in faxes:
                if token_of(fax.get("client_state")) == self.attempt.token:
                    return _with_an_id(fax)
                if self._may_be_ours(fax):
                    candidates.append(fax)
            if is_last:
                return (yield from self._compare(candidates)) if candidates else unsure
            if number > 1 and faxes and faxes[0] == first:
                return Unknown("Telnyx's list of faxes does not end")
            first = faxes[0] if faxes else None
            if not was_bounded and self.attempt.at is not None and self.sent_at is not None:
                # Now that Telnyx's clock is known, a shorter list will do.
                number, was_bounded, candidates = 1, True, []
                continue
            number += 1
        return Unknown("there are too many faxes to look through")

    def _compare(self, candidates: list[JSON]) -> Generator[Effect, Any, JSON | Unknown | None]:
        """Read each of *candidates*, whose list has no ``client_state``, by itself."""
        for candidate in candidates[:_CANDIDATES]:
            if isinstance(_with_an_id(candidate), Unknown):
                return Unknown("Telnyx has one like it without its client_state and id")
            request = TelnyxRequest("GET", f"/faxes/{candidate.get('id')}")
            tried = yield from repeated(request, self.policy)
            fax = resource_of(tried.outcome) or {}
            state = fax.get("client_state")
            if token_of(state) == self.attempt.token:
                return _with_an_id(fax)
            if not state:
                return Unknown("Telnyx has one like it without its client_state")
        if len(candidates) > _CANDIDATES:
            return Unknown("Telnyx has many like it without their client_state")
        return None

    def _query(self, number: int) -> list[tuple[str, str]]:
        body = self.fax_request.body
        query = [
            ("filter[direction][eq]", "outbound"),
            ("filter[from][eq]", body["from"]),
            ("page[number]", str(number)),
            ("page[size]", str(LOOKUP_PAGE_SIZE)),
        ]
        since = self.since()
        if since is not None:
            query.insert(2, ("filter[created_at][gte]", utc_text(since)))
        if not self.fax_request.is_to_sip:
            # The filter is documented for E.164 numbers alone.
            query.insert(2, ("filter[to][eq]", body["to"]))
        return query

    def since(self) -> datetime | None:
        """Return the time at which look-ups begin, by Telnyx's clock; None if that is unknown."""
        at = self.attempt.at
        return None if at is None else _moment(at) - LOOKUP_WINDOW

    def _may_be_ours(self, fax: JSON) -> bool:
        if fax.get("client_state") or fax.get("to") not in (None, self.fax_request.body["to"]):
            return False
        if fax.get("media_url") not in (None, "", self.fax_request.body["media_url"]):
            return False
        created, at = parse_timestamp(fax.get("created_at")), self.attempt.at
        return created is None or at is None or created > _moment(at) - _SIMILAR


def _with_an_id(fax: JSON) -> JSON | Unknown:
    """Return *fax*, or `Unknown` if its id cannot be a SID, so that the program could not use it."""
    return fax if fax_sid(fax.get("id")) else Unknown("Telnyx has it with an id that is not a UUID")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
