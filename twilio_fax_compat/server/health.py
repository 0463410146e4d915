"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Mapping, Sequence

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from twilio_fax_compat._core.messages import JSON, Failure, TelnyxRequest
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat.ledger import LedgerUnavailable
from twilio_fax_compat.server.answers import encoded
from twilio_fax_compat.server.metrics import MISSING, Metrics
from twilio_fax_compat.server.telnyx_http import TelnyxHttp
from twilio_fax_compat.server.threads import Threads

TIMEOUT = 5.0
"""Seconds in which the ledger and Telnyx must answer."""

KEPT = 5.0
"""Seconds for which an answer about Telnyx is kept, so that probes do not use up its rate limit."""


@define(eq=False)
class Health:
    """Says whether the process lives, and whether it can send: *telnyx* is by account SID."""

    threads: Threads
    telnyx: Mapping[str, TelnyxHttp]
    metrics: Metrics
    _asked_at: float = float("-inf")
    _asked: Mapping[str, str] = field(factory=dict)
    _lock: asyncio.Lock | None = None

    def routes(self) -> Sequence[BaseRoute]:
        """Return the three routes."""
        return (
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/metrics", self.metrics_page, methods=["GET"]),
        )

    async def healthz(self, _request: Request) -> Response:
        """Answer 200 while the event loop runs."""
        return _json({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Answer 200 if the ledger and Telnyx can be reached, else 503."""
        ledger, telnyx = await asyncio.gather(self._ledger(), self._telnyx())
        state: JSON = {"ledger": ledger, "telnyx": dict(telnyx)}
        if {ledger, *telnyx.values()} <= {"ok"}:
            return _json({"status": "ok", **state})
        wrong = problem(503, 20503, "The server cannot send faxes now", state)
        return _json(wrong.payload or {}, 503)

    async def metrics_page(self, _request: Request) -> Response:
        """Answer with the metrics."""
        if not self.metrics.is_on:
            return _json(problem(404, 20404, MISSING).payload or {}, 404)
        try:
            text, kind = await self.threads.of_ledger(self.metrics.page)
        except LedgerUnavailable as error:
            return _json(problem(503, 20503, str(error)).payload or {}, 503)
        return Response(text, headers={"content-type": kind})

    async def _ledger(self) -> str:
        try:
            await asyncio.wait_for(self.threads.of_ledger(self.threads.ledger.waiting), TIMEOUT)
        except LedgerUnavailable as error:
            return str(error)
        except (asyncio.TimeoutError, TimeoutError):
            return "no answer in time"
        return "ok"

    async def _telnyx(self) -> Mapping[str, str]:
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            if monotonic() - self._asked_at > KEPT:
                states = await asyncio.gather(*map(_state, self.telnyx.values()))
                self._asked = dict(zip(self.telnyx, states))
                self._asked_at = monotonic()
        return self._asked


async def _state(telnyx: TelnyxHttp) -> str:
    request = TelnyxRequest("GET", "/faxes", (("page[size]", "1"),), timeout=TIMEOUT)
    try:
        outcome = await asyncio.wait_for(telnyx.send(request), 2 * TIMEOUT)
    except (asyncio.TimeoutError, TimeoutError):
        return "no answer in time"
    if isinstance(outcome, Failure):
        return outcome.summary
    if outcome.status in (401, 403):
        return f"Telnyx refused the API key (HTTP {outcome.status})"
    return "ok" if outcome.status < 500 else f"HTTP {outcome.status}"


def _json(payload: JSON, status: int = 200) -> Response:
    return Response(encoded(payload), status, {"content-type": "application/json"})
