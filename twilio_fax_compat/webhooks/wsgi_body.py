"""Reads the body of a WSGI request as far as it can be a JSON event, and gives it back unread."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Iterator, Mapping

_SPACE_LIMIT = 64


def begin_to_read(environ: Mapping[str, Any], limit: int) -> bytes:
    """
    Return the body of a request if it can be a JSON object, up to *limit* + 1 bytes.

    Of any other body only the first bytes are read and returned, so that it can be streamed.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit() and len(length) < 19:
        remaining = min(int(length), limit + 1)
    elif environ.get("wsgi.input_terminated"):
        remaining = limit + 1
    else:
        # There is no body, or its end cannot be known here.
        return b""
    stream, body = environ["wsgi.input"], b""
    while remaining and len(body) < _SPACE_LIMIT and not body.strip():
        byte = stream.read(1)
        if not byte:
            return body
        body += byte
        remaining -= 1
    if not body.lstrip().startswith(b"{"):
        return body
    pieces = [body]
    while remaining:
        piece = stream.read(remaining)
        if not piece:
            break
        pieces.append(piece)
        remaining -= len(piece)
    return b"".join(pieces)


def rewind(environ: dict[str, Any], body: bytes) -> None:
    """Put back what `begin_to_read` has read, *body*, so that the application reads all of it."""
    if not body:
        return
    is_whole = environ.get("CONTENT_LENGTH") == str(len(body))
    stream = environ["wsgi.input"]
    environ["wsgi.input"] = BytesIO(body) if is_whole else RewoundBody(body, stream)


class RewoundBody:
    """The input *stream* of a request whose first bytes, *head*, were already read."""

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int | None = -1) -> bytes:
        """Return up to *size* bytes, or all that is left."""
        if size is None or size < 0:
            head, self._head = self._head, b""
            return head + bytes(self._stream.read())
        head, self._head = self._head[:size], self._head[size:]
        return head + bytes(self._stream.read(size - len(head))) if len(head) < size else head

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line, or its first *size* bytes."""
        limit = len(self._head) if size is None or size < 0 else size
        end = self._head.find(b"\n") + 1 or len(self._head)
        head = self._head[: min(end, limit)]
        self._head = self._head[len(head) :]
        if head.endswith(b"\n") or self._head or (size is not None and 0 <= size <= len(head)):
            return head
        rest = self._stream.readline(*(() if size is None or size < 0 else (size - len(head),)))
        return head + bytes(rest)

    def readinto(self, buffer: Any) -> int:
        """Read into *buffer* and return the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """Return the lines, up to those that have *hint* bytes together."""
        lines, size = [], 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint and size >= hint:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def __getattr__(self, name: str) -> Any:
        if self._head:
            # Another way to read would miss the first bytes.
            raise AttributeError(name)
        return getattr(self._stream, name)
