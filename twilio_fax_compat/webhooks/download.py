"""Reads documents from Telnyx's links."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Iterator

import httpx

LIMIT = 64 * 1024 * 1024
"""Bytes that a document has at most: more than Telnyx takes or makes."""

TIMEOUT = 20.0


class Pieces:
    """The pieces of a document as they come, and its *size* in bytes if that was told."""

    def __init__(self, stack: ExitStack, response: httpx.Response) -> None:
        told = response.headers.get("content-length", "")
        is_plain = "content-encoding" not in response.headers
        self.size = int(told) if is_plain and told.isdigit() else None
        self._stack = stack
        self._bytes = response.iter_bytes()
        self._left = LIMIT

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece = next(self._bytes)
        except BaseException:
            self.close()
            raise
        self._left -= len(piece)
        if self._left < 0:
            self.close()
            raise httpx.DecodingError("the document is too large")
        return piece

    def close(self) -> None:
        """Give the connection up."""
        self._stack.close()


def opened(url: str) -> Pieces | None:
    """Return the document behind *url*, None when there is none to be had."""
    stack = ExitStack()
    try:
        client = stack.enter_context(httpx.Client(timeout=TIMEOUT))
        response = stack.enter_context(client.stream("GET", url))
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        stack.close()
        return None
    if response.status_code != 200:
        stack.close()
        return None
    return Pieces(stack, response)


def downloaded(url: str) -> bytes | None:
    """Return all of the document behind *url*, None when it cannot be read whole."""
    pieces = opened(url)
    if pieces is None:
        return None
    try:
        return b"".join(pieces)
    except (httpx.HTTPError, OSError):
        return None
