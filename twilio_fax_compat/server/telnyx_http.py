"""Requests to Telnyx from the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Callable

from attrs import define, field

from twilio_fax_compat._core.messages import Outcome, Send, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.settings import TelnyxSettings

Observe = Callable[[str, str, float], None]
"""Called with a request's method, its status or ``lost``, and its seconds."""


@define(eq=False)
class TelnyxHttp:
    """Sends requests to one Telnyx account, and reports to *observe* how long each one took."""

    settings: TelnyxSettings
    observe: Observe
    _pool: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(64), repr=False)
    _send: Send = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._send = sender(self.settings)

    async def send(self, request: TelnyxRequest) -> Outcome:
        """Return the answer to *request*, or what became of it."""
        began = monotonic()
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._pool, self._send, request)
        status = str(outcome.status) if isinstance(outcome, TelnyxResponse) else "lost"
        self.observe(request.method, status, monotonic() - began)
        return outcome

    async def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown(wait=False)
