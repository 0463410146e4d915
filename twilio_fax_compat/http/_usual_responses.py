"""
Read the responses that servers usually send, whole and in one go.

h11 reads any response, in about 40 microseconds. For an API's usual response, whose headers arrive in one
piece and whose body is framed plainly, 3 are enough. What is read here is a part of what h11 reads, with the
same result; whatever is unusual is left to h11.
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping, NamedTuple

from twilio_fax_compat.http._limits import MAX_BYTES

# RFC 9112: the lines as h11 reads them, but without control characters, folding and bare line feeds.
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9a-zA-Z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n"
)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,7})\r\n")
_LINE_BEGUN = re.compile(rb"[0-9a-fA-F]{0,7}\r?")
_LENGTH = re.compile("[0-9]{1,8}")
_STATUSES_WITHOUT_BODY = (b"204", b"304")


class UsualHead(NamedTuple):
    """
    The *status* and *headers* of a response, with lower-case names.

    The body begins at *start* of what was read, and has *length* bytes. A *length* of None is that of a
    body in chunks.
    """

    status: int
    headers: Mapping[str, str]
    start: int
    length: int | None


def usual_head(data: bytes) -> UsualHead | None:
    """Return the head that *data* begins with, or None if it is not a usual one, or not whole."""
    match = _HEAD.match(data)
    if match is None or match[1] in _STATUSES_WITHOUT_BODY:
        return None
    headers = header_fields(match[2])
    if "content-encoding" in headers or headers.get("connection", "keep-alive") != "keep-alive":
        return None
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if coding is not None:
        if coding != "chunked" or length is not None:
            return None
        return UsualHead(int(match[1]), headers, match.end(), None)
    if length is None or not _LENGTH.fullmatch(length) or int(length) > MAX_BYTES:
        return None
    return UsualHead(int(match[1]), headers, match.end(), int(length))


def header_fields(lines: bytes) -> dict[str, str]:
    """Return the fields of header *lines*, as `joined_fields` does."""
    parts = (line.partition(":") for line in lines.decode("latin-1").split("\r\n")[:-1])
    return joined_fields((name, value.strip(" \t")) for name, _, value in parts)


def joined_fields(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return header fields by their lower-case names. The values of a repeated name are joined."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields


class Chunks(NamedTuple):
    """
    A body in chunks, which ends at the place *end* of what was read.

    Without an *end*, it is not whole yet.
    """

    body: bytes = b""
    end: int = 0


def usual_chunks(data: bytes, start: int) -> Chunks | None:
    """Return the body in chunks at *start* of *data*. Return None if it has extensions or trailers."""
    parts: list[bytes] = []
    while True:
        match = _CHUNK.match(data, start)
        if match is None:
            return Chunks() if _LINE_BEGUN.fullmatch(data, start) else None
        begin = match.end()
        start = begin + int(match[1], 16)
        after = data[start : start + 2]
        if after != b"\r\n":
            return Chunks() if after in (b"", b"\r") else None
        if start == begin:
            return Chunks(b"".join(parts), start + 2)
        parts.append(data[begin:start])
        start += 2
