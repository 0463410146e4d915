"""
What can be made to go wrong. Give one to ``TelnyxEmulator.inject``.

Faults of requests: `answer_lost`, `delay`, `rate_limited`, `error`, `mix`. Faults of webhooks:
`duplicated`, `lost`, `reordered`, of which Telnyx warns itself:
https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random
from threading import Lock, RLock
from typing import Any, Callable, Mapping, Sequence, Union

from attrs import define, field, frozen


@frozen
class Fault:
    """
    One thing that goes wrong with a request.

    *accepted*: whether the request is carried out all the same. *how* an answer is lost.
    *seconds* of delay. *status*, *body* and *headers* of an error answer.
    """

    name: str
    accepted: bool = False
    how: str | None = None
    seconds: float = 0.0
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class WebhookFault:
    """One thing that goes wrong with the delivery of an event."""

    name: str


class Mix:
    """A fault chosen anew, and reproducibly, for each request."""

    def __init__(self, seed: int, choices: Sequence[tuple[float, Fault | None]]) -> None:
        self.name = "mix"
        self._random = Random(seed)
        self._faults = [fault for _, fault in choices]
        self._weights = [weight for weight, _ in choices]
        self._lock = Lock()

    def pick(self) -> Fault | None:
        """Return the next choice."""
        with self._lock:
            return self._random.choices(self._faults, self._weights)[0]


AnyFault = Union[Fault, WebhookFault, Mix]

LOSSES = ("reset", "close", "timeout", "truncated")


def answer_lost(accepted: bool = True, how: str = "reset") -> Fault:
    """
    Return the fault that a request gets no answer, *accepted* telling whether it was carried out.

    *how*: ``reset`` (the connection is reset), ``close`` (closed in order), ``timeout`` (silent
    until the client gives up) or ``truncated`` (the answer breaks off in its body). Raises
    ValueError for another.
    """
    if how not in LOSSES:
        raise ValueError(f"how must be one of {', '.join(LOSSES)}")
    return Fault("answer_lost", accepted=accepted, how=how)


def delay(seconds: float) -> Fault:
    """Return the fault that a request waits so many real seconds before it is carried out."""
    return Fault("delay", accepted=True, seconds=seconds)


def rate_limited(retry_after: float | None = None, reset: float | None = None) -> Fault:
    """
    Return the fault of a 429, with ``Retry-After`` and ``x-ratelimit-reset`` in seconds.

    Headers: https://developers.telnyx.com/development/api-fundamentals/reliability/rate-limiting.
    """
    headers = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    if reset is not None:
        headers["x-ratelimit-reset"] = str(reset)
    return Fault("rate_limited", status=429, headers=headers)


def error(
    status: int,
    body: bytes | str | Mapping[str, Any] | None = None,
    accepted: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Fault:
    """
    Return the fault of an error answer, *accepted* telling whether the request was carried out.

    *body* is sent as it is, or as JSON when it is a mapping; without one it is Telnyx's error of
    that *status*. An empty body is ``b""``.
    """
    return Fault("error", accepted=accepted, status=status, body=body, headers=headers or {})


def mix(seed: int, choices: Sequence[tuple[float, Fault | None]]) -> Mix:
    """
    Return a random fault for each request, from pairs of a weight and a fault or None.

    The same *seed* picks the same faults in the same order. Inject it with ``times=None``.
    """
    return Mix(seed, choices)


def duplicated() -> WebhookFault:
    """Return the fault that an event is delivered twice."""
    return WebhookFault("duplicated")


def lost() -> WebhookFault:
    """Return the fault that an event is never delivered."""
    return WebhookFault("lost")


def reordered() -> WebhookFault:
    """Return the fault that an event is delivered after the one that follows it."""
    return WebhookFault("reordered")


@define
class _Rule:
    fault: AnyFault
    times: int | None
    method: str | None
    path: str | None
    when: Callable[[Any], bool] | None


class Faults:
    """The faults that are waiting to happen."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        # A rule's *when* is the caller's, who may inject from within it.
        self._lock = RLock()

    def add(
        self,
        fault: AnyFault,
        times: int | None,
        method: str | None,
        path: str | None,
        when: Callable[[Any], bool] | None,
    ) -> None:
        """Add one; None as *times* is for ever. Raises ValueError for less than once."""
        if times is not None and times < 1:
            raise ValueError("times must be 1 or more, or None")
        with self._lock:
            self._rules.append(_Rule(fault, times, method and method.upper(), path, when))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._rules.clear()

    def of_request(self, method: str, path: str, request: Callable[[], Any]) -> Fault | None:
        """Take the fault of a request, if there is one; *request* makes what *when* is asked."""
        if not self._rules:
            return None
        fault = self._take(False, method, path, request)
        if isinstance(fault, Mix):
            return fault.pick()
        return fault if isinstance(fault, Fault) else None

    def of_webhook(self, event: Mapping[str, Any]) -> WebhookFault | None:
        """Take the fault of an event's delivery, if there is one."""
        if not self._rules:
            return None
        fault = self._take(True, "", str(event["event_type"]), lambda: event)
        return fault if isinstance(fault, WebhookFault) else None

    def _take(
        self, of_webhook: bool, method: str, path: str, subject: Callable[[], Any]
    ) -> AnyFault | None:
        with self._lock:
            for rule in self._rules:
                if isinstance(rule.fault, WebhookFault) != of_webhook:
                    continue
                if rule.method is not None and rule.method != method:
                    continue
                if rule.path is not None and not _matches(rule.path, path):
                    continue
                if rule.when is not None and not rule.when(subject()):
                    continue
                if rule.times is not None:
                    rule.times -= 1
                    if rule.times <= 0:
                        self._rules.remove(rule)
                return rule.fault
        return None


def _matches(pattern: str, path: str) -> bool:
    """Tell whether *path* is *pattern*, in which a star stands for anything."""
    return fnmatchcase(path, pattern)
