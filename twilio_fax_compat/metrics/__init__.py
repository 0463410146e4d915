"""
Measurements of this package, for any monitoring system.

``listen(function)`` passes each `Measurement` to a function. With the extra ``metrics``,
`twilio_fax_compat.metrics.prometheus` turns them into Prometheus metrics. Nothing is measured for
nobody: without listeners, this costs next to nothing. No measurement has a number or a SID.
"""

from __future__ import annotations

from typing import Callable, Mapping, NamedTuple

__all__ = ["METRICS", "Measurement", "Metric", "is_heard", "listen", "measure"]

COUNTER, SECONDS = "counter", "seconds"
"""The kinds of metrics: a number that only grows, and durations, which a histogram shows."""


class Metric(NamedTuple):
    """What is measured: its *kind*, `COUNTER` or `SECONDS`, its *description* and its *labels*."""

    kind: str
    description: str
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, Metric] = {
    "sends": Metric(
        COUNTER,
        "Faxes created, by the provider asked (telnyx or legacy), the outcome (accepted, refused, unsure, "
        "fallback or raised) and Twilio's error code if it was refused",
        ("provider", "outcome", "code"),
    ),
    "send_seconds": Metric(SECONDS, "How long a create took, its retries and waits included"),
    "waited_seconds": Metric(COUNTER, "Seconds that calls waited between their requests"),
    "webhooks_refused": Metric(
        COUNTER, "Webhooks that were not accepted, by the reason", ("reason",)
    ),
    "callbacks": Metric(
        COUNTER,
        "Requests to the application's handlers, by the status of the answer; 0 means no answer",
        ("status",),
    ),
    "ledger_seconds": Metric(
        SECONDS, "How long the ledger took to read or write", ("ledger", "access")
    ),
    "ledger_errors": Metric(COUNTER, "Failed uses of the ledger", ("ledger", "access")),
}
"""Every measurement by its name."""


class Measurement(NamedTuple):
    """
    One thing that happened.

    *name* is one of `METRICS`. *value* is what to add to a counter, or a number of seconds. *labels* has
    a text for each label of the metric.
    """

    name: str
    value: float
    labels: Mapping[str, str]


Listener = Callable[[Measurement], object]

_listeners: tuple[Listener, ...] = ()


def listen(listener: Listener) -> Callable[[], None]:
    """
    Call *listener* with each `Measurement` from now on. Returns a function that stops that.

    It is called in the thread that did the work, between two steps of it, so it must return soon. Its
    exceptions are logged, and change nothing.
    """
    global _listeners
    _listeners = (*_listeners, listener)

    def stop() -> None:
        global _listeners
        _listeners = tuple(other for other in _listeners if other is not listener)

    return stop


def is_heard() -> bool:
    """Return whether there is a listener."""
    return bool(_listeners)


def measure(name: str, value: float = 1.0, **labels: str) -> None:
    """Tell the listeners that *name*, one of `METRICS`, has the *value* and these *labels*."""
    for listener in _listeners:
        try:
            listener(Measurement(name, value, labels))
        except Exception:
            # Monitoring must not stop a fax.
            import logging

            logging.getLogger("twilio_fax_compat").exception("a listener of the metrics failed")
