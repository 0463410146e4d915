"""
Faults for ``TelnyxEmulator.inject``.

Faults of requests: `answer_lost`, `delay`, `rate_limited`, `error`, `mix`. Faults of webhooks:
`duplicated`, `lost`, `reordered`. Telnyx's documents warn of them:
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
    A fault of a request.

    *accepted*: whether the request is carried out nevertheless. *how*: the way in which the response is
    lost. *seconds*: the delay. *status*, *body* and *headers* are those of an error response.
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
    """A fault in the delivery of an event."""

    name: str


class Mix:
    """A random but reproducible choice of a fault for each request."""

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
    Return a fault: the response to a request is lost.

    *accepted*: whether the request is carried out. *how*: ``reset`` (the connection is reset),
    ``close`` (it is closed in order), ``timeout`` (nothing is sent until the client gives up) or
    ``truncated`` (the response ends within its body). Raises ValueError for any other *how*.
    """
    if how not in LOSSES:
        raise ValueError(f"how must be one of {', '.join(LOSSES)}, not {how!r}")
    return Fault("answer_lost", accepted=accepted, how=how)


def delay(seconds: float) -> Fault:
    """Return a fault: a request waits *seconds* real seconds before it is carried out."""
    return Fault("delay", accepted=True, seconds=seconds)


def rate_limited(retry_after: float | None = None, reset: float | None = None) -> Fault:
    """
    Return a fault: a 429 response.

    *retry_after* and *reset* are seconds, for the headers ``Retry-After`` and ``x-ratelimit-reset``:
    https://developers.telnyx.com/development/api-fundamentals/reliability/rate-limiting.
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
    Return a fault: an error response with the HTTP *status*.

    *body* is sent as it is, or as JSON if it is a mapping; by default it is Telnyx's error for *status*.
    Use ``b""`` for an empty body. *accepted*: whether the request is carried out nevertheless.
    """
    return Fault("error", accepted=accepted, status=status, body=body, headers=headers or {})


def mix(seed: int, choices: Sequence[tuple[float, Fault | None]]) -> Mix:
    """
    Return a fault that chooses at random among *choices* for each request.

    *choices* are pairs of a weight and a fault, or None for no fault. The same *seed* chooses the same
    faults in the same order. Inject it with ``times=None``.
    """
    return Mix(seed, choices)


def duplicated() -> WebhookFault:
    """Return a fault: an event is delivered twice."""
    return WebhookFault("duplicated")


def lost() -> WebhookFault:
    """Return a fault: an event is never delivered."""
    return WebhookFault("lost")


def reordered() -> WebhookFault:
    """Return a fault: an event is delivered after the next one."""
    return WebhookFault("reordered")


@define
class _Rule:
    fault: AnyFault
    times: int | None
    method: str | None
    path: str | None
    when: Callable[[Any], bool] | None


class Faults:
    """The injected faults that have not happened yet."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        # A caller may inject a fault from within *when*, so the lock is re-entrant.
        self._lock = RLock()

    def add(
        self,
        fault: AnyFault,
        times: int | None,
        method: str | None,
        path: str | None,
        when: Callable[[Any], bool] | None,
    ) -> None:
        """Add a fault. *times* None means always. Raises ValueError for *times* below 1."""
        if times is not None and times < 1:
            raise ValueError(f"times must be 1 or more, or None, not {times}")
        with self._lock:
            self._rules.append(_Rule(fault, times, method and method.upper(), path, when))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._rules.clear()

    def of_request(self, method: str, path: str, request: Callable[[], Any]) -> Fault | None:
        """Return the fault of a request, or None. *request* makes the argument of *when*."""
        if not self._rules:
            return None
        fault = self._take(False, method, path, request)
        if isinstance(fault, Mix):
            return fault.pick()
        return fault if isinstance(fault, Fault) else None

    def of_webhook(self, event: Mapping[str, Any]) -> WebhookFault | None:
        """Return the fault of an event's delivery, or None."""
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
    """Return whether *path* matches *pattern*, in which ``*`` matches any text."""
    return fnmatchcase(path, pattern)
