"""
Send a fax at most once.

``POST /faxes`` has no idempotency of its own (https://developers.telnyx.com/docs/development/
api-fundamentals/idempotency lists where it exists). So every fax carries a token, and when an answer
is lost Telnyx is asked for a fax with that token before anything else happens.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Generator, Mapping

from attrs import define, frozen

from twilio_fax_compat._core.effects import Effect, Flow, NewToken, Now
from twilio_fax_compat._core.fax_api.reading import accepted_fax, is_ambiguous, readable_list
from twilio_fax_compat._core.fax_api.retries import Budget, RetryPolicy, rate_limit_pause, repeated
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import (
    JSON,
    Failure,
    Outcome,
    TelnyxRequest,
    TelnyxResponse,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.client_state import pack, token_of
from twilio_fax_compat._core.translation.create_form import FaxRequest, parse_create_form
from twilio_fax_compat._core.translation.errors import (
    from_failure,
    from_telnyx,
    problem,
    telnyx_errors,
)
from twilio_fax_compat._core.translation.faxes import created_payload
from twilio_fax_compat._core.translation.times import parse_timestamp, utc_text

LOOKUP_WINDOW = timedelta(hours=24)
"""How far before our own clock the look for a lost fax begins: more than clocks disagree."""

LOOKUP_PAGE_SIZE = 250
"""The largest page of Telnyx's lists (shared page parameter of the OpenAPI file)."""

LOOKUP_PAGES = 400
"""The pages that one look-up reads at most."""

_LOOKS_FOR_CERTAINTY = 2


def create(fields: Mapping[str, object], path: str, settings: FlowSettings) -> Flow:
    """
    Send the fax that a Twilio create form (*fields*, by wire name) asks for, at most once.

    *path* is the Twilio path for error messages. Returns 201 and the payload of the new fax.
    """
    fax_request = parse_create_form(fields, settings.connection_id, settings.unsupported)
    if isinstance(fax_request, TwilioResponse):
        return fax_request
    yield from fax_request.warnings
    token: str = yield NewToken()
    now: datetime = yield Now()
    if fax_request.status_callback is not None:
        fax_request.body["webhook_url"] = settings.webhook_url or fax_request.status_callback
    fax_request.body["client_state"] = pack(
        token, fax_request.body["store_media"], settings.account_sid
    )
    sending = Sending(fax_request, token, now, settings.retry, Budget.of(settings.retry))
    answer = yield from sending.run()
    if isinstance(answer, dict):
        return TwilioResponse(201, created_payload(answer, settings.account_sid, settings.api_url))
    if isinstance(answer, TelnyxResponse):
        return from_telnyx(answer, path)
    return answer


@frozen
class Unknown:
    """The look-up failed, and *why*: we do not know whether Telnyx has the fax."""

    why: str


