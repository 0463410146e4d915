"""Limits of a response: its size, and the time until it is complete."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Iterable

import httpcore

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 32 * 1024 * 1024
"""The longest body that is read, after decoding. Telnyx's longest lists have less than 1 MB."""

MOST_UNWRITTEN = 64 * 1024
"""How many bytes of a request wait at most to be written at once."""

WHOLE = 2
"""How many times the timeout of one part a whole response may take."""


class Deadline:
    """The moment when a response must be complete."""

    def __init__(self, seconds: float | None = None) -> None:
        self.start(seconds)

    def start(self, seconds: float | None) -> None:
        """Let the time run out after *seconds*. None sets no limit."""
        self._seconds = seconds
        self._end = None if seconds is None else monotonic() + seconds

    def left(self, timeout: float | None) -> float | None:
        """Return *timeout*, or the time left if that is less. It is not above zero at the end."""
        if self._end is None:
            return timeout
        left = self._end - monotonic()
        return left if timeout is None else min(left, timeout)

    def to_read(self, timeout: float | None) -> float | None:
        """Return what `left` returns. Raises httpcore.ReadTimeout at the end."""
        left = self.left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ReadTimeout(self.text)
        return left

    @property
    def text(self) -> str:
        """The error message of a response that came too slowly."""
        return f"the response was not complete after {self._seconds:g} seconds"


class _Body:
    """The parts of a body, as long as it keeps the limits. *errors* is httpx or httpcore."""

    def __init__(self, deadline: Deadline, errors: Any) -> None:
        self._deadline = deadline
        self._errors = errors
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MAX_BYTES:
            raise self._errors.ReadError(f"the response is longer than {MAX_BYTES // 2**20} MB")
        self._parts.append(part)
        left = self._deadline.left(None)
        if left is not None and left <= 0:
            raise self._errors.ReadTimeout(self._deadline.text)

    def whole(self) -> bytes:
        return b"".join(self._parts)


def read_body(response: httpx.Response, deadline: Deadline) -> bytes:
    """
    Return the decoded body of *response*, and close it.

    Raises httpx.ReadError for more than `MAX_BYTES`, httpx.ReadTimeout at the *deadline*, and what
    reading raises.
    """
    import httpx

    body = _Body(deadline, httpx)
    try:
        for part in response.iter_bytes():
            body.add(part)
    finally:
        response.close()
    return body.whole()


async def read_body_async(response: httpx.Response, deadline: Deadline) -> bytes:
    """Return the decoded body of *response*, and close it. Raises what `read_body` raises."""
    import httpx

    body = _Body(deadline, httpx)
    try:
        async for part in response.aiter_bytes():
            body.add(part)
    finally:
        await response.aclose()
    return body.whole()


def read_plain_body(response: httpcore.Response, deadline: Deadline) -> bytes:
    """Return the body of *response* as it came, and close it. Raises httpcore's errors of `read_body`."""
    body = _Body(deadline, httpcore)
    try:
        for part in response.iter_stream():
            body.add(part)
    finally:
        response.close()
    return body.whole()


async def read_plain_body_async(response: httpcore.Response, deadline: Deadline) -> bytes:
    """Return the body of *response* as it came, and close it. Raises what `read_plain_body` raises."""
    body = _Body(deadline, httpcore)
    try:
        async for part in response.aiter_stream():
            body.add(part)
    finally:
        await response.aclose()
    return body.whole()


class LimitedBackend(httpcore.NetworkBackend):
    """Opens connections that stop reading at a *deadline*, in the headers of a response too."""

    def __init__(self, backend: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._backend = backend
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to *host*. Raises what httpcore's own backend raises."""
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
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
        return self._stream.read(max_bytes, self._deadline.to_read(timeout))

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
