"""
Connections to an HTTP origin for asyncio, each used by one request at a time.

They belong to an event loop, and are closed with it. See `_connections`, which they share the TLS
settings with: a pool of many connections would also look at all of them for every request
(https://github.com/encode/httpcore/issues/1035).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from threading import Lock
from time import monotonic
from typing import Any, AsyncGenerator, Iterable
from weakref import WeakKeyDictionary

import httpcore
import httpx

from twilio_fax_compat.http._connections import KEEPALIVE, MOST_IDLE, transport_options
from twilio_fax_compat.http._limits import Deadline, read_body_async


class AsyncConnection(httpx.AsyncHTTPTransport):
    """
    A transport with one connection to *origin*, and the deadline of the response that it reads.

    *has_written* is whether anything of the current request may have left.
    """

    def __init__(self, origin: str, proxy: str | None) -> None:
        super().__init__(**transport_options(origin, proxy))
        self.deadline = Deadline()
        # Without our backend nobody knows, so anything may have left.
        self.is_watched = False
        self.has_written = True
        self._is_proxied = proxy is not None
        backend = getattr(self._pool, "_network_backend", None)
        if backend is not None:
            self._pool._network_backend = _Backend(backend, self)  # noqa: SLF001
            self.is_watched = True

    def begin(self, seconds: float | None) -> None:
        """Begin a request that must be complete within *seconds*."""
        self.deadline.start(seconds)
        self.has_written = not self.is_watched or self._is_proxied


class _OfLoop:
    """The idle connections of one event loop, and its limit of requests at once."""

    def __init__(self) -> None:
        self.idle: dict[tuple[str, str | None], deque[tuple[AsyncConnection, float]]] = {}
        self.limits: dict[int, asyncio.Semaphore] = {}
        self.at_end: AsyncGenerator[None, None] | None = None


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = WeakKeyDictionary()
_loops_lock = Lock()


async def send(
    request: httpx.Request,
    origin: str,
    proxy: str | None,
    seconds: float | None,
    *,
    at_once: int,
    is_kept: bool = True,
) -> tuple[httpx.Response, bytes]:
    """
    Send *request* on a connection to *origin*. Returns the response and its decoded body.

    The arguments are those of `_connections.send`. *at_once* is the number of requests that may be under
    way in this event loop; others wait. A request that is cancelled closes its connection. Raises what
    httpx's transport raises, and `CancelledUnsent` if it was cancelled before it left.
    """
    mine = _of_this_loop()
    if mine.at_end is None:
        mine.at_end = _closing(mine)
        await mine.at_end.__anext__()
    limit = mine.limits.get(at_once)
    if limit is None:
        limit = mine.limits[at_once] = asyncio.Semaphore(at_once)
    try:
        await limit.acquire()
    except asyncio.CancelledError as error:
        raise CancelledUnsent from error
    try:
        return await _sent(mine, request, origin, proxy, seconds, is_kept)
    finally:
        limit.release()


class CancelledUnsent(asyncio.CancelledError):
    """The call was cancelled before anything of its request had left."""


async def close_idle(origin: str | None = None) -> None:
    """Close the idle connections of the running event loop, those to *origin* or all."""
    await _close_idle(_of_this_loop(), origin)


async def _close_idle(mine: _OfLoop, origin: str | None = None) -> None:
    for key in list(mine.idle):
        if origin is None or key[0] == origin:
            idle = mine.idle.pop(key)
            while idle:
                await idle.pop()[0].aclose()


async def _closing(mine: _OfLoop) -> AsyncGenerator[None, None]:
    """Close the idle connections when ``asyncio.run`` shuts down the asynchronous generators."""
    try:
        yield
    finally:
        await _close_idle(mine)


def _of_this_loop() -> _OfLoop:
    loop = asyncio.get_running_loop()
    mine = _loops.get(loop)
    if mine is None:
        with _loops_lock:
            # A connection refers to its loop, so without this a closed loop would stay for ever.
            for other in list(_loops):
                if other.is_closed():
                    del _loops[other]
            mine = _loops[loop] = _OfLoop()
    return mine


async def _sent(
    mine: _OfLoop,
    request: httpx.Request,
    origin: str,
    proxy: str | None,
    seconds: float | None,
    is_kept: bool,
) -> tuple[httpx.Response, bytes]:
    key = (origin, proxy)
    idle = mine.idle.get(key)
    if idle is None:
        idle = mine.idle[key] = deque()
    connection = idle.pop()[0] if idle else AsyncConnection(origin, proxy)
    connection.begin(seconds)
    try:
        response = await connection.handle_async_request(request)
        body = await read_body_async(response, connection.deadline)
    except asyncio.CancelledError as error:
        await _closed(connection)
        if not connection.has_written:
            raise CancelledUnsent from error
        raise
    except GeneratorExit:
        raise  # the task is deleted, and nothing can be awaited
    except BaseException:
        await _closed(connection)
        raise
    if not is_kept or len(idle) >= MOST_IDLE:
        await _closed(connection)
    else:
        idle.append((connection, monotonic()))
    while idle and monotonic() - idle[0][1] > KEEPALIVE:
        await _closed(idle.popleft()[0])
    return response, body


async def _closed(connection: AsyncConnection) -> None:
    """Close *connection*, also if the task is cancelled meanwhile."""
    closing = asyncio.ensure_future(connection.aclose())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await asyncio.wait({closing})
        raise
    except Exception:  # noqa: BLE001 - what the request raised says more
        return


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens connections that stop reading at the deadline, and note when they write."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend, owner: AsyncConnection) -> None:
        self._backend = backend
        self._owner = owner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._owner)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, owner: AsyncConnection) -> None:
        self._stream = stream
        self._owner = owner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, self._owner.deadline.to_read(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._owner.has_written = True
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(stream, self._owner)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _forget_after_fork() -> None:
    # The connections belong to the parent and its event loop.
    global _loops, _loops_lock
    _loops = WeakKeyDictionary()
    _loops_lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
