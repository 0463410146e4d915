"""Reads documents from Telnyx's links."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Iterator

import httpx

from twilio_fax_compat._telnyx.logs import no_logs

logger = logging.getLogger("twilio_fax_compat.webhooks")

CANNOT_BE_READ = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError)
"""
What httpx raises for a URL that it cannot read.

It raises ValueError for hosts such as ``a..b`` and for proxies of unknown schemes (UnicodeError is one),
and ImportError for proxies that need a package which is not installed.
"""

LIMIT = 64 * 1024 * 1024
"""The most bytes of a document. Telnyx neither accepts nor makes larger ones."""

TIMEOUT = 20.0


class Pieces:
    """The pieces of a document as they arrive, and its *size* in bytes, or None if unknown."""

    def __init__(self, stack: ExitStack, response: httpx.Response) -> None:
        length = response.headers.get("content-length", "")
        is_plain = "content-encoding" not in response.headers
        is_number = length.isascii() and length.isdigit() and len(length) < 19
        self.size = int(length) if is_plain and is_number else None
        self._stack = stack
        self._bytes = response.iter_bytes()
        self._remaining = LIMIT

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            with no_logs():
                piece = next(self._bytes)
        except BaseException:
            self.close()
            raise
        self._remaining -= len(piece)
        if self._remaining < 0:
            self.close()
            raise httpx.DecodingError("the document is too large")
        return piece

    def close(self) -> None:
        """Close the connection."""
        with no_logs():
            self._stack.close()


def opened(url: str, timeout: float = TIMEOUT) -> Pieces | None:
    """
    Return the document at *url*, or None if it cannot be read.

    *timeout* is in seconds, for each part of the answer.
    """
    stack = ExitStack()
    try:
        with no_logs():
            client = stack.enter_context(httpx.Client(timeout=timeout))
            response = stack.enter_context(client.stream("GET", url))
    except CANNOT_BE_READ as error:
        stack.close()
        logger.warning("a document cannot be downloaded: %s", type(error).__name__)
        return None
    if response.status_code != 200:
        stack.close()
        return None
    return Pieces(stack, response)


def downloaded(url: str) -> bytes | None:
    """Return the whole document at *url*, or None if it cannot be read to its end."""
    pieces = opened(url)
    if pieces is None:
        return None
    try:
        return b"".join(pieces)
    except CANNOT_BE_READ as error:
        logger.warning("a document cannot be downloaded: %s", type(error).__name__)
        return None
