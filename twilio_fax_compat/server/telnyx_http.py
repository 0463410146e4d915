"""Requests to Telnyx from the event loop."""

from __future__ import annotations

from time import monotonic
from typing import Callable

from attrs import define, field

from twilio_fax_compat._core.messages import Outcome, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._telnyx.async_http import AsyncSender, async_sender
from twilio_fax_compat.settings import TelnyxSettings

Observe = Callable[[str, str, float], None]
"""Called with a request's method, its status or ``lost``, and its seconds."""


@define(eq=False)
class TelnyxHttp:
    """
    Sends requests to one Telnyx account, and reports to *observe* how long each one took.

    Raises TwilioException at once for a proxy or a certificate that cannot be used.
    """

    settings: TelnyxSettings
    observe: Observe
    _sender: AsyncSender = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._sender = async_sender(self.settings)

    async def send(self, request: TelnyxRequest) -> Outcome:
        """Return the answer to *request*, or what became of it."""
        began = monotonic()
        outcome = await self._sender.ask(request)
        status = str(outcome.status) if isinstance(outcome, TelnyxResponse) else "lost"
        self.observe(request.method, status, monotonic() - began)
        return outcome

    async def close(self) -> None:
        """Close the idle connections."""
        await self._sender.aclose()
