"""Reads the body and the fields of a request, within limits."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Mapping
from urllib.parse import parse_qsl

from attrs import define, field

from twilio_fax_compat._core.messages import TwilioResponse
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat.server.answers import Receive, Scope, http_problem

MAX_FIELDS = 200
"""The fields of a form or query that are read at most; a create has nine."""

_NUMBERS = frozenset({"From", "To"})
_ZONE = re.compile(r"(.*T.*) (\d\d:?\d\d)", re.ASCII)


class Gone(Exception):
    """The client closed the connection before its request had arrived."""


async def read_body(
    scope: Scope, receive: Receive, limit: int, seconds: float
) -> bytes | TwilioResponse:
    """
    Return the body of a request, or the error if it is longer than *limit* bytes or takes too long.

    Raises `Gone` if the client closes the connection.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > limit:
            if int(value[:20]) <= DRAINED:
                await _drained(receive)
            return http_problem(413)
    message = await _within(receive, seconds)
    if message is not None and not message.get("more_body") and message["type"] == "http.request":
        body = message.get("body", b"")
        return body if len(body) <= limit else http_problem(413)
    parts: list[bytes] = []
    size = 0
    end = asyncio.get_running_loop().time() + seconds
    while message is not None:
        if message["type"] != "http.request":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            return http_problem(413)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await _within(receive, end - asyncio.get_running_loop().time())
    return http_problem(408)


DRAINED, DRAINED_WITHIN = 4 * 1024 * 1024, 2.0
"""Bytes, and seconds, for which a body that is too long is read before it is refused."""


async def _drained(receive: Receive) -> None:
    """
    Read a body and drop it.

    A connection that is closed with unread data is reset, and a proxy that still sends the body would
    answer 502 instead of what we say.
    """
    end = asyncio.get_running_loop().time() + DRAINED_WITHIN
    while True:
        message = await _within(receive, end - asyncio.get_running_loop().time())
        if message is None or message["type"] != "http.request" or not message.get("more_body"):
            return


async def _within(receive: Receive, seconds: float) -> Any:
    """Return the next message, None if it does not come within *seconds*."""
    try:
        return await asyncio.wait_for(receive(), max(seconds, 0.0))
    except (asyncio.TimeoutError, TimeoutError):
        return None


def form_fields(scope: Scope, body: bytes) -> dict[str, object] | TwilioResponse:
    """
    Return the fields of a form by name, or the error if it cannot be read.

    twilio-node before 3.41.0 sends forms as ``multipart/form-data``, all others as
    ``application/x-www-form-urlencoded``.
    """
    if not body:
        return {}
    kind = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind = value
    media_type = kind.partition(b";")[0].strip().lower()
    if media_type == b"multipart/form-data":
        pairs = _multipart_pairs(kind, body)
        return http_problem(400) if pairs is None else _fields(pairs)
    if media_type not in (b"", b"application/x-www-form-urlencoded"):
        return http_problem(415)
    return _parsed(body)


def query_fields(scope: Scope) -> dict[str, object] | TwilioResponse:
    """Return the fields of a query by name, or the error if it cannot be read."""
    return _parsed(scope["query_string"]) if scope["query_string"] else {}


def _parsed(encoded: bytes) -> dict[str, object] | TwilioResponse:
    try:
        text = encoded.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        return http_problem(400)
    return _fields(pairs)


def _fields(pairs: list[tuple[str, str]]) -> dict[str, object] | TwilioResponse:
    fields: dict[str, object] = {}
    for name, text in pairs:
        value = text
        if text.startswith(" ") and name in _NUMBERS:
            # A plus that was not percent-encoded arrives as a blank.
            value = "+" + text[1:]
        elif name.startswith("Date"):
            zone = _ZONE.fullmatch(text)
            value = "{}+{}".format(*zone.groups()) if zone else text
        if fields.get(name, value) != value:
            return problem(400, 20001, f"{name[:40]!r} was given twice")
        fields[name] = value
    return fields


@define
class _Parts:
    """The parts of a multipart body, as python-multipart reports them."""

    pairs: list[tuple[str, str]] = field(factory=list)
    is_complete: bool = False
    _name: bytes = b""
    _value: bytes = b""
    _headers: dict[bytes, bytes] = field(factory=dict)
    _data: bytearray = field(factory=bytearray)

    def begin(self) -> None:
        self._name, self._value, self._headers, self._data = b"", b"", {}, bytearray()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def end_part(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if len(self.pairs) >= MAX_FIELDS or b"name" not in options:
            raise ValueError
        self.pairs.append((options[b"name"].decode("utf-8"), self._data.decode("utf-8")))

    def complete(self) -> None:
        self.is_complete = True


def _multipart_pairs(kind: bytes, body: bytes) -> list[tuple[str, str]] | None:
    """Return the names and values of a multipart form, None if it is malformed."""
    from python_multipart.multipart import MultipartParser, parse_options_header

    boundary = parse_options_header(kind)[1].get(b"boundary")
    if not boundary:
        return None
    parts = _Parts()
    callbacks: Mapping[str, Any] = {
        "on_part_begin": parts.begin,
        "on_part_data": parts.data,
        "on_part_end": parts.end_part,
        "on_header_field": parts.header_field,
        "on_header_value": parts.header_value,
        "on_header_end": parts.header_end,
        "on_end": parts.complete,
    }
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except ValueError:  # MultipartParseError and UnicodeDecodeError are ValueErrors
        return None
    return parts.pairs if parts.is_complete else None
