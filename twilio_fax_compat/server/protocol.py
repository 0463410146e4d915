"""uvicorn's HTTP protocol with a time limit for headers, and JSON for what it refuses itself."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from time import monotonic
from typing import Any, Callable

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from twilio_fax_compat.server.answers import encoded, http_problem

HEADER_TIMEOUT = 15.0
"""Seconds in which the headers of a request must arrive."""

KEEP_ALIVE = 75
"""Seconds for which an idle connection stays open: longer than programs think between two calls."""

MAX_HEADERS = 32 * 1024
"""The longest request line and headers, in bytes."""


CONNECTION = "twilio_fax_compat.connection"
"""The key of a request's `Connection` in its scope."""

_ESTABLISHED, _CLOSED = (
    1,
    7,
)  # https://github.com/torvalds/linux/blob/master/include/net/tcp_states.h
_AT_ONCE = 0.25
_INFO = 104  # bytes of the kernel's struct tcp_info up to tcpi_total_retrans


class Connection:
    """
    Says whether the client read the last answer.

    *on_end* is called once, with False if the client closed the connection before it had the answer,
    and with True if it closed it afterwards or made another request.
    """

    def __init__(self, transport: Any) -> None:
        self._on_end: Callable[[bool], None] | None = None
        self._answered_at = 0.0
        self.is_closed = False
        self._socket = transport.get_extra_info("socket")

    @property
    def on_end(self) -> Callable[[bool], None] | None:
        """What is called at the end."""
        return self._on_end

    @on_end.setter
    def on_end(self, on_end: Callable[[bool], None] | None) -> None:
        self._on_end, self._answered_at = on_end, monotonic()

    def end(self, was_read: bool) -> None:
        """Report what became of the last answer, if anybody wants to know."""
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(was_read)

    def is_open(self) -> bool:
        """Return False if the client is known to have closed the connection."""
        state, _ = self._state()
        return not self.is_closed and state in (None, _ESTABLISHED)

    def is_reset(self) -> bool:
        """Return whether the connection was closed, or the client's system refused what we sent."""
        return self.is_closed or self._state()[0] == _CLOSED

    def ended_by_client(self) -> None:
        """
        Report whether the client had all of our bytes when it closed the connection.

        Its last segment acknowledges what had arrived; what arrives later is answered with a reset.
        """
        state, unacknowledged = self._state()
        self.is_closed = True
        self.end(state != _CLOSED and not unacknowledged)

    def reset_by_client(self) -> None:
        """
        Report whether the client had read our bytes when its system reset the connection.

        Bytes that a program leaves unread reset the connection at once. Some systems reset it also when
        a program ends, some time after it has read all.
        """
        self.end(monotonic() - self._answered_at > _AT_ONCE)

    def _state(self) -> tuple[int | None, int]:
        """Return the state of the connection and the segments on their way: Linux's ``TCP_INFO``."""
        option = getattr(socket, "TCP_INFO", None)
        if option is None or self._socket is None or sys.platform != "linux":
            return None, 0
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, option, _INFO)
        except OSError:
            return None, 0
        if len(info) < 28:
            return None, 0
        return info[0], struct.unpack_from("=I", info, 24)[0]


class FaxProtocol(H11Protocol):
    """
    Refuses slow and malformed requests with Twilio's JSON errors.

    It puts a `Connection` into the scope of each request.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        connection = self._connection = Connection(transport)
        app = self.app

        async def app_of_connection(scope: Any, receive: Any, send: Any) -> None:
            connection.end(was_read=True)
            scope[CONNECTION] = connection
            await app(scope, receive, send)

        self.app = app_of_connection
        self._expect_headers()

    def eof_received(self) -> None:
        self._connection.ended_by_client()
        super().eof_received()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self._waits_for_headers():
            self._expect_headers()
        # All that one read returns could be headers, so h11 gets no more than its limit at once.
        limit = MAX_HEADERS + 1 if self._waits_for_headers() else len(data)
        for piece in (data[:limit], data[limit:]):
            if piece and not self.transport.is_closing():
                super().data_received(piece)
        if self._deadline is not None and not self._waits_for_headers():
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._connection.is_closed = True
        if exc is not None:
            self._connection.reset_by_client()
        # If the server closed it, as after Connection: close, nothing is known, and most clients wait.
        self._connection.end(was_read=True)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not HTTP, or whose headers are too long."""
        is_long = len(self.conn.trailing_data[0]) >= MAX_HEADERS
        self._refuse(431 if is_long else 400)

    def _waits_for_headers(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _expect_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADER_TIMEOUT, self._headers_are_late)

    def _headers_are_late(self) -> None:
        self._deadline = None
        if self.transport.is_closing() or not self._waits_for_headers():
            return
        if self.conn.trailing_data[0]:
            self._refuse(408)
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        body = encoded(http_problem(status).payload or {})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        try:
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            pass  # an answer has begun already
        self.transport.close()
