"""What is written down of each test: Twilio calls, and the Telnyx requests they became."""

from __future__ import annotations

import json
import re
from typing import Any, Generator, Iterable, Mapping

from attrs import asdict, define, field

from twilio_fax_compat._core.effects import Effect, Flow, Warn
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import (
    TelnyxRequest,
    TelnyxResponse,
    TwilioRequest,
    TwilioResponse,
)

ON_TELNYX, REPLAYED, REPLACED = "telnyx", "replayed", "stood-in"
NO_CALL, CONTROL = "none", "control"

KINDS: Mapping[str, str] = {
    ON_TELNYX: "ran on Telnyx",
    REPLAYED: "replayed through the translation to Telnyx",
    REPLACED: "patched: proves nothing about Telnyx",
    NO_CALL: "made no fax call",
    CONTROL: "control run",
}
"""What a test proves about Telnyx, in words."""

OPERATIONS: Mapping[tuple[str, str], str] = {
    ("POST", "/Faxes"): "faxes.create",
    ("GET", "/Faxes"): "faxes.list",
    ("GET", "/Faxes/*"): "faxes.fetch",
    ("POST", "/Faxes/*"): "faxes.update",
    ("DELETE", "/Faxes/*"): "faxes.delete",
    ("GET", "/Faxes/*/Media"): "media.list",
    ("GET", "/Faxes/*/Media/*"): "media.fetch",
    ("DELETE", "/Faxes/*/Media/*"): "media.delete",
}
"""The names of Twilio's operations, by method and path with stars for SIDs."""

_SID = re.compile(r"(?<=/Faxes/)[^/]+|(?<=/Media/)[^/]+")
_SECRET = frozenset({"SipAuthUsername", "SipAuthPassword", "client_state", "sip_auth_password"})


@define
class TelnyxCall:
    """A request to Telnyx; *status* is None when no answer came."""

    method: str
    path: str
    query: dict[str, Any] = field(factory=dict)
    body: dict[str, Any] = field(factory=dict)
    status: int | None = None


@define
class TwilioCall:
    """
    A call of Twilio's fax API.

    *answered_by* is ``telnyx`` or what stood in for Twilio; *warned* are parameters that were left
    out, *refused* says why the call cannot be made of Telnyx, *broken_off* what kept it from being
    made, *statuses* are those the test saw. *is_shared* marks calls of set-ups that several tests
    share. Of a recording, *is_converted* says that it was converted to Telnyx's, *losses* what
    differs, *not_converted* why it was not.
    """

    operation: str
    method: str
    path: str
    fields: dict[str, Any] = field(factory=dict)
    answered_by: str = ON_TELNYX
    status: int | None = None
    code: int | None = None
    telnyx: list[TelnyxCall] = field(factory=list)
    warned: list[str] = field(factory=list)
    refused: str | None = None
    broken_off: str | None = None
    statuses: list[str] = field(factory=list)
    is_shared: bool = False
    is_converted: bool = False
    not_converted: str | None = None
    losses: list[str] = field(factory=list)

    @classmethod
    def of(cls, request: TwilioRequest, answered_by: str) -> TwilioCall:
        """Return the record of a *request* that is about to be answered."""
        path = request.path.rstrip("/")
        operation = OPERATIONS.get((request.method.upper(), _SID.sub("*", path)), "other")
        return cls(operation, request.method, mask(path), shown(request.fields), answered_by)

    def note_payload(self, status: int, payload: object, is_ours: bool = False) -> None:
        """Note what was answered, by us or not, *payload* being the decoded body."""
        self.status, self.statuses = status, []
        if not isinstance(payload, dict):
            return
        code = payload.get("code")
        self.code = code if isinstance(code, int) else None
        faxes = payload.get("faxes")
        for fax in faxes if isinstance(faxes, list) else [payload]:
            told = fax.get("status") if isinstance(fax, dict) else None
            if isinstance(told, str) and told not in self.statuses:
                self.statuses.append(told)
        if is_ours and not self.telnyx and status >= 400:
            self.refused = mask(str(payload.get("message", "")))


