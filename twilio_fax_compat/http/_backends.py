"""
Backends of httpcore for the connections of httpx: they keep the deadline, and write a request at once.

See https://www.encode.io/httpcore/network-backends/.
"""

from __future__ import annotations

from typing import Any

import httpcore

from twilio_fax_compat.http._async_connections import Progress
from twilio_fax_compat.http._limits import Deadline

MOST_UNWRITTEN = 64 * 1024
"""How many bytes of a request wait at most to be written at once."""


class LimitedBackend(httpcore.NetworkBackend):
    """Opens connections that stop reading at a *deadline*, in the headers of a response too."""

    def __init__(self, backend: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._backend = backend
        self._deadline = deadline

    def connect_tcp(self, *place: Any, **options: Any) -> httpcore.NetworkStream:
        """Connect as the *backend* does. Raises what it raises."""
        stream = self._backend.connect_tcp(*place, **options)
        return _LimitedStream(stream, self._deadline)


class Unwritten:
    """
    The parts of a request that wait to be written at once.

    httpcore writes the headers, the body and an empty end one after the other. Each would be a packet, and
    the server would wake up for each.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def is_due(self, part: bytes) -> bool:
        """Add *part*, and return whether it is time to write what waits."""
        self._parts.append(part)
        self._size += len(part)
        return not part or self._size > MOST_UNWRITTEN

    def taken(self) -> bytes:
        """Return what waits, and forget it."""
        whole = b"".join(self._parts)
        self._parts, self._size = [], 0
        return whole


class _LimitedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._unwritten = Unwritten()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        waiting = self._unwritten.taken()
        if waiting:  # of a proxy's protocol, which has no end
            self._stream.write(waiting, timeout)
        return self._stream.read(max_bytes, self._deadline.to_read(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._unwritten.is_due(buffer):
            self._stream.write(self._unwritten.taken(), timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _LimitedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class WatchingBackend(httpcore.AsyncNetworkBackend):
    """Opens connections that stop reading at the deadline, and note when they write."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend, progress: Progress) -> None:
        self._backend = backend
        self._progress = progress

    async def connect_tcp(self, *place: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        """Connect as the *backend* does. Raises what it raises."""
        stream = await self._backend.connect_tcp(*place, **options)
        return _WatchedStream(stream, self._progress)

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*."""
        await self._backend.sleep(seconds)


class _WatchedStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress
        self._unwritten = Unwritten()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        waiting = self._unwritten.taken()
        if waiting:  # of a proxy's protocol, which has no end
            await self._written(waiting, timeout)
        left = self._progress.deadline.to_read(timeout, httpcore.ReadTimeout)
        return await self._stream.read(max_bytes, left)

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
        return _WatchedStream(stream, self._progress)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
