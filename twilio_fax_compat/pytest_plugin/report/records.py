"""The record of each test: its Twilio calls, and the Telnyx requests they became."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Generator, Iterable, Mapping

from attrs import asdict, define, field

from twilio_fax_compat._core.effects import Effect, Flow, Warn
from twilio_fax_compat._core.messages import (
    TelnyxRequest,
    TelnyxResponse,
    TwilioRequest,
    TwilioResponse,
)
from twilio_fax_compat.pytest_plugin.report.texts import masked

ON_TELNYX, REPLAYED, REPLACED = "telnyx", "replayed", "patched"
UNANSWERED, BLOCKED = "unanswered", "blocked"
NO_CALL, CONTROL = "none", "control"

KINDS: Mapping[str, str] = {
    ON_TELNYX: "ran on Telnyx",
    REPLAYED: "replayed through the translation to Telnyx",
    REPLACED: "patched: proves nothing about Telnyx",
    UNANSWERED: "not answered by Telnyx: refused beforehand, interrupted, or without an answer",
    BLOCKED: "tried to reach Twilio or Telnyx past the plugin: blocked",
    NO_CALL: "made no fax call",
    CONTROL: "control run",
}
"""What a test proves about Telnyx, in words, in the order of the summary."""

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
    """A request to Telnyx; *status* is None without an answer."""

    method: str
    path: str
    query: dict[str, Any] = field(factory=dict)
    body: dict[str, Any] = field(factory=dict)
    status: int | None = None


@define
class TwilioCall:
    """
    A call of Twilio's fax API.

    *answered_by* is ``telnyx`` or the name of the test double. *warned* are the parameters that
    were left out; *refused* is the reason why Telnyx cannot do the call; *broken_off* is why the
    plugin did not let it happen, which fails the test; *interrupted* is the error of a call that the
    test itself ended, such as a deadline; *statuses* are the fax statuses the test saw. *is_shared*:
    the call belongs to a set-up that several tests share. For recordings: *is_converted*, *losses*
    (what differs after the conversion), and *not_converted* (why it was not converted).
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
    interrupted: str | None = None
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
        return cls(
            operation, request.method, masked(path), masked_fields(request.fields), answered_by
        )

    @property
    def is_answered_by_telnyx(self) -> bool:
        """Whether Telnyx answered: an error is an answer, a refusal of ours is not."""
        if self.answered_by != ON_TELNYX or self.broken_off or self.interrupted:
            return False
        succeeded = self.status is not None and self.status < 400
        return succeeded or any(sent.status is not None for sent in self.telnyx)

    def note_payload(self, status: int, payload: object, is_ours: bool = False) -> None:
        """Record the answer: its HTTP *status* and the decoded body; *is_ours* if we answered."""
        self.status, self.statuses = status, []
        if not isinstance(payload, dict):
            return
        code = payload.get("code")
        self.code = code if isinstance(code, int) else None
        faxes = payload.get("faxes")
        for fax in faxes if isinstance(faxes, list) else [payload]:
            value = fax.get("status") if isinstance(fax, dict) else None
            if isinstance(value, str) and value not in self.statuses:
                self.statuses.append(value)
        if is_ours and not self.telnyx and status >= 400:
            self.refused = masked(str(payload.get("message", "")))


@define
class DeepRun:
    """
    The result of a test's second run, in which test doubles forward their calls to the emulator.

    *problems* are calls that Telnyx would not have answered as the test double did;
    *not_forwarded* says which calls could not be forwarded, and why. *prepared* are values that the
    test double gave, that the program read, and that Telnyx never gives.
    """

    verdict: str = ""
    calls: list[TwilioCall] = field(factory=list)
    problems: list[str] = field(factory=list)
    not_forwarded: list[str] = field(factory=list)
    prepared: list[str] = field(factory=list)

    @property
    def left_out(self) -> list[str]:
        """The parameters that Telnyx has no equivalent for."""
        return list(dict.fromkeys(name for call in self.calls for name in call.warned))

    @property
    def is_smooth(self) -> bool:
        """Whether every call was forwarded as it was, and Telnyx gives what the program read."""
        findings = (self.problems, self.not_forwarded, self.left_out, self.prepared)
        return self.verdict == "passed" and not any(findings)


