"""
Connections of httpx, for what plain connections cannot do.

They are for proxies, for `TwilioHttpClient`, and for programs that watch or replace the transport of
httpx, as vcrpy, pytest-httpx, respx and tracers do: those must see every fax. See `_connections`.
"""

from __future__ import annotations

from typing import Any, Mapping

import httpx

from twilio_fax_compat.http._backends import LimitedBackend
from twilio_fax_compat.http._bodies import read_body
from twilio_fax_compat.http._connections import KEEPALIVE, tls_context, with_connection
from twilio_fax_compat.http._limits import Deadline
from twilio_fax_compat.http._wire import PlainRequest, PlainResponse

WATCHED = "watched"
"""The kind of a `Transport`."""


class Transport(httpx.HTTPTransport):
    """A transport with one connection to *origin*, and the deadline of the response it reads."""

    def __init__(self, origin: str, proxy: str | None) -> None:
        super().__init__(**transport_options(origin, proxy))
        self.deadline = Deadline()
        # httpx has no setting for it. Without it, the deadline holds for bodies and not for headers.
        backend = getattr(self._pool, "_network_backend", None)
        if backend is not None:
            limited = LimitedBackend(backend, self.deadline)
            self._pool._network_backend = limited  # noqa: SLF001

    def is_usable(self) -> bool:
        """Return True: the transport opens its connection again where the server has closed it."""
        return True

    is_done = is_usable


def transport_options(origin: str, proxy: str | None) -> dict[str, Any]:
    """
    Return the arguments of a transport of httpx with one connection.

    Raises what `tls_context` raises.
    """
    return {
        "verify": tls_context(origin.startswith("https:")),
        "trust_env": False,
        "limits": httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE
        ),
        "proxy": httpx.Proxy(proxy) if proxy else None,
    }


def send(
    request: httpx.Request,
    origin: str,
    proxy: str | None = None,
    seconds: float | None = None,
    is_kept: bool = True,
) -> tuple[httpx.Response, bytes]:
    """
    Send *request* on a connection to *origin*. Returns the response and its decoded body.

    The response must be complete within *seconds*. The connection is closed afterwards unless
    *is_kept*. Raises what httpx's transport and `read_body` raise. The connection is closed then.
    """

    def exchange(transport: Transport) -> tuple[httpx.Response, bytes]:
        transport.deadline.start(seconds)
        response = transport.handle_request(request)
        return response, read_body(response, transport.deadline)

    return with_connection(
        (WATCHED, origin, proxy), lambda: Transport(origin, proxy), exchange, is_kept
    )


def send_plain(
    request: PlainRequest, origin: str, proxy: str | None, seconds: float, is_kept: bool
) -> PlainResponse:
    """Send *request* as `send` does, and return what `_connections.send` returns."""
    response, body = send(httpx_request(request, origin), origin, proxy, seconds, is_kept)
    return PlainResponse(response.status_code, response.headers, body)


def httpx_request(request: PlainRequest, origin: str) -> httpx.Request:
    """Return *request* to *origin* as one of httpx."""
    return httpx.Request(
        request.head.method.decode(),
        origin + request.head.target.decode("ascii"),
        headers=request.head.headers.checked,
        content=request.body,
        extensions={"timeout": timeouts(request.connect_timeout, request.timeout)},
    )


def timeouts(connect: float, other: float) -> Mapping[str, float]:
    """Return httpx's timeout extension, in seconds."""
    return {"connect": connect, "read": other, "write": other, "pool": connect}
