"""uvicorn in a thread, with access to its connections so that a response can be lost."""

from __future__ import annotations

import asyncio
import socket
from threading import Thread
from time import sleep
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from twilio_fax_compat.testing.clock import monotonic

TRANSPORT = "telnyx.transport"
"""The key of the connection's transport in a request's scope."""


class _Transport:
    """A transport that joins all writes of one turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(piece)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces.clear()


class _Protocol(H11Protocol):
    """uvicorn's protocol, with the transport in each request's scope."""

    def connection_made(self, transport: Any) -> None:
        joined = _Transport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", joined))
        app = self.app

        async def app_of_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = joined
            await app(scope, receive, send)

        self.app = app_of_connection


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, stopped at once rather than at its next tick."""

    def end(self) -> None:
        """Stop the server. May be called from another thread."""
        self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        # Timers of the loop run on while freezegun holds the process's clock.
        self._loop.time = monotonic  # type: ignore[method-assign]
        self.is_ready = True
        await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in [*self.servers, *(sockets or ())]:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.close()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Each connection handles its end in the loop's next turn.
        await asyncio.sleep(0)

    is_ready = False


class Server:
    """An HTTP server in a thread of its own, from `start` to `stop`."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = socket.create_server((host, port), backlog=512)
        # asyncio sets this only for sockets it made. Without it each response waits for an ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        self._server = _Uvicorn(config)
        self._thread = Thread(target=self._run, name="telnyx-emulator", daemon=True)

    def start(self) -> None:
        """Start serving. Raises RuntimeError if that fails."""
        self._thread.start()
        give_up = monotonic() + 10
        while not self._server.is_ready:
            if not self._thread.is_alive() or monotonic() > give_up:
                raise RuntimeError("the emulator's server did not start")
            sleep(0.0005)

    def stop(self) -> None:
        """Stop serving and close every connection."""
        if self._thread.is_alive():
            self._server.end()
            self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