@define
class DeepRun:
    """
    What came of a test's second run, in which stand-ins hand their calls on to the emulator.

    *problems* are calls that Telnyx would not have answered as the stand-in did, *not_forwarded* what
    could not be handed on and why.
    """

    verdict: str = ""
    calls: list[TwilioCall] = field(factory=list)
    problems: list[str] = field(factory=list)
    not_forwarded: list[str] = field(factory=list)

    @property
    def is_smooth(self) -> bool:
        """Tell whether every call was made and Telnyx took it."""
        return self.verdict == "passed" and not (self.problems or self.not_forwarded)


@define
class TestRecord:
    """
    One test: its calls, what stood in for Twilio, and its verdict with the *reason* of a failure.

    *missed* is what it asked of a fax that Telnyx does not tell, *unreached* the stubs of Twilio's fax
    API that no replayed call came to.
    """

    __test__ = False

    nodeid: str
    kind: str = NO_CALL
    verdict: str = ""
    reason: str = ""
    calls: list[TwilioCall] = field(factory=list)
    test_doubles: list[str] = field(factory=list)
    unreached: list[str] = field(factory=list)
    missed: list[str] = field(factory=list)
    deep: DeepRun | None = None

    def replaced(self, what: str) -> None:
        """Note once that *what* stood in for Twilio."""
        if what not in self.test_doubles:
            self.test_doubles.append(what)

    def miss(self, what: str) -> None:
        """Note once that the test asked for *what*."""
        if what not in self.missed:
            self.missed.append(what)

    def judged(self) -> str:
        """Return what the test proves, a key of `KINDS`; what it did itself outweighs set-ups."""
        made = [call for call in self.calls if not call.broken_off]
        made = [call for call in made if not call.is_shared] or ([] if self.test_doubles else made)
        if any(call.answered_by == ON_TELNYX for call in made):
            return ON_TELNYX
        if any(call.is_converted for call in made):
            return REPLAYED
        return REPLACED if made or self.test_doubles else NO_CALL

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold of it."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> TestRecord:
        """Return the record that `to_json` made *told* of."""
        deep = told.get("deep")
        return cls(
            **{
                **told,
                "calls": _calls(told.get("calls", ())),
                "deep": DeepRun(**{**deep, "calls": _calls(deep["calls"])}) if deep else None,
            }
        )


def _calls(told: Iterable[Mapping[str, Any]]) -> list[TwilioCall]:
    return [
        TwilioCall(**{**call, "telnyx": [TelnyxCall(**one) for one in call["telnyx"]]})
        for call in told
    ]


def watched(flow: Flow, call: TwilioCall) -> Flow:
    """Pass *flow* on and write into *call* what it asks of Telnyx, keeping its warnings to it."""
    result: Any = None
    while True:
        try:
            effect: Effect = flow.send(result)
        except StopIteration as end:
            response: TwilioResponse = end.value
            call.note_payload(response.status, response.payload, is_ours=True)
            return response
        if isinstance(effect, Warn):
            call.warned.append(effect.parameter)
            result = None
        elif isinstance(effect, TelnyxRequest):
            result = yield from _asked(effect, call)
        else:
            result = yield effect


def _asked(request: TelnyxRequest, call: TwilioCall) -> Generator[Effect, Any, Any]:
    noted = TelnyxCall(
        request.method, request.path, shown(dict(request.query)), shown(request.body or {})
    )
    call.telnyx.append(noted)
    outcome = yield request
    if isinstance(outcome, TelnyxResponse):
        noted.status = outcome.status
    return outcome


def shown(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return *fields* as a report may show them."""
    return {name: _shown(name, value) for name, value in fields.items() if value is not None}


def _shown(name: str, value: object) -> Any:
    if name in _SECRET:
        return "***"
    return value if isinstance(value, (bool, int, float)) else mask(str(value))


def payload_in(text: object) -> object:
    """Return what JSON *text* decodes to, None for what is none."""
    try:
        return json.loads(text) if isinstance(text, (str, bytes)) else None
    except ValueError:
        return None
