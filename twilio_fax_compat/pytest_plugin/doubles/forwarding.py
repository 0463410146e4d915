"""
Forwards the calls that test doubles receive to the emulator.

The test gets the answers that it prepared, so its assertions hold. Where it prepared none, it gets
the emulator's answer.
"""

from __future__ import annotations

from typing import Any, Callable
from unittest.mock import DEFAULT, NonCallableMock

from attrs import define, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import TwilioRequest
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL
from twilio_fax_compat._core.translation.ids import fax_id, media_sid
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.pytest_plugin.doubles.properties import NEVER_GIVEN
from twilio_fax_compat.rest.fax.v1.fax import FaxContext, FaxList
from twilio_fax_compat.rest.fax.v1.fax.fax_media import FaxMediaContext, FaxMediaList

FROM, TO, MEDIA_URL = "+15005550006", "+15005550009", "https://www.example.com/fax.pdf"
"""The fax that is created on the emulator if a test reads one that it never sent."""

_NOTHING = object()


@define(eq=False)
class Forwarder:
    """
    Repeats the calls that test doubles received with *client*, a client of the emulator.

    *problems* are calls that Telnyx refuses and the test double accepted; *not_forwarded* are
    calls that could not be made.
    """

    client: Any
    silently: Callable[[], Any]
    prepared: Callable[[str], None]
    problems: list[str] = field(factory=list)
    not_forwarded: list[str] = field(factory=list)
    _fax_list: Any = field(init=False)
    _sids: dict[str, str] = field(factory=dict)
    _given: dict[int, object] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._fax_list = self.client.fax.faxes

    def mock_called(
        self,
        prepared_answer: Callable[[], Any],
        mock: Any,
        path: list[str],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Repeat a mock's call with the real client, and return the answer for the test."""
        prepared = self._is_prepared(mock)
        error: Exception | None = None
        real: Any = _NOTHING
        try:
            real = self._call_for_real(mock, path, args, kwargs)
        except (TwilioException, TypeError, ValueError) as raised:
            error = raised
        # If the mock raises, the test is about error handling, and the rest is skipped.
        answer = prepared_answer()
        if error is not None:
            self._note(".".join(path[path.index("faxes") :]).replace(".()", "()"), error)
            return answer
        self._pair(answer, real)
        for fax in answer if isinstance(answer, (list, tuple)) else [answer]:
            _report_reads(fax, self.prepared)
        if prepared:
            return answer
        self._given[id(mock)] = mock.return_value = real
        return real

    def request_answered(self, request: TwilioRequest, status: object, payload: object) -> None:
        """Repeat a request that a test double below the client answered."""
        if "PageToken" in request.fields:
            self.not_forwarded.append("Telnyx does not know Twilio's page tokens")
            return
        pieces = request.path.split("/")
        if len(pieces) > 2:
            pieces[2] = self._real_sid(pieces[2])
            if len(pieces) > 4:
                pieces[4] = _media_of(pieces[2])
        is_get = request.method == "GET"
        fields = dict(request.fields)
        answer = self.client.request(
            request.method,
            DEFAULT_API_URL + "/".join(pieces),
            params=fields if is_get else None,
            data=None if is_get else fields,
        )
        data = answer.payload if isinstance(answer.payload, dict) else {}
        if isinstance(status, int) and status < 400 <= answer.status_code:
            self.problems.append(
                "{} {}: {}".format(request.method, mask(request.path), data.get("message"))
            )
        if isinstance(payload, dict) and isinstance(payload.get("sid"), str) and data.get("sid"):
            self._sids.setdefault(payload["sid"], str(data["sid"]))

    def _is_prepared(self, mock: Any) -> bool:
        if mock.side_effect is not None or mock._mock_wraps is not None:
            return True
        value = mock._mock_return_value
        return value is not DEFAULT and value is not self._given.get(id(mock), _NOTHING)

    def _call_for_real(
        self, mock: Any, path: list[str], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        after = path[path.index("faxes") + 1 :]
        if len(after) == 1:
            answer = _call(self._fax_list, after[0], *args, **kwargs)
            return iter(list(answer)) if after[0] == "stream" else answer
        sid = self._real_sid(_sid_of(mock))
        holder: Any = FaxContext(self._fax_list._version, sid)
        if "media" in after:
            holder = FaxMediaList(self._fax_list._version, sid)
            if "()" in after[after.index("media") :]:
                holder = FaxMediaContext(self._fax_list._version, sid, _media_of(sid))
        return _call(holder, after[-1], *args, **kwargs)

    def _real_sid(self, sid: str | None) -> str:
        if sid is None and self._sids:
            return list(self._sids.values())[-1]
        if sid not in self._sids:
            with self.silently():
                fax = _call(self._fax_list, "create", to=TO, from_=FROM, media_url=MEDIA_URL)
            self._sids[str(sid)] = str(fax.sid)
        return self._sids[str(sid)]

    def _pair(self, answer: Any, real: Any) -> None:
        sid, own = getattr(answer, "sid", None), getattr(real, "sid", None)
        if isinstance(own, str):
            self._sids[sid if isinstance(sid, str) else own] = own

    def _note(self, call: str, error: Exception) -> None:
        text = str(getattr(error, "msg", "") or error)
        self.problems.append("{}: {}".format(call, mask(text)))


def _report_reads(fax: Any, prepared: Callable[[str], None]) -> None:
    """Report when the program reads a value of the mock *fax* that Telnyx never gives."""
    if not isinstance(fax, NonCallableMock):
        return
    for name, why in NEVER_GIVEN.items():
        # Each mock has a class of its own, and keeps in its own members what was prepared.
        if name in vars(fax) and not isinstance(vars(fax)[name], NonCallableMock):
            setattr(type(fax), name, _ReportedValue(name, why, prepared))


class _ReportedValue:
    """A property that reports when it is read; the value stays where the test put it."""

    def __init__(self, name: str, why: str, prepared: Callable[[str], None]) -> None:
        self.name, self.why, self.prepared = name, why, prepared

    def __get__(self, fax: Any, kind: type | None = None) -> Any:
        if fax is None:
            return self
        self.prepared("{} was read: {}".format(self.name, self.why))
        return vars(fax)[self.name]

    def __set__(self, fax: Any, value: object) -> None:
        vars(fax)[self.name] = value


_METHODS = {cls: dict(vars(cls)) for cls in (FaxList, FaxContext, FaxMediaList, FaxMediaContext)}
"""The original methods, which tests replace."""


def _call(holder: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    return _METHODS[type(holder)][name](holder, *args, **kwargs)


def _media_of(sid: str) -> str:
    return str(media_sid(fax_id(sid)))


def _sid_of(mock: Any) -> str | None:
    """Return the fax SID that a call of *mock* is for, from its parent mocks, or None."""
    above = mock._mock_new_parent
    while above is not None:
        if above._mock_new_name in ("faxes", "get") and above.call_args is not None:
            args, kwargs = above.call_args
            sid = args[0] if args else kwargs.get("sid")
            return sid if isinstance(sid, str) else None
        sid = vars(above).get("sid")
        if isinstance(sid, str):
            return sid
        above = above._mock_new_parent
    return None
