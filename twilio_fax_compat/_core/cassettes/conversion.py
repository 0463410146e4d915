"""
Recorded Twilio answers, told again by Telnyx.

The shim's own flow is run on the recorded request, each request it makes of Telnyx is answered with
what makes it return Twilio's recorded answer, and what it returns is held against that answer.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Mapping

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.cassettes.comparison import Comparison
from twilio_fax_compat._core.cassettes.recorded_account import (
    Recorded,
    RecordedAccount,
    meta_of,
    records_of,
    resources_in,
)
from twilio_fax_compat._core.cassettes.telnyx_answers import (
    answer,
    one_fax,
    page_of,
    refusal,
    telnyx_fax,
)
from twilio_fax_compat._core.effects import Effect, Flow, NewToken, Now, Recall, Remember, Warn, run
from twilio_fax_compat._core.facts import Facts, merged
from twilio_fax_compat._core.fax_api.routes import answer_request, twilio_request
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import (
    JSON,
    TelnyxRequest,
    TelnyxResponse,
    TwilioRequest,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.ids import fax_id, fax_sid

_TOKEN = "0" * 32
_NOW = datetime(2021, 1, 1, tzinfo=timezone.utc)

_SOME_LINK = "https://media.invalid/fax.pdf"

_MOST_TURNS = 4
"""Pages of one Twilio page after which a list is told to end, lest a repeated page never does."""


@define
class RecordedAnswers:
    """Answers the requests that one flow makes of Telnyx from what Twilio *recorded*."""

    request: TwilioRequest
    recorded: Recorded
    known: RecordedAccount
    turns: int = 0

    def __call__(self, effect: TelnyxRequest) -> TelnyxResponse:
        """Return Telnyx's answer."""
        recorded = self.recorded
        is_lookup = self.request.method == "POST" and effect.method == "GET"
        if is_lookup and effect.path == "/faxes":
            return page_of(effect, [], more=False)
        if recorded.status >= 300 or recorded.status < 200:
            payload = recorded.payload or {}
            return refusal(recorded.status, payload.get("code"), str(payload.get("message") or ""))
        if effect.method == "DELETE":
            return answer(204)
        if effect.path.endswith(("/actions/cancel", "/actions/refresh")):
            return answer(202, {"data": {"result": "ok"}})
        if effect.path != "/faxes":
            return one_fax(self._fax_of(effect.path.rpartition("/")[2]))
        if effect.method == "POST":
            return one_fax(self._created(effect.body or {}), 202)
        self.turns += 1
        faxes = [self._listed(fax) for fax in resources_in(recorded.payload, "faxes")]
        more = bool(recorded.meta("next_page_url")) and self.turns < _MOST_TURNS
        return page_of(effect, faxes, more)

    def _listed(self, payload: JSON) -> JSON:
        document = self.known.documents.get(fax_id(payload.get("sid")) or "")
        return telnyx_fax(payload, document)

    def _created(self, body: JSON) -> JSON:
        fax = self._listed(self.recorded.payload or {})
        return {**{name: value for name, value in body.items() if value is not None}, **fax}

    def _fax_of(self, telnyx_id: str) -> JSON:
        payload = self.recorded.payload or {}
        if "/Media" not in self.request.path:
            return self._listed(payload)
        media = (
            payload if "fax_sid" in payload else next(iter(resources_in(payload, "media")), None)
        )
        fax = {**self.known.faxes.get(telnyx_id, {}), "sid": fax_sid(telnyx_id)}
        if media is None:
            return self._listed({**fax, "media_url": None})
        fax.update({name: media.get(name) for name in ("date_created", "date_updated")})
        # A media resource does not have the link that tells of it at Telnyx.
        fax["media_url"] = fax.get("media_url") or _SOME_LINK
        return self._listed(fax)


@frozen
class Conversion:
    """
    One Twilio interaction at Telnyx.

    *exchanges* are the requests and answers, none for what the shim answers by itself, *response*
    is what the program gets. *losses* are what differs, *refusals* why it cannot stand for the
    recorded one at all, *warnings* what the shim tells the developer.
    """

    exchanges: list[tuple[TelnyxRequest, TelnyxResponse]] = field(repr=False)
    response: TwilioResponse
    losses: list[str]
    refusals: list[str]
    warnings: list[str]


