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
from typing import Any, AsyncGenerator, Awaitable, Callable, Iterable, Protocol, TypeVar
from weakref import WeakKeyDictionary

import httpcore

from twilio_fax_compat.http._connections import (
    KEEPALIVE,
    MOST_IDLE,
    PLAIN,
    Idle,
    Key,
    PlainRequest,
    PlainResponse,
    plain_response,
    tls_context,
)
from twilio_fax_compat.http._limits import Deadline, Unwritten, read_plain_body_async


class Progress:
    """
    How far the current request of a connection is: its *deadline*, and whether it *has_written*.

    *has_written* is whether anything of the request may have left.
    """

    def __init__(self) -> None:
        self.deadline = Deadline()
        self.has_written = True

    def begin(self, seconds: float | None, has_written: bool = False) -> None:
        """Begin a request that must be complete within *seconds*."""
        self.deadline.start(seconds)
        self.has_written = has_written


class Reusable(Protocol):
    """A connection that more than one request can use, one after the other."""

    progress: Progress

    async def aclose(self) -> None:
        """Close the connection."""

    def is_usable(self) -> bool:
        """Return whether an idle connection can take another request."""

    def is_done(self) -> bool:
        """Return whether the last response came whole, and the connection stays open."""


C = TypeVar("C", bound=Reusable)
T = TypeVar("T")


class AsyncConnection(httpcore.AsyncHTTPConnection):
    """A connection to *origin*, and the progress of its current request."""

    def __init__(self, origin: httpcore.Origin) -> None:
        self.progress = Progress()
        super().__init__(
            origin,
            ssl_context=tls_context(is_tls=True) if origin.scheme == b"https" else None,
            keepalive_expiry=KEEPALIVE,
            network_backend=WatchingBackend(httpcore.AnyIOBackend(), self.progress),
        )

    def is_usable(self) -> bool:
        """Return whether an idle connection can take another request: the server has not closed it."""
        return self.is_available() and not self.has_expired()

    def is_done(self) -> bool:
        """Return whether the last response came whole, and the connection stays open."""
        return self.is_available()


class _OfLoop:
    """The idle connections of one event loop, and its limit of requests at once."""

    def __init__(self) -> None:
        self.idle: dict[Key, Idle] = {}
        self.limits: dict[int, asyncio.Semaphore] = {}
        self.at_end: AsyncGenerator[None, None] | None = None


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = WeakKeyDictionary()
_loops_lock = Lock()


async def send(
    request: PlainRequest, origin: str, seconds: float, *, at_once: int, is_kept: bool = True
) -> PlainResponse:
    """
    Send *request* on a plain connection to *origin*, and return the response.

    The arguments are those of `_connections.send`. See `with_connection` for *at_once*. Raises the
    exceptions of httpcore, and `CancelledUnsent`.
    """

    async def exchange(connection: AsyncConnection) -> PlainResponse:
        connection.progress.begin(seconds)
        response = await connection.handle_async_request(request)  # type: ignore[arg-type]
        body = await read_plain_body_async(response, connection.progress.deadline)
        return plain_response(response.status, response.headers, body)

    return await with_connection(
        (PLAIN, origin, None),
        lambda: AsyncConnection(request.url.origin),
        exchange,
        at_once=at_once,
        is_kept=is_kept,
    )


async def with_connection(
    key: Key,
    new: Callable[[], C],
    use: Callable[[C], Awaitable[T]],
    *,
    at_once: int,
    is_kept: bool = True,
) -> T:
    """
    Return what *use* returns for an idle connection of *key*, or for a *new* one.

    *at_once* is the number of requests that may be under way in this event loop; others wait. The connection
    is closed if *use* raises or is cancelled. Else it is kept for later calls if *is_kept*. Raises
    `CancelledUnsent` if the call was cancelled before its request left.
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
        return await _used(mine.idle.setdefault(key, deque()), new, use, is_kept)
    finally:
        limit.release()


class CancelledUnsent(asyncio.CancelledError):
    """The call was cancelled before anything of its request had left."""


async def close_idle(origin: str | None = None) -> None:
    """Close the idle connections of the running event loop, those to *origin* or all."""
    await _close_idle(_of_this_loop(), origin)


async def _close_idle(mine: _OfLoop, origin: str | None = None) -> None:
    for key in list(mine.idle):
        if origin is None or key[1] == origin:
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


async def _used(
    idle: Idle, new: Callable[[], C], use: Callable[[C], Awaitable[T]], is_kept: bool
) -> T:
    connection: C = await _taken(idle) or new()
    try:
        result = await use(connection)
    except asyncio.CancelledError as error:
        await _closed(connection)
        if not connection.progress.has_written:
            raise CancelledUnsent from error
        raise
    except GeneratorExit:
        raise  # the task is deleted, and nothing can be awaited
    except BaseException:
        await _closed(connection)
        raise
    if not is_kept or not connection.is_done() or len(idle) >= MOST_IDLE:
        await _closed(connection)
    else:
        idle.append((connection, monotonic()))
    while idle and monotonic() - idle[0][1] > KEEPALIVE:
        await _closed(idle.popleft()[0])
    return result


async def _taken(idle: Idle) -> Any:
    while idle:
        connection = idle.pop()[0]
        if connection.is_usable():
            return connection
        await _closed(connection)
    return None


async def _closed(connection: Reusable) -> None:
    """Close *connection*, also if the task is cancelled meanwhile."""
    closing = asyncio.ensure_future(connection.aclose())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await asyncio.wait({closing})
        raise
    except Exception:  # noqa: BLE001 - what the request raised says more
        return


class WatchingBackend(httpcore.AsyncNetworkBackend):
    """Opens connections that stop reading at the deadline, and note when they write."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend, progress: Progress) -> None:
        self._backend = backend
        self._progress = progress

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to *host*. Raises what httpcore's own backend raises."""
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._progress)

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*."""
        await self._backend.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress
        self._unwritten = Unwritten()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        waiting = self._unwritten.taken()
        if waiting:  # of a proxy's protocol, which has no end
            await self._written(waiting, timeout)
        return await self._stream.read(max_bytes, self._progress.deadline.to_read(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._unwritten.is_due(buffer):
            await self._written(self._unwritten.taken(), timeout)

    async def _written(self, whole: bytes, timeout: float | None) -> None:
        self._progress.has_written = True
        await self._stream.write(whole, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(stream, self._progress)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _forget_after_fork() -> None:
    # The connections belong to the parent and its event loop.
    global _loops, _loops_lock
    _loops = WeakKeyDictionary()
    _loops_lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
