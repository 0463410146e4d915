"""Reads the body of a response of httpx, as long as it keeps the limits of `_limits`."""

from __future__ import annotations

import httpx

from twilio_fax_compat.http._limits import MAX_BYTES, TOO_LONG, Deadline


class _Body:
    """The parts of a body, as long as it keeps the limits."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MAX_BYTES:
            raise httpx.ReadError(TOO_LONG)
        self._parts.append(part)
        self._deadline.to_read(None, httpx.ReadTimeout)

    def whole(self) -> bytes:
        return b"".join(self._parts)


def read_body(response: httpx.Response, deadline: Deadline) -> bytes:
    """
    Return the decoded body of *response*, and close it.

    Raises httpx.ReadError for more than `MAX_BYTES`, httpx.ReadTimeout at the *deadline*, and what
    reading raises.
    """
    body = _Body(deadline)
    try:
        for part in response.iter_bytes():
            body.add(part)
    finally:
        response.close()
    return body.whole()


async def read_body_async(response: httpx.Response, deadline: Deadline) -> bytes:
    """Return the decoded body of *response*, and close it. Raises what `read_body` raises."""
    body = _Body(deadline)
    try:
        async for part in response.aiter_bytes():
            body.add(part)
    finally:
        await response.aclose()
    return body.whole()
