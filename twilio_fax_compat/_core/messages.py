"""
The values that cross the core: requests and responses of both dialects, and effects.

A *flow* is a generator that yields effects, is sent their results, and returns a `TwilioResponse`.
A driver owns the network and the clock and answers each effect as its docstring says.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Mapping, Sequence, Union
from urllib.parse import quote

from attrs import define, field, frozen

JSON = Dict[str, Any]


@frozen
class TwilioRequest:
    """
    A request in Twilio's fax dialect.

    *path* has no host and no version (``/Faxes/FX...``); *fields* are the query of a GET or the form
    of a POST under Twilio's wire names, in-process values (``True``, ``None``) or wire text.
    """

    method: str
    path: str
    fields: Mapping[str, object] = field(factory=dict, repr=False)


@define
class TwilioResponse:
    """An answer in Twilio's dialect: *payload* is what its JSON body decodes to, None if empty."""

    status: int
    payload: JSON | None = field(default=None, repr=False)
    cause: BaseException | None = field(default=None, repr=False)


@define
class TelnyxRequest:
    """
    Effect: one HTTP request to Telnyx, answered with a `TelnyxResponse` or a `Failure`.

    *path* starts below the API's base URL (``/faxes``); *body* is sent as JSON.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: JSON | None = field(default=None, repr=False)


_UNREAD: JSON = {}


@define
class TelnyxResponse:
    """What Telnyx answered. *headers* have lower-case names; *body* is the raw, decoded body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    _value: JSON | None = field(default=_UNREAD, init=False, repr=False, eq=False)

    def json(self) -> JSON | None:
        """Return the body when it is a JSON object, else None."""
        if self._value is _UNREAD:
            try:
                value = json.loads(self.body)
            except ValueError:
                value = None
            self._value = value if isinstance(value, dict) else None
        return self._value

    def resource(self) -> JSON | None:
        """Return the object that a 2xx has under ``data``, None when there is none to be read."""
        value = (self.json() or {}).get("data") if 200 <= self.status < 300 else None
        return value if isinstance(value, dict) else None


@define
class Failure:
    """
    No answer came.

    *sent* is False only when the request certainly never left this machine; *timed_out* says that
    waiting ended it. *summary* is fit for an error message; *cause* is the exception to chain.
    """

    sent: bool
    summary: str
    timed_out: bool = False
    cause: BaseException | None = field(default=None, repr=False)


Outcome = Union[TelnyxResponse, Failure]


Send = Callable[[TelnyxRequest], Outcome]


def query_text(query: Sequence[tuple[str, str]]) -> str:
    """Return *query* as the part of an URL that begins with a question mark, or nothing."""
    if not query:
        return ""
    pairs = ("{}={}".format(quote(name, safe=""), quote(value, safe="")) for name, value in query)
    return "?" + "&".join(pairs)