_OF_THE_RUN = {"is_of_the_run": True}
"""Marks what a record has only while its test runs."""


@define
class TestRecord:
    """
    One test: its calls, its test doubles, and its verdict with the *reason* of a failure.

    *missed*: fax properties the test read that Telnyx never provides. *prepared*: the same, where a
    test double gave a value. *unreached*: the stubs of Twilio's fax API that no replayed call
    reached. *blocked*: connections that the guard did not let happen. *forgotten*: faxes that the
    test read after the plugin had deleted them.
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
    prepared: list[str] = field(factory=list)
    blocked: list[str] = field(factory=list)
    forgotten: list[str] = field(factory=list)
    deep: DeepRun | None = None
    is_closed: bool = field(default=False, eq=False, metadata=_OF_THE_RUN)
    has_failed: bool = field(default=False, eq=False, metadata=_OF_THE_RUN)
    _doubles: list[tuple[str, Callable[[], bool]]] = field(
        init=False, factory=list, eq=False, repr=False, metadata=_OF_THE_RUN
    )

    def replaced(self, what: str, is_of_fax: Callable[[], bool] | None = None) -> None:
        """Add *what* to the test doubles, once; with *is_of_fax* when `judged` is asked, if True."""
        if is_of_fax is None:
            _add(self.test_doubles, what)
        else:
            self._doubles.append((what, is_of_fax))

    def miss(self, what: str) -> None:
        """Add *what* to the missed properties, once."""
        _add(self.missed, what)

    def prepare(self, what: str) -> None:
        """Add *what* to the properties that only a test double can give, once."""
        _add(self.prepared, what)

    def block(self, what: str) -> None:
        """Add *what* to the blocked connections, once."""
        _add(self.blocked, what)

    def judged(self) -> str:
        """Return what the test proves, a key of `KINDS`; its own calls outweigh shared set-ups."""
        for what, is_of_fax in self._doubles:
            if is_of_fax():
                _add(self.test_doubles, what)
        self._doubles.clear()
        if self.blocked:
            return BLOCKED
        own = [call for call in self.calls if not call.is_shared]
        own = own or ([] if self.test_doubles else self.calls)
        if any(call.is_answered_by_telnyx for call in own):
            return ON_TELNYX
        if any(call.is_converted for call in own):
            return REPLAYED
        if self.test_doubles or any(call.answered_by != ON_TELNYX for call in own):
            return REPLACED
        return UNANSWERED if own else NO_CALL

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return asdict(self, filter=lambda attribute, _: attribute.metadata != _OF_THE_RUN)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TestRecord:
        """Return the record from *data*, the result of `to_json`."""
        deep = data.get("deep")
        return cls(
            **{
                **data,
                "calls": _calls(data.get("calls", ())),
                "deep": DeepRun(**{**deep, "calls": _calls(deep["calls"])}) if deep else None,
            }
        )


def _add(texts: list[str], text: str) -> None:
    if text not in texts:
        texts.append(text)


def _calls(items: Iterable[Mapping[str, Any]]) -> list[TwilioCall]:
    return [
        TwilioCall(**{**call, "telnyx": [TelnyxCall(**sent) for sent in call["telnyx"]]})
        for call in items
    ]


def watched(flow: Flow, call: TwilioCall) -> Flow:
    """Yield the effects of *flow* except its warnings; record warnings and requests in *call*."""
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
        request.method,
        request.path,
        masked_fields(dict(request.query)),
        masked_fields(request.body or {}),
    )
    call.telnyx.append(noted)
    outcome = yield request
    if isinstance(outcome, TelnyxResponse):
        noted.status = outcome.status
    return outcome


def masked_fields(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return *fields* masked, as a report shows them."""
    return {name: _masked(name, value) for name, value in fields.items() if value is not None}


def _masked(name: str, value: object) -> Any:
    if name in _SECRET:
        return "***"
    return value if isinstance(value, (bool, int, float)) else masked(str(value))


def payload_in(text: object) -> object:
    """Return the value of the JSON *text*, or None if it is not JSON."""
    try:
        return json.loads(text) if isinstance(text, (str, bytes)) else None
    except ValueError:
        return None
