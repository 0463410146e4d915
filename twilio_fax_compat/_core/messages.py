"""
Requests and responses of both APIs.

A *flow* is a generator that yields effects, receives their results, and returns a `TwilioResponse`.
A driver has access to the network and the clock, and answers each effect as its docstring says.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Mapping, Sequence, Union
from urllib.parse import quote

from attrs import define, field, frozen

from twilio_fax_compat._core.attempts import Attempt

JSON = Dict[str, Any]


@frozen
class TwilioRequest:
    """
    A request to Twilio's fax API.

    *path* has neither host nor version (``/Faxes/FX...``). *fields* are the query of a GET or the form
    of a POST, by Twilio's parameter names. The values are Python values (``True``, ``None``) or strings.
    *attempt* is the remembered send of a create, if the caller has begun one.
    """

    method: str
    path: str
    fields: Mapping[str, object] = field(factory=dict, repr=False)
    attempt: Attempt | None = field(default=None, repr=False)


@define
class TwilioResponse:
    """A response of Twilio's fax API. *payload* is its decoded JSON body, or None."""

    status: int
    payload: JSON | None = field(default=None, repr=False)
    cause: BaseException | None = field(default=None, repr=False)


@define
class TelnyxRequest:
    """
    Effect: one HTTP request to Telnyx, answered with a `TelnyxResponse` or a `Failure`.

    *path* is relative to the API's base URL (``/faxes``). *body* is sent as JSON. *timeout* limits each
    step of the request, in seconds, if it is shorter than the timeouts of the settings.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: JSON | None = field(default=None, repr=False)
    timeout: float | None = field(default=None, eq=False)


_UNREAD: JSON = {}


@define
class TelnyxResponse:
    """A response of Telnyx. *headers* have lower-case names; *body* is the decompressed body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    _value: JSON | None = field(default=_UNREAD, init=False, repr=False, eq=False)

    def json(self) -> JSON | None:
        """Return the body if it is a JSON object, else None."""
        if self._value is _UNREAD:
            try:
                value = json.loads(self.body)
            except (ValueError, RecursionError):
                value = None
            self._value = value if isinstance(value, dict) else None
        return self._value

    def resource(self) -> JSON | None:
        """Return the object under ``data`` of a 2xx, or None if there is none."""
        value = (self.json() or {}).get("data") if 200 <= self.status < 300 else None
        return value if isinstance(value, dict) else None


@define
class Failure:
    """
    A request that got no answer.

    *sent* is False only if the request certainly never left this machine. *timed_out* is True after a
    timeout. *summary* can be shown in an error message, and *cause* is the exception to chain.
    """

    sent: bool
    summary: str
    timed_out: bool = False
    cause: BaseException | None = field(default=None, repr=False)


Outcome = Union[TelnyxResponse, Failure]


Send = Callable[[TelnyxRequest], Outcome]


def query_text(query: Sequence[tuple[str, str]]) -> str:
    """Return *query* as the part of a URL that begins with ``?``, or an empty string."""
    if not query:
        return ""
    pairs = ("{}={}".format(quote(name, safe=""), quote(value, safe="")) for name, value in query)
    return "?" + "&".join(pairs)
