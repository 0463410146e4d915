"""
Metrics for Prometheus, with the client library https://prometheus.github.io/client_python/.

``export()`` in the application is enough: the measurements appear where the application already shows
its metrics.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Iterator, Mapping

from attrs import define, field

from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger._opening import chosen_ledger
from twilio_fax_compat.metrics import COUNTER, METRICS, Measurement, listen

try:
    from prometheus_client import REGISTRY, Counter, Histogram
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.registry import CollectorRegistry
except ImportError as error:
    raise ImportError(
        "metrics for Prometheus need prometheus-client: pip install 'twilio-fax-compat[metrics]'"
    ) from error


def export(
    registry: CollectorRegistry = REGISTRY,
    *,
    ledger: Ledger | str | None = None,
    prefix: str = "fax",
    environ: Mapping[str, str] | None = None,
) -> Callable[[], None]:
    """
    Register the metrics, and return a function that removes them again.

    *prefix* begins each name: ``fax_sends_total``, ``fax_send_seconds``, ``fax_inbox_waiting``, ...
    *ledger* is a ledger or its URL; by default the one that clients and middlewares use. Its inbox is
    looked at whenever the metrics are read. In the multiprocess mode of prometheus-client, read the
    gauges of the inbox from one process.

    Raises ValueError if the names are registered already, and TwilioException for a wrong URL.
    """
    chosen = chosen_ledger(ledger, os.environ if environ is None else environ)
    exporter = _Exporter(registry, chosen, prefix)
    stop = listen(exporter.add)

    def remove() -> None:
        stop()
        exporter.unregister()

    return remove


@define(eq=False)
class _Exporter:
    """Counts measurements in metrics of *registry*, and describes the inbox of *ledger* to it."""

    registry: CollectorRegistry
    ledger: Ledger
    prefix: str
    _metrics: dict[str, Any] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        try:
            for name, metric in METRICS.items():
                make = Counter if metric.kind == COUNTER else Histogram
                full = f"{self.prefix}_{name}"
                self._metrics[name] = make(
                    full, metric.description, metric.labels, registry=self.registry
                )
            self.registry.register(self)
        except BaseException:
            self.unregister()
            raise

    def add(self, measurement: Measurement) -> None:
        """Count *measurement*."""
        described, metric = METRICS[measurement.name], self._metrics[measurement.name]
        if described.labels:
            metric = metric.labels(
                **{name: measurement.labels.get(name, "") for name in described.labels}
            )
        if described.kind == COUNTER:
            metric.inc(measurement.value)
        else:
            metric.observe(measurement.value)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges without values, so that to register them asks no ledger."""
        yield from self._gauges(None, None, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges of the inbox. Without the ledger, only that it is down."""
        try:
            waiting, oldest = self.ledger.waiting(), self.ledger.oldest_waiting()
        except LedgerUnavailable:
            yield from self._gauges(0.0, None, None)
        else:
            yield from self._gauges(1.0, float(waiting), oldest or 0.0)

    def unregister(self) -> None:
        """Remove the metrics from the registry."""
        for metric in (*self._metrics.values(), self):
            try:
                self.registry.unregister(metric)
            except KeyError:
                continue

    def _gauges(
        self, is_up: float | None, waiting: float | None, oldest: float | None
    ) -> Iterator[GaugeMetricFamily]:
        for name, description, value in (
            ("ledger_up", "1 if the ledger can be read, else 0", is_up),
            ("inbox_waiting", "Events in the inbox that are not delivered", waiting),
            ("inbox_oldest_seconds", "The age of the oldest of them", oldest),
        ):
            yield GaugeMetricFamily(f"{self.prefix}_{name}", description, value=value)
