"""Decodes the bodies that a server has compressed, as httpx does."""

from __future__ import annotations

from typing import Iterator, Sequence

import httpx

from twilio_fax_compat.http._bodies import read_body
from twilio_fax_compat.http._limits import Deadline

PART = 4096
"""How many bytes of an encoded body are decoded at once."""


def decoded(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    """
    Return the *body* of a response as it was before the server encoded it.

    Raises httpx.DecodingError, and httpx.ReadError for more than `MAX_BYTES`.
    """
    encoded = httpx.Response(status, headers=list(headers), stream=_Once(body))
    return read_body(encoded, Deadline())


class _Once(httpx.SyncByteStream):
    # httpx decodes a stream in parts, so a small body that becomes a huge one is noticed in time.
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), PART):
            yield self._body[start : start + PART]
