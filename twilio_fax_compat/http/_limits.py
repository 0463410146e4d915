"""Limits of a response: its size, and the time until it is complete."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 32 * 1024 * 1024
"""The longest body that is read, after decoding. Telnyx's longest lists have less than 1 MB."""

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

    @property
    def text(self) -> str:
        """The error message of a response that came too slowly."""
        return f"the response was not complete after {self._seconds:g} seconds"


class _Body:
    """The parts of a body, as long as it keeps the limits. *httpx* is the module."""

    def __init__(self, deadline: Deadline, httpx: Any) -> None:
        self._deadline = deadline
        self._errors = httpx
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