@define
class Sending:
    """One send: its request, its token, and the limits that remain."""

    fax_request: FaxRequest
    token: str
    begun: datetime
    policy: RetryPolicy
    budget: Budget
    failures: int = 0
    resends: int = 0

    def run(self) -> Generator[Effect, Any, JSON | TelnyxResponse | TwilioResponse]:
        """Return the accepted fax, Telnyx's definite refusal, or the error of a lost answer."""
        while True:
            outcome: Outcome = yield TelnyxRequest("POST", "/faxes", (), self.fax_request.body)
            if isinstance(outcome, Failure) and not outcome.sent:
                self.failures += 1
                pause = self.budget.pause() if self.failures < self.policy.attempts else None
                if pause is None:
                    return from_failure(outcome)
                yield pause
                continue
            if isinstance(outcome, TelnyxResponse):
                fax = accepted_fax(outcome)
                if fax is not None:
                    return fax
                if outcome.status == 429:
                    pause = yield from rate_limit_pause(outcome, self.budget)
                    if pause is None:
                        return outcome
                    yield pause
                    continue
                if not is_ambiguous(outcome.status):
                    return outcome
            found = yield from self._look_for_it()
            if isinstance(found, dict):
                return found
            if isinstance(found, Unknown):
                return may_have_been_sent(outcome, found, self)
            if self.resends >= self.policy.resends:
                return surely_not_sent(outcome)
            self.resends += 1

    def _look_for_it(self) -> Generator[Effect, Any, JSON | Unknown | None]:
        """Return the fax, None if Telnyx does not have it, or `Unknown`."""
        wanted = min(_LOOKS_FOR_CERTAINTY, len(self.policy.lookups))
        looks = 0
        last: Unknown | None = Unknown("looking for it is switched off")
        for seconds in self.policy.lookups:
            pause = self.budget.pause(seconds)
            if pause is None:
                return Unknown("the time for looking ran out")
            yield pause
            found = yield from self._look_once()
            if isinstance(found, dict):
                return found
            last = found
            looks += found is None
        if last is None and looks < wanted:
            return Unknown("only one look-up succeeded")
        return last

    def _look_once(self) -> Generator[Effect, Any, JSON | Unknown | None]:
        unsure: Unknown | None = None
        for number in range(1, LOOKUP_PAGES + 1):
            request = TelnyxRequest("GET", "/faxes", self._lookup_query(number))
            tried = yield from repeated(request, self.policy)
            page = readable_list(tried.outcome)
            if page is None:
                return Unknown("the look-up failed too")
            faxes, is_last = page
            for fax in faxes:
                if token_of(fax.get("client_state")) == self.token:
                    return fax
                if self._may_be_ours(fax):
                    unsure = Unknown("Telnyx has one like it without its client_state")
            if is_last:
                return unsure
        return Unknown("too many faxes to look through")

    def _lookup_query(self, number: int) -> list[tuple[str, str]]:
        body = self.fax_request.body
        query = [
            ("filter[direction][eq]", "outbound"),
            ("filter[from][eq]", body["from"]),
            ("filter[created_at][gte]", utc_text(self.begun - LOOKUP_WINDOW)),
            ("page[number]", str(number)),
            ("page[size]", str(LOOKUP_PAGE_SIZE)),
        ]
        if not self.fax_request.is_to_sip:
            # The filter is documented for E.164 numbers alone.
            query.insert(2, ("filter[to][eq]", body["to"]))
        return query

    def _may_be_ours(self, fax: JSON) -> bool:
        if fax.get("client_state") or fax.get("to") not in (None, self.fax_request.body["to"]):
            return False
        if fax.get("media_url") not in (None, "", self.fax_request.body["media_url"]):
            return False
        created = parse_timestamp(fax.get("created_at"))
        return created is None or created > self.begun - timedelta(minutes=15)


def may_have_been_sent(outcome: Outcome, unknown: Unknown, sending: Sending) -> TwilioResponse:
    """Return the error of a fax that Telnyx may have: it must not be sent again."""
    since: datetime = sending.begun - LOOKUP_WINDOW
    client_state = sending.fax_request.body["client_state"]
    message = (
        f"The fax may have been sent ({_what_happened(outcome)}, and {unknown.why}): "
        "before sending it again, look in GET /v2/faxes "
        f"for client_state {client_state}"
    )
    details: JSON = {
        "errors": _errors(outcome),
        "may_have_been_sent": True,
        "client_state": client_state,
        "look_up": f"/v2/faxes?filter[direction][eq]=outbound&filter[created_at][gte]={utc_text(since)}",
    }
    return _unanswered(outcome, message, details)


def surely_not_sent(outcome: Outcome) -> TwilioResponse:
    """Return the error of a fax that no look-up found."""
    message = f"The fax was not sent ({_what_happened(outcome)}): Telnyx does not have it"
    return _unanswered(outcome, message, {"errors": _errors(outcome), "may_have_been_sent": False})


def _unanswered(outcome: Outcome, message: str, details: JSON) -> TwilioResponse:
    timed_out = isinstance(outcome, Failure) and outcome.timed_out
    cause = outcome.cause if isinstance(outcome, Failure) else None
    return problem(504 if timed_out else 503, 20503, message, details, cause)


def _what_happened(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        return mask(outcome.summary)
    if outcome.status < 300:
        return "the answer could not be read"
    return f"Telnyx failed with HTTP {outcome.status}"


def _errors(outcome: Outcome) -> list[object]:
    return telnyx_errors(outcome) if isinstance(outcome, TelnyxResponse) else []