@define
class _Run:
    """A flow, run to its end without a network or a clock."""

    exchanges: list[tuple[TelnyxRequest, TelnyxResponse]] = field(factory=list)
    warnings: list[str] = field(factory=list)
    facts: dict[str, Facts] = field(factory=dict)

    def to_the_end(self, flow: Flow, telnyx: RecordedAnswers) -> TwilioResponse:
        def perform(effect: Effect) -> Any:
            if isinstance(effect, TelnyxRequest):
                answered = telnyx(effect)
                kept = evolve(effect, body=effect.body and dict(effect.body))
                self.exchanges.append((kept, answered))
                return answered
            return self._carry_out(effect)

        return run(flow, perform)

    def _carry_out(self, effect: Effect) -> Any:
        if isinstance(effect, NewToken):
            return _TOKEN
        if isinstance(effect, Now):
            return _NOW
        if isinstance(effect, Recall):
            return self.facts
        if isinstance(effect, Remember):
            self.facts[effect.fax_id] = merged(self.facts.get(effect.fax_id), effect.facts)
        elif isinstance(effect, Warn):
            self.warnings.append(effect.text)
        return None


def convert(
    method: str,
    url: str,
    form: Mapping[str, object],
    recorded: Recorded,
    settings: FlowSettings,
    known: RecordedAccount,
) -> Conversion:
    """
    Return what a recorded Twilio interaction is at Telnyx.

    *url* is absolute, *form* what was posted, *known* what the interactions before this one told,
    to which this one is added.
    """
    run, comparison = _Run(), Comparison()
    shim_url = known.shim_url(url)
    if "/Media/" in url and shim_url != url:
        comparison.lose("media_sid")
    request = twilio_request(method, shim_url, None, form)
    left: Recorded | None = recorded
    while left is not None:
        response = run.to_the_end(
            answer_request(request, settings), RecordedAnswers(request, left, known)
        )
        compare(comparison, left, response)
        if not comparison.refusals:
            # What follows a page that is not there is not there either.
            known.learn(request, left, response)
        # Telnyx's pages are smaller: the program comes back for what is left.
        following = str(meta_of(response.payload).get("next_page_url"))
        left = None if comparison.refusals else known.rest_at(following)
        request = twilio_request("GET", following)
    return Conversion(run.exchanges, response, comparison.losses, comparison.refusals, run.warnings)


def compare(comparison: Comparison, recorded: Recorded, response: TwilioResponse) -> None:
    """Note what differs between the *recorded* answer and the shim's *response*."""
    shown = response.payload or {}
    if recorded.status != response.status:
        said = shown.get("message") if response.status >= 400 else None
        comparison.refuse(
            f"HTTP {response.status} instead of {recorded.status}" + (f": {said}" if said else "")
        )
    elif recorded.status >= 400:
        comparison.problems(recorded.status, recorded.payload, shown)
    elif recorded.payload is None:
        if shown:
            comparison.refuse("the recorded answer is no JSON object")
    elif "meta" in shown:
        _compare_pages(comparison, recorded, shown)
    elif "fax_sid" in shown:
        comparison.resources(recorded.payload, shown, {"sid": "media_sid", "url": "media_sid"})
    else:
        comparison.resources(recorded.payload, shown)


def _compare_pages(comparison: Comparison, recorded: Recorded, shown: JSON) -> None:
    key = shown["meta"]["key"]
    then, now = records_of(recorded.payload, key), shown[key]
    if then is None:
        comparison.refuse("the recorded answer is no list")
        return
    if key == "media":
        for media, one in zip(then, now):
            comparison.resources(media, one, {"sid": "media_sid", "url": "media_sid"})
        if len(then) > len(now):
            comparison.refuse("a fax has one media at most")
        return
    following = bool(shown["meta"]["next_page_url"])
    is_cut = 0 < len(now) < len(then) and following
    comparison.lists(then[: len(now)] if is_cut else then, now)
    if is_cut:
        comparison.lose("page", f"a page of {len(then)} faxes comes as more than one")
    elif bool(recorded.meta("next_page_url")) != following:
        comparison.refuse(
            "another page would follow" if following else "the next page would not follow"
        )
    if bool(recorded.meta("previous_page_url")) != bool(shown["meta"]["previous_page_url"]):
        comparison.lose("previous_page_url")
