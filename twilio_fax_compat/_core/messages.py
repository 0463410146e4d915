"""
The values that cross the core: requests and responses of both dialects, and effects.

A *flow* is a generator that yields effects, is sent their results, and returns a `TwilioResponse`.
A driver owns the network and the clock and answers each effect as its docstring says.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Dict, Generator, Mapping, Sequence, Union

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


@frozen
class Pause:
    """Effect: wait *seconds*, plus a random part of *jitter* seconds; answered with None."""

    seconds: float
    jitter: float = 0.0


@frozen
class Warn:
    """Effect: tell the developer, once per process and *parameter*; answered with None."""

    parameter: str
    text: str


@frozen
class Mint:
    """Effect: answered with a `Minted`."""


@frozen
class Minted:
    """A *token* nobody else has, and the time *now* (aware, UTC)."""

    token: str
    now: datetime


@frozen
class Facts:
    """
    What is known of a fax beyond Telnyx's fax resource; None is what is not known.

    *status* is a final Telnyx status, *duration* seconds, *action* what an incoming fax's TwiML
    asked for. *provider* is ``legacy`` or ``telnyx``, where both were in use; the *status* of a legacy
    fax is Twilio's.
    """

    cancel_asked: bool = False
    status: str | None = None
    failure_reason: str | None = None
    page_count: int | None = None
    duration: int | None = None
    action: Mapping[str, str] | None = field(default=None, repr=False)
    provider: str | None = None


NOTHING_KNOWN = Facts()

SEND_KEYS = "send:"
"""
How the ids begin under which a ledger keeps the `Facts` of a logical send instead of a fax's.

They keep a send that is tried again with the provider that may have it already.
"""


def merged(old: Facts | None, new: Facts) -> Facts:
    """Return both: what *new* tells wins, what it leaves out stays."""
    if old is None:
        return new
    return Facts(
        cancel_asked=old.cancel_asked or new.cancel_asked,
        status=new.status or old.status,
        failure_reason=new.failure_reason or old.failure_reason,
        page_count=old.page_count if new.page_count is None else new.page_count,
        duration=old.duration if new.duration is None else new.duration,
        action=old.action if new.action is None else new.action,
        provider=new.provider or old.provider,
    )


@frozen
class Remember:
    """Effect: keep *facts* about a fax; answered with None."""

    fax_id: str
    facts: Facts


@frozen
class Recall:
    """Effect: answered with a mapping from those *fax_ids* that are known to their `Facts`."""

    fax_ids: Sequence[str]


Effect = Union[TelnyxRequest, Pause, Warn, Mint, Remember, Recall]
Flow = Generator[Effect, Any, TwilioResponse]
