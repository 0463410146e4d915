"""
Converts a recorded Twilio interaction to exchanges with Telnyx.

`convert` runs the client's own flow on the recorded request. Each Telnyx request of the flow gets the
response that leads to the recorded Twilio response. Then the result is compared with the recording.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Mapping

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.attempts import Attempt
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
from twilio_fax_compat._core.effects import (
    BeginSend,
    Effect,
    Elapsed,
    Flow,
    NewToken,
    Now,
    Recall,
    Remember,
    Warn,
    run,
)
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
"""The number of Telnyx pages for one Twilio page after which a list ends, in case a page repeats."""


@define
class RecordedAnswers:
    """Answers the Telnyx requests of one flow, from the *recorded* Twilio response."""

    request: TwilioRequest
    recorded: Recorded
    account: RecordedAccount
    turns: int = 0

    def __call__(self, effect: TelnyxRequest) -> TelnyxResponse:
        """Return the Telnyx response to a request."""
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
        document = self.account.documents.get(fax_id(payload.get("sid")) or "")
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
        fax = {**self.account.faxes.get(telnyx_id, {}), "sid": fax_sid(telnyx_id)}
        if media is None:
            return self._listed({**fax, "media_url": None})
        fax.update({name: media.get(name) for name in ("date_created", "date_updated")})
        # Telnyx shows stored media by a link, which a Twilio media resource does not have.
        fax["media_url"] = fax.get("media_url") or _SOME_LINK
        return self._listed(fax)


@frozen
class Conversion:
    """
    A Twilio interaction, converted.

    *exchanges*: the Telnyx requests and responses; empty if the client answers by itself.
    *response*: what the program gets. *losses*: differences. *refusals*: reasons why the interaction
    cannot be converted. *warnings*: the warnings that the client gives the developer.
    """

    exchanges: list[tuple[TelnyxRequest, TelnyxResponse]] = field(repr=False)
    response: TwilioResponse
    losses: list[str]
    refusals: list[str]
    warnings: list[str]


@define
class _Run:
    """Runs a flow without a network or a clock."""

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
        if isinstance(effect, Elapsed):
            return 0.0
        if isinstance(effect, BeginSend):
            return Attempt(effect.key, effect.token, effect.provider)
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
    account: RecordedAccount,
) -> Conversion:
    """
    Convert a recorded Twilio interaction.

    *url* is absolute, and *form* has the posted fields. *account* holds what earlier interactions of
    the recording showed; this interaction is added to it.
    """
    run, comparison = _Run(), Comparison()
    shim_url = account.shim_url(url)
    if "/Media/" in url and shim_url != url:
        comparison.lose("media_sid")
    request = twilio_request(method, shim_url, None, form)
    rest: Recorded | None = recorded
    while rest is not None:
        response = run.to_the_end(
            answer_request(request, settings), RecordedAnswers(request, rest, account)
        )
        compare(comparison, rest, response)
        if not comparison.refusals:
            # If a page is not converted, the pages after it are not either.
            account.learn(request, rest, response)
        # Telnyx's pages are smaller: the program asks again for the rest.
        following = str(meta_of(response.payload).get("next_page_url"))
        rest = None if comparison.refusals else account.rest_at(following)
        request = twilio_request("GET", following)
    return Conversion(run.exchanges, response, comparison.losses, comparison.refusals, run.warnings)


def compare(comparison: Comparison, recorded: Recorded, response: TwilioResponse) -> None:
    """Add the differences between the *recorded* response and the client's *response*."""
    returned = response.payload or {}
    if recorded.status != response.status:
        detail = returned.get("message") if response.status >= 400 else None
        comparison.refuse(
            f"HTTP {response.status} instead of {recorded.status}"
            + (f": {detail}" if detail else "")
        )
    elif recorded.status >= 400:
        comparison.problems(recorded.status, recorded.payload, returned)
    elif recorded.payload is None:
        if returned:
            comparison.refuse("the recorded answer is not a JSON object")
    elif "meta" in returned:
        _compare_pages(comparison, recorded, returned)
    elif "fax_sid" in returned:
        comparison.resources(recorded.payload, returned, {"sid": "media_sid", "url": "media_sid"})
    else:
        comparison.resources(recorded.payload, returned)


def _compare_pages(comparison: Comparison, recorded: Recorded, returned: JSON) -> None:
    key = returned["meta"]["key"]
    then, now = records_of(recorded.payload, key), returned[key]
    if then is None:
        comparison.refuse("the recorded answer is not a list")
        return
    if key == "media":
        for recorded_media, media in zip(then, now):
            comparison.resources(recorded_media, media, {"sid": "media_sid", "url": "media_sid"})
        if len(then) > len(now):
            comparison.refuse("a fax has at most one media")
        return
    following = bool(returned["meta"]["next_page_url"])
    is_cut = 0 < len(now) < len(then) and following
    comparison.lists(then[: len(now)] if is_cut else then, now)
    if is_cut:
        comparison.lose("page", f"a page of {len(then)} faxes becomes several pages")
    elif bool(recorded.meta("next_page_url")) != following:
        comparison.refuse(
            "another page would follow" if following else "the next page would not follow"
        )
    if bool(recorded.meta("previous_page_url")) != bool(returned["meta"]["previous_page_url"]):
        comparison.lose("previous_page_url")
