"""What a server counts and measures, for Prometheus (https://prometheus.io/docs/concepts/metric_types/)."""

from __future__ import annotations

import os
from typing import Any

from twilio_fax_compat._core.messages import TwilioResponse
from twilio_fax_compat.ledger import Ledger

_LATENCIES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)

MISSING = "metrics need prometheus-client: pip install 'twilio-fax-compat[metrics]'"


class Metrics:
    """Counts and measures, or does nothing if prometheus-client is not installed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._registry: Any = None
        try:
            import prometheus_client as prometheus
        except ImportError:
            return
        self._registry = registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "twilio_fax_compat_requests",
            "Requests by route, method and HTTP status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = prometheus.Histogram(
            "twilio_fax_compat_request_seconds",
            "Seconds that requests took, by route and method.",
            ("route", "method"),
            buckets=_LATENCIES,
            registry=registry,
        )
        self._faxes = prometheus.Counter(
            "twilio_fax_compat_faxes",
            "Faxes that reached a status, by Twilio's status.",
            ("status",),
            registry=registry,
        )
        self._telnyx = prometheus.Histogram(
            "twilio_fax_compat_telnyx_seconds",
            "Seconds that requests to Telnyx took, by method and HTTP status; lost without an answer.",
            ("method", "status"),
            buckets=_LATENCIES,
            registry=registry,
        )
        # The processes that share a folder of metrics also share the ledger: one of them asks it.
        own = None if _is_shared() else registry
        self._waiting = prometheus.Gauge(
            "twilio_fax_compat_callbacks_waiting",
            "Events in the ledger's inbox that are not delivered yet.",
            registry=own,
        )
        self._oldest = prometheus.Gauge(
            "twilio_fax_compat_callbacks_oldest_seconds",
            "Seconds for which the oldest event waits to be delivered.",
            registry=own,
        )

    @property
    def is_on(self) -> bool:
        """Whether prometheus-client is installed."""
        return self._registry is not None

    def request(
        self, route: str, method: str, status: int, seconds: float, answer: TwilioResponse
    ) -> None:
        """Count one answered request, and the fax that a create made."""
        if self._registry is None:
            return
        method = method if method in ("GET", "POST", "DELETE") else "other"
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)
        if status == 201:
            self.fax((answer.payload or {}).get("status"))

    def fax(self, status: object) -> None:
        """Count a fax that reached a Twilio *status*."""
        if self._registry is not None:
            self._faxes.labels(str(status)).inc()

    def telnyx(self, method: str, status: str, seconds: float) -> None:
        """Measure one request to Telnyx."""
        if self._registry is not None:
            self._telnyx.labels(method, status).observe(seconds)

    def page(self) -> tuple[bytes, str]:
        """Return the text of all metrics, and its content type. It asks the ledger."""
        import prometheus_client as prometheus

        registry = self._registry
        if _is_shared():
            from prometheus_client import multiprocess

            registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            registry.register(self._waiting)
            registry.register(self._oldest)
        self._waiting.set(self._ledger.waiting())
        self._oldest.set(self._ledger.oldest_waiting() or 0.0)
        return prometheus.generate_latest(registry), prometheus.CONTENT_TYPE_LATEST


def _is_shared() -> bool:
    """Return whether several processes write their metrics into one folder."""
    return bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
