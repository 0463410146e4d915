"""
Connections to an HTTP origin for asyncio, each used by one request at a time.

They belong to an event loop, and are closed with it. See `_connections`, which they share the TLS
settings with: a pool of many connections would also look at all of them for every request
(https://github.com/encode/httpcore/issues/1035).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any, AsyncGenerator, Awaitable, Callable, Protocol, Sequence, TypeVar
from weakref import WeakKeyDictionary

import anyio

from twilio_fax_compat.http._connections import (
    KEEPALIVE,
    MOST_IDLE,
    PART,
    PLAIN,
    Idle,
    Key,
    Origin,
    is_readable,
    tls_context,
)
from twilio_fax_compat.http._errors import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteTimeout,
)
from twilio_fax_compat.http._limits import Deadline
from twilio_fax_compat.http._signals import is_of_signal_handler
from twilio_fax_compat.http._wire import PlainRequest, PlainResponse, Wire


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


class _Reader(asyncio.StreamReader):
    """
    A reader that notes what a server says while nothing *is_asked*.

    A proxy may tell an idle connection that it waited too long. That is not the answer to the next request.
    """

    is_asked = False
    has_unasked = False

    def feed_data(self, data: Any) -> None:
        """Take *data* from the event loop."""
        self.has_unasked = self.has_unasked or not self.is_asked
        super().feed_data(data)


class AsyncConnection:
    """A connection to *origin*, and the progress of its current request."""

    def __init__(self, origin: Origin) -> None:
        self.progress = Progress()
        self._origin = origin
        self._wire = Wire()
        self._streams: tuple[_Reader, asyncio.StreamWriter] | None = None
        self._is_late = False
        self._idle_since = 0.0

    async def exchange(self, request: PlainRequest, seconds: float) -> PlainResponse:
        """
        Send *request* and return the response, which must be complete within *seconds*.

        Raises the errors of `_errors`, and what `Wire.response` raises.
        """
        self.progress.begin(seconds)
        if self._streams is None:
            self._streams = await _connect(self._origin, request.connect_timeout)
        reader, writer = self._streams
        self.progress.has_written = reader.is_asked = True
        writer.write(self._wire.request(request))
        if writer.transport.get_write_buffer_size():
            await self._drained(writer, request.timeout)
        response = None
        while response is None:
            response = self._wire.response(await self._read(reader, request.timeout))
        self._idle_since = monotonic()
        reader.is_asked = False
        return response

    async def _drained(self, writer: asyncio.StreamWriter, seconds: float) -> None:
        timer = self._timer(seconds)
        try:
            await writer.drain()
        except OSError as error:
            # A server may answer and close before it has read the whole request.
            if is_of_signal_handler(error):
                raise
        finally:
            timer.cancel()
        if self._is_late:
            raise WriteTimeout(f"the request was not written after {seconds:g} seconds")

    async def _read(self, reader: _Reader, seconds: float) -> bytes:
        timer = self._timer(self.progress.deadline.to_read(seconds, ReadTimeout))
        try:
            part = await reader.read(PART)
        except OSError as error:
            raise ReadError(str(error)) from error
        finally:
            timer.cancel()
        if self._is_late:
            raise ReadTimeout("timed out")
        return part

    def _timer(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        """End what waits for the connection."""
        self._is_late = True
        if self._streams is not None:
            self._streams[1].transport.abort()

    def is_usable(self) -> bool:
        """Return whether an idle connection can take another request: the server has not closed it."""
        if self._streams is None or monotonic() - self._idle_since > KEEPALIVE:
            return False
        reader, writer = self._streams
        end = writer.get_extra_info("socket")
        # The event loop may not have read the end yet.
        return not reader.has_unasked and end is not None and not is_readable(end.fileno())

    def is_done(self) -> bool:
        """Return whether the last response came whole, and the connection stays open."""
        return self._wire.is_idle

    async def aclose(self) -> None:
        """Close the connection, without waiting for the server."""
        if self._streams is None:
            return
        writer = self._streams[1]
        writer.transport.abort()
        with suppress(Exception):  # the connection may be broken already
            await writer.wait_closed()


async def _connect(origin: Origin, seconds: float) -> tuple[_Reader, asyncio.StreamWriter]:
    options: dict[str, Any] = {}
    if origin.scheme == "https":
        context = tls_context(is_tls=True)
        context.set_alpn_protocols(["http/1.1"])
        options = {"ssl": context, "server_hostname": origin.host}
    try:
        with anyio.fail_after(seconds):
            # asyncio's own way to a host leaves a socket open if it is cancelled.
            ours = await _connected(await _addresses(origin), seconds)
            try:
                return await _streams(ours, options)
            except BaseException:
                ours.close()
                raise
    except TimeoutError as error:
        raise ConnectTimeout(str(error) or f"no connection after {seconds:g} seconds") from error
    except OSError as error:
        raise ConnectError(str(error)) from error


async def _streams(
    ours: socket.socket, options: dict[str, Any]
) -> tuple[_Reader, asyncio.StreamWriter]:
    # As asyncio.open_connection makes them, with our reader.
    loop = asyncio.get_running_loop()
    reader = _Reader(limit=PART, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, sock=ours, **options)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _addresses(origin: Origin) -> Sequence[Any]:
    try:
        return socket.getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM
        )


async def _connected(addresses: Sequence[Any], seconds: float) -> socket.socket:
    """Return a socket that is connected to the first address that takes it. Each gets an equal share."""
    failure: OSError = socket.gaierror("the host has no address")
    for family, kind, protocol, _, address in addresses:
        ours = socket.socket(family, kind, protocol)
        try:
            ours.setblocking(False)
            with anyio.fail_after(seconds / len(addresses)):
                await asyncio.get_running_loop().sock_connect(ours, address)
        except OSError as error:
            ours.close()
            failure = error
        except BaseException:
            ours.close()
            raise
        else:
            return ours
    raise failure


class _OfLoop:
    """The idle connections of one event loop, and its limit of requests at once."""

    def __init__(self) -> None:
        self.idle: dict[Key, Idle] = {}
        self.limits: dict[int, asyncio.Semaphore] = {}
        self.at_end: AsyncGenerator[None, None] | None = None


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = WeakKeyDictionary()
_loops_lock = Lock()


async def send(
    request: PlainRequest, origin: Origin, seconds: float, *, at_once: int, is_kept: bool = True
) -> PlainResponse:
    """
    Send *request* on a plain connection to *origin*, and return the response.

    The arguments are those of `_connections.send`. See `with_connection` for *at_once*. Raises what
    `AsyncConnection.exchange` raises, and `CancelledUnsent`.
    """
    return await with_connection(
        (PLAIN, origin.url, None),
        lambda: AsyncConnection(origin),
        lambda connection: connection.exchange(request, seconds),
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


def _forget_after_fork() -> None:
    # The connections belong to the parent and its event loop.
    global _loops, _loops_lock
    _loops = WeakKeyDictionary()
    _loops_lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
