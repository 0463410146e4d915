"""uvicorn's HTTP protocol with a time limit for headers, and JSON for what it refuses itself."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from twilio_fax_compat.server.answers import encoded, http_problem

HEADER_TIMEOUT = 15.0
"""Seconds in which the headers of a request must arrive."""

KEEP_ALIVE = 75
"""Seconds for which an idle connection stays open: longer than programs think between two calls."""

MAX_HEADERS = 32 * 1024
"""The longest request line and headers, in bytes."""


class FaxProtocol(H11Protocol):
    """Refuses slow and malformed requests with Twilio's JSON errors."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_headers()

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
