"""
Sends the core's requests to Telnyx from an event loop, as `_telnyx.senders` does from a thread.

What is sent, and what a failure means, is the same code.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import Any, Awaitable, Callable

import httpx

from twilio_fax_compat._core.messages import Outcome, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._preload import preload
from twilio_fax_compat._telnyx.callers_client import OverTwilioStyle, httpx_timeout
from twilio_fax_compat._telnyx.logs import masked_logs
from twilio_fax_compat._telnyx.own_connections import OverOwnConnections, with_timeout
from twilio_fax_compat._telnyx.own_request import OwnRequest
from twilio_fax_compat._telnyx.own_retries import check_retries
from twilio_fax_compat._telnyx.senders import BaseSender
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http import _async_connections, _connections
from twilio_fax_compat.http._async_connections import CancelledUnsent
from twilio_fax_compat.http._bodies import read_body_async
from twilio_fax_compat.http._wire import PlainResponse
from twilio_fax_compat.http.http_client import TwilioHttpClient, is_untouched
from twilio_fax_compat.settings import TelnyxSettings

TRANSPORTS = "twilio_fax_compat.http._async_transports"
"""The module that only a proxy, or a program that watches httpx, needs."""

AsyncSend = Callable[[TelnyxRequest], Awaitable[Outcome]]


def async_sender(settings: TelnyxSettings, http_client: Any = None) -> AsyncSender:
    """
    Return what sends a `TelnyxRequest` from an event loop and returns its `Outcome`.

    *http_client* is None for our own connections, an ``httpx.AsyncClient``, or an object whose ``request``
    is a coroutine function, as Twilio's ``AsyncTwilioHttpClient`` has. *settings* must be complete.

    Raises TwilioException for a client that is not asynchronous, and for a proxy or CA certificates that
    cannot be used. To send raises `CancelledUnsent` if the call was cancelled before the request left.
    """
    if http_client is None:
        return _OverOwnAsyncConnections(settings)
    if is_untouched(http_client):
        return _OverOwnAsyncConnections(with_timeout(settings, http_client.timeout), http_client)
    if isinstance(http_client, httpx.AsyncClient):
        return _OverHttpxAsync(settings, http_client)
    if inspect.iscoroutinefunction(getattr(http_client, "request", None)):
        return _OverAsyncTwilioStyle(settings, http_client)
    raise TwilioException(
        f"http_client ({type(http_client).__name__}) is not asynchronous, but this fax call is. Nothing was "
        "sent. Pass Client(http_client=httpx.AsyncClient()), or no http_client, or call the method without "
        "_async"
    )


class AsyncSender(BaseSender):
    """The base class of what `async_sender` returns."""

    async def ask(self, request: TelnyxRequest) -> Outcome:
        """Send *request* and return what became of it."""
        handled = sys.exc_info()[1]
        outcome = await self.send_async(request, handled)
        self.log(request, outcome)
        return outcome

    async def send_async(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        """Send *request*, while the program handles the exception *handled*."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connections that are this library's own."""


class _OverOwnAsyncConnections(AsyncSender, OverOwnConnections):
    def __init__(self, settings: TelnyxSettings, client: TwilioHttpClient | None = None) -> None:
        OverOwnConnections.__init__(self, settings, client)

    async def send_async(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        try:
            answer = await self._answer_async(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled)
        return self.read(request, answer)

    async def _answer_async(self, request: TelnyxRequest) -> PlainResponse:
        plain, seconds = self.built(request)
        self.note_request(request, plain.body)
        at_once, is_kept = self.settings.at_once, self.is_kept
        if self.proxy is None and not _connections.is_replaced("handle_async_request"):
            return await _async_connections.send(
                plain, self.origin, seconds, at_once=at_once, is_kept=is_kept
            )
        preload(TRANSPORTS)
        from twilio_fax_compat.http import _async_transports

        proxy_url = self.proxy.url if self.proxy else None
        return await _async_transports.send_plain(
            plain, self.origin.url, proxy_url, seconds, at_once=at_once, is_kept=is_kept
        )

    async def aclose(self) -> None:
        await _async_connections.close_idle(self.origin.url)


class _OverHttpxAsync(AsyncSender):
    def __init__(self, settings: TelnyxSettings, client: httpx.AsyncClient) -> None:
        super().__init__(settings)
        self.client = client

    async def send_async(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        headers, content = self.parts(request)
        own_request = OwnRequest(request.method, self.url(request))
        has_begun = False

        async def trace(event: str, details: Any) -> None:
            nonlocal has_begun
            has_begun = True
            own_request.trace(event, details)

        try:
            with masked_logs(self.client):
                async with self.client.stream(
                    request.method,
                    own_request.url,
                    headers=headers,
                    content=content,
                    auth=None,
                    follow_redirects=False,
                    timeout=httpx_timeout(self.client.timeout, request),
                    extensions={"trace": trace},
                ) as response:
                    body = await read_body_async(response, self.deadline(self.client, request))
        except asyncio.CancelledError as error:
            # A transport without the trace extension, as a test's, tells nothing.
            if has_begun and not own_request.has_left:
                raise CancelledUnsent from error
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled, own_request)
        return TelnyxResponse(response.status_code, response.headers, body)


class _OverAsyncTwilioStyle(AsyncSender, OverTwilioStyle):
    def __init__(self, settings: TelnyxSettings, client: Any) -> None:
        OverTwilioStyle.__init__(self, settings, client)

    async def send_async(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        headers, content = self.parts(request)
        own_request = OwnRequest(request.method, self.url(request))
        if request.method == "POST":
            check_retries(self.client, own_request.url)
        try:
            with masked_logs(self.client):
                response = await self.client.request(
                    request.method,
                    own_request.url,
                    params=None,
                    data=content,
                    headers=dict(headers),
                    auth=None,
                    timeout=self.timeout(request),
                    allow_redirects=False,
                )
            return self.read(response)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled, own_request)


__all__ = ["AsyncSend", "AsyncSender", "async_sender"]
