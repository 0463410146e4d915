"""What the delivery of a webhook may ask its driver for."""

from __future__ import annotations

from typing import Any, Generator, Mapping, Union

from attrs import field, frozen

from twilio_fax_compat._core.effects import Now, Recall, Remember


@frozen
class CallApp:
    """Effect: a Twilio request to an application, answered with an `AppAnswer`."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    is_own: bool = True


@frozen
class AppAnswer:
    """What an application answered; *status* 0 stands for no answer."""

    status: int
    content_type: str | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def is_good(self) -> bool:
        """LogWarning whether it is any 2xx."""
        return 200 <= self.status < 300


@frozen
class Claim:
    """Effect: answered with ``new``, ``busy`` or ``done``."""

    event_id: str


@frozen
class Settle:
    """Effect: the event needs nothing more."""

    event_id: str


@frozen
class Release:
    """Effect: the event is to be delivered again."""

    event_id: str


@frozen
class Download:
    """Effect: answered with the bytes of a fax's document, behind *url* at first, or None."""

    fax_id: str
    url: str = field(repr=False)


@frozen
class Keep:
    """Effect: store a fax's document, behind *url* at first; answered with whether it is."""

    fax_id: str
    url: str = field(repr=False)


@frozen
class Finish:
    """Effect: an inbox's event needs nothing more."""

    event_id: str


@frozen
class Postpone:
    """
    Effect: an inbox's event is to be worked on again in so many *seconds*.

    *count_attempt* is False when it was not tried.
    """

    event_id: str
    seconds: float
    count_attempt: bool = True


@frozen
class LogWarning:
    """Effect: log a *text*, with Twilio's error *code* where it has one."""

    text: str
    code: int | None = None


Step = Union[
    CallApp,
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
    Now,
]


Talk = Generator[Step, Any, int]
