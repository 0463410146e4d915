"""Connections of httpx for asyncio, for what plain connections cannot do: see `_transports`."""

from __future__ import annotations

import httpx

from twilio_fax_compat.http._async_connections import Progress, with_connection
from twilio_fax_compat.http._backends import WatchingBackend
from twilio_fax_compat.http._bodies import read_body_async
from twilio_fax_compat.http._transports import WATCHED, httpx_request, transport_options
from twilio_fax_compat.http._wire import PlainRequest, PlainResponse


class AsyncTransport(httpx.AsyncHTTPTransport):
    """A transport with one connection to *origin*, and the progress of its current request."""

    def __init__(self, origin: str, proxy: str | None) -> None:
        super().__init__(**transport_options(origin, proxy))
        self.progress = Progress()
        # Without our backend, and through a proxy, nobody knows what has left.
        self.is_watched = False
        backend = getattr(self._pool, "_network_backend", None)
        if backend is not None:
            self._pool._network_backend = WatchingBackend(backend, self.progress)  # noqa: SLF001
            self.is_watched = proxy is None

    def is_usable(self) -> bool:
        """Return True: the transport opens its connection again where the server has closed it."""
        return True

    is_done = is_usable


async def send_plain(
    request: PlainRequest,
    origin: str,
    proxy: str | None,
    seconds: float,
    *,
    at_once: int,
    is_kept: bool,
) -> PlainResponse:
    """
    Send *request* to *origin* through *proxy*, and return what `_async_connections.send` returns.

    Raises what httpx's transport and `read_body_async` raise, and `CancelledUnsent`.
    """

    async def exchange(transport: AsyncTransport) -> PlainResponse:
        transport.progress.begin(seconds, not transport.is_watched)
        response = await transport.handle_async_request(httpx_request(request, origin))
        body = await read_body_async(response, transport.progress.deadline)
        return PlainResponse(response.status_code, response.headers, body)

    return await with_connection(
        (WATCHED, origin, proxy),
        lambda: AsyncTransport(origin, proxy),
        exchange,
        at_once=at_once,
        is_kept=is_kept,
    )
