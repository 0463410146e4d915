"""Requests to Telnyx from the event loop."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from time import monotonic
from typing import Callable

import httpx
from attrs import define, field

from twilio_fax_compat._core.messages import (
    Failure,
    Outcome,
    TelnyxRequest,
    TelnyxResponse,
    query_text,
)
from twilio_fax_compat._telnyx.failures import outcome_of
from twilio_fax_compat._version import __version__
from twilio_fax_compat.http import _connections
from twilio_fax_compat.http._limits import MAX_BYTES, WHOLE
from twilio_fax_compat.settings import TelnyxSettings

Observe = Callable[[str, str, float], None]
"""Called with a request's method, its status or ``lost``, and its seconds."""


@define(eq=False)
class TelnyxHttp:
    """
    Sends requests to one Telnyx account, and reports to *observe* how long each one took.

    Each request has a connection of its own: what one does never stops another.
    """

    settings: TelnyxSettings
    observe: Observe
    _idle: deque[tuple[httpx.AsyncHTTPTransport, float]] = field(factory=deque, repr=False)
    _base: httpx.URL = field(init=False, repr=False)
    _origin: str = field(init=False)
    _headers: httpx.Headers = field(init=False, repr=False)
    _body_headers: httpx.Headers = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        base_url = self.settings.base_url or ""
        self._base = httpx.URL(base_url + "/faxes")
        self._origin = _connections.origin_of(base_url)
        headers = {
            "Host": self._base.netloc.decode("ascii"),
            "Authorization": f"Bearer {self.settings.api_key}",
            "User-Agent": f"twilio-fax-compat/{__version__} (server)",
            "Accept": "application/json",
        }
        self._headers = httpx.Headers(headers)
        self._body_headers = httpx.Headers({**headers, "Content-Type": "application/json"})
        # A proxy or a certificate that cannot be used is an error at the start.
        _connections.proxy_for(self._origin)
        _connections.tls_context(self._origin.startswith("https:"))

    async def send(self, request: TelnyxRequest) -> Outcome:
        """Return the answer to *request*, or what became of it."""
        began = monotonic()
        outcome = await self._outcome(request)
        status = str(outcome.status) if isinstance(outcome, TelnyxResponse) else "lost"
        self.observe(request.method, status, monotonic() - began)
        return outcome

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop()[0].aclose()

    async def _outcome(self, request: TelnyxRequest) -> Outcome:
        settings = self.settings
        connect, other, seconds = (
            settings.connect_timeout,
            settings.timeout,
            settings.timeout * WHOLE,
        )
        if request.timeout is not None:
            connect, other = min(connect, request.timeout), min(other, request.timeout)
            seconds = min(seconds, request.timeout)
        url = self._base
        if request.path != "/faxes" or request.query:
            url = httpx.URL((settings.base_url or "") + request.path + query_text(request.query))
        body = None if request.body is None else json.dumps(request.body).encode()
        built = httpx.Request(
            request.method,
            url,
            headers=self._headers if body is None else self._body_headers,
            content=body,
            extensions={"timeout": _connections.timeouts(connect, other)},
        )
        try:
            return await asyncio.wait_for(self._exchange(built), seconds)
        except (asyncio.TimeoutError, TimeoutError):
            text = f"ReadTimeout: the response was not complete after {seconds:g} seconds"
            return Failure(sent=True, summary=text, timed_out=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return outcome_of(error, key=settings.api_key or "")

    async def _exchange(self, request: httpx.Request) -> TelnyxResponse:
        transport = self._taken()
        try:
            response = await transport.handle_async_request(request)
            chunks, size = [], 0
            try:
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise httpx.ReadError("the response is too long")
                    chunks.append(chunk)
            finally:
                await response.aclose()
        except BaseException:
            await asyncio.shield(transport.aclose())
            raise
        self._idle.append((transport, monotonic()))
        return TelnyxResponse(response.status_code, response.headers, b"".join(chunks))

    def _taken(self) -> httpx.AsyncHTTPTransport:
        # The connection that was used last is the least likely to have been closed by Telnyx.
        now = monotonic()
        while self._idle:
            transport, since = self._idle.pop()
            if now - since <= _connections.KEEPALIVE:
                return transport
            for old, _ in (*self._idle, (transport, since)):
                asyncio.ensure_future(old.aclose())  # noqa: RUF006 - nobody waits for it
            self._idle.clear()
        proxy = _connections.proxy_for(self._origin)
        return httpx.AsyncHTTPTransport(
            verify=_connections.tls_context(self._origin.startswith("https:")),
            trust_env=False,
            limits=httpx.Limits(
                max_connections=1,
                max_keepalive_connections=1,
                keepalive_expiry=_connections.KEEPALIVE,
            ),
            proxy=httpx.Proxy(proxy.url) if proxy else None,
        )
