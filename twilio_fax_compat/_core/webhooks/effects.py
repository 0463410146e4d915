"""The effects that the delivery of a webhook may yield, and the values that answer them."""

from __future__ import annotations

from typing import Any, Generator, Iterable, Mapping, Union

from attrs import field, frozen

from twilio_fax_compat._core.effects import Now, Pause, Recall, Remember


@frozen
class CallApp:
    """
    Effect: send a Twilio request to an application; answered with an `AppAnswer`.

    *is_own* is True for the wrapped application, and False for another host.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    is_own: bool = True


@frozen
class AppAnswer:
    """
    The answer of an application. *status* 0 means that there was no answer, and *error* says why.

    *location* is the ``Location`` header. *is_encoded* is True for a body with a ``Content-Encoding``.
    """

    status: int
    content_type: str | None = None
    body: bytes = field(default=b"", repr=False)
    location: str | None = field(default=None, repr=False)
    error: str = ""
    is_encoded: bool = False

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> AppAnswer:
        """Return the answer with that *status*, those *headers* and that *body*."""
        first: dict[str, str] = {}
        for name, value in headers:
            first.setdefault(name.lower(), value)
        encoding = first.get("content-encoding", "").strip().lower()
        return cls(
            status,
            first.get("content-type"),
            body,
            first.get("location"),
            is_encoded=encoding not in ("", "identity"),
        )

    @property
    def is_good(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status < 300


@frozen
class FindToken:
    """Effect: answered with the auth token of an account, or None if there is none."""

    account_sid: str


@frozen
class Claim:
    """
    Effect: lock an event or a fax until it is settled or released.

    It is answered with ``new``, ``busy`` or ``done``. While the process lives, the lock does not
    expire. If it is *watched* and held for long, that is logged with the *fax_sid*.
    """

    event_id: str
    fax_sid: str
    watched: bool = False


@frozen
class Settle:
    """Effect: mark the event as done."""

    event_id: str


@frozen
class Release:
    """Effect: unlock the event, so that it can be delivered again."""

    event_id: str


@frozen
class Download:
    """
    Effect: download a fax's document; answered with its bytes, or None.

    *url* is tried first, then a fresh link from Telnyx.
    """

    fax_id: str
    url: str = field(repr=False)


@frozen
class Keep:
    """
    Effect: store a fax's document; answered with whether it is stored.

    *url* is tried first, then a fresh link from Telnyx.
    """

    fax_id: str
    url: str = field(repr=False)


@frozen
class Finish:
    """Effect: remove an event from the inbox and mark it as done."""

    event_id: str


@frozen
class Postpone:
    """
    Effect: schedule the next attempt for an event in the inbox, *seconds* from now.

    *count_attempt* is False if the application was not called. *reason* says why the attempt failed.
    """

    event_id: str
    seconds: float
    count_attempt: bool = True
    reason: str | None = None


@frozen
class LogWarning:
    """Effect: log *text* about a fax as a warning, with Twilio's error *code* if there is one."""

    fax_sid: str
    text: str
    code: int | None = None


Step = Union[
    CallApp,
    FindToken,
    Claim,
    Settle,
    Release,
    Finish,
    Postpone,
    Download,
    Keep,
    LogWarning,
    Remember,
    Recall,
    Pause,
    Now,
]


Talk = Generator[Step, Any, int]
