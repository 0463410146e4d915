"""
The requests and responses of one HTTP/1.1 connection as bytes; without sockets.

h11 checks the requests, and reads each response that is not a usual one.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple, Sequence

import h11

from twilio_fax_compat._preload import preload
from twilio_fax_compat.http._errors import LocalProtocolError, ReadError, RemoteProtocolError
from twilio_fax_compat.http._limits import MAX_BYTES, TOO_LONG
from twilio_fax_compat.http._usual_responses import (
    UsualHead,
    joined_fields,
    usual_chunks,
    usual_head,
)

MAX_HEADERS = 100 * 1024
"""The longest headers of a response, in bytes. It is httpcore's limit."""

MOST_PARTS = 8
"""In how many parts a body in chunks may arrive without h11."""

_NO_CONTENT = (b"", False)
_END = h11.EndOfMessage()
_METHODS_WITHOUT_BODY = (b"HEAD", b"CONNECT")
_TARGET = re.compile(rb"[\x21-\x7e]+")


class Headers(NamedTuple):
    """
    The headers of requests: as h11 has *checked* them, and as their *lines*.

    A body's length is not among them: `Wire` adds it.
    """

    checked: list[tuple[bytes, bytes]]
    lines: bytes

    def __repr__(self) -> str:
        # The API key is in them.
        return f"<{type(self).__name__}>"


class Head(NamedTuple):
    """The *method*, *target* and *headers* of a request."""

    method: bytes
    target: bytes
    headers: Headers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method.decode()}>"


class PlainRequest(NamedTuple):
    """
    A request on a plain connection: its *head*, and its *body*.

    *connect_timeout* and *timeout*, that of one part, are in seconds.
    """

    head: Head
    body: bytes | None
    connect_timeout: float
    timeout: float

    def __repr__(self) -> str:
        # The head has the API key, and the body has numbers.
        return f"<{type(self).__name__} {self.head.method.decode()}>"


class PlainResponse(NamedTuple):
    """The *status*, the *headers* with lower-case names, and the decoded *body* of a response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"


def checked_headers(pairs: list[tuple[bytes, bytes]]) -> Headers:
    """Return the headers in *pairs*. Raises LocalProtocolError for what is not HTTP."""
    try:
        checked = h11.Request(method="GET", target="/", headers=pairs).headers
    except h11.LocalProtocolError as error:
        raise LocalProtocolError(str(error)) from error
    lines = b"".join(b"%b: %b\r\n" % pair for pair in checked.raw_items())
    return Headers(list(checked), lines)


def head_of(method: str, target: bytes, headers: Headers) -> Head:
    """Return a request without its body. Raises LocalProtocolError for what is not HTTP."""
    if not _TARGET.fullmatch(target):
        raise LocalProtocolError("the URL of the request has characters that HTTP does not allow")
    return Head(method.encode(), target, headers)


class Wire:
    """
    What is written to one connection and read from it, one request after the other.

    It *is_idle* before the first request, and when the last response came whole and the connection stays
    open.
    """

    def __init__(self) -> None:
        self.is_idle = True
        self._asked: PlainRequest | None = None
        self._usual: UsualHead | None = None
        self._state: Any = None
        self._head: Any = None
        self._parts: list[bytes] = []
        self._size = 0

    def request(self, request: PlainRequest) -> bytes:
        """Return the bytes of *request*."""
        self.is_idle = False
        self._asked = request
        (method, target, headers), body = request.head, request.body
        if body is None:
            return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, headers.lines)
        line = b"Content-Length: %d\r\n\r\n" % len(body)
        return b"%b %b HTTP/1.1\r\n%b%b%b" % (method, target, headers.lines, line, body)

    def response(self, data: bytes) -> PlainResponse | None:
        """
        Return the response when *data*, which was read, makes it complete. Empty data is the end.

        Raises RemoteProtocolError, ReadError for more than `MAX_BYTES`, and httpx.DecodingError.
        """
        if self._state is not None:
            return self._by_h11(data)
        if self._usual is None:
            return self._begun(data)
        if not data:
            # It breaks off.
            return self._by_h11(self._whole(), data)
        return self._continued(self._usual, data)

    def _begun(self, data: bytes) -> PlainResponse | None:
        asked = self._asked
        if asked is None or asked.head.method in _METHODS_WITHOUT_BODY:
            return self._by_h11(data)
        head = usual_head(data)
        if head is None:
            return self._by_h11(data)
        self._usual = head
        return self._continued(head, data)

    def _continued(self, head: UsualHead, data: bytes) -> PlainResponse | None:
        self._parts.append(data)
        self._size += len(data)
        if head.length is None:
            return self._in_chunks(head)
        end = head.start + head.length
        if self._size < end:
            return None
        whole = self._whole()
        return self._read(head, whole[head.start : end], end)

    def _in_chunks(self, head: UsualHead) -> PlainResponse | None:
        whole = self._whole()
        chunks = usual_chunks(whole, head.start)
        if chunks is not None and chunks.end:
            return self._read(head, chunks.body, chunks.end)
        # To look at all chunks again for each part would take long for a long body.
        if chunks is None or len(self._parts) >= MOST_PARTS:
            return self._by_h11(whole)
        return None

    def _whole(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _read(self, head: UsualHead, body: bytes, end: int) -> PlainResponse:
        # What came after the response would be read as the next one.
        self.is_idle = self._size == end
        self._clear()
        return PlainResponse(head.status, head.headers, body)

    def _clear(self) -> None:
        self._asked = self._usual = self._state = self._head = None
        self._parts, self._size = [], 0

    def _by_h11(self, *parts: bytes) -> PlainResponse | None:
        """Let h11 read *parts* of the response."""
        try:
            if self._state is None:
                state = _state_after(self._asked)
                self._clear()
                self._state = state
            for part in parts:
                response = self._next(part)
        except h11.RemoteProtocolError as error:
            raise RemoteProtocolError(str(error)) from error
        return response

    def _next(self, data: bytes) -> PlainResponse | None:
        state = self._state
        if not data and state.their_state is h11.SEND_RESPONSE:
            raise RemoteProtocolError("Server disconnected without sending a response.")
        state.receive_data(data)
        while True:
            event: Any = state.next_event()
            if event is h11.NEED_DATA:
                return None
            kind = type(event)
            if kind is h11.Response:
                self._head = event
            elif kind is h11.Data:
                self._add(bytes(event.data))
            elif kind is h11.EndOfMessage:
                return self._complete()
            elif kind is not h11.InformationalResponse:
                raise RemoteProtocolError("Server disconnected without sending a response.")

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MAX_BYTES:
            raise ReadError(TOO_LONG)
        self._parts.append(part)

    def _complete(self) -> PlainResponse:
        state, head, body = self._state, self._head, b"".join(self._parts)
        # What came after the response would be read as the next one.
        self.is_idle = (
            state.our_state is h11.DONE
            and state.their_state is h11.DONE
            and state.trailing_data == _NO_CONTENT
        )
        self._clear()
        return plain_response(head.status_code, head.headers.raw_items(), body)


def _state_after(request: PlainRequest | None) -> h11.Connection:
    """Return the state of a connection on which *request* has been sent."""
    state = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)
    if request is None:
        return state
    method, target, headers = request.head
    fields = [*headers.checked]
    if request.body is not None:
        fields.append((b"content-length", b"%d" % len(request.body)))
    state.send(h11.Request(method=method, target=target, headers=fields))
    if request.body is not None:
        state.send(h11.Data(data=request.body))
    state.send(_END)
    return state


def plain_response(
    status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> PlainResponse:
    """Return the response with its *body* decoded, if the server has encoded it."""
    names = lower_headers(headers)
    if "content-encoding" in names:
        preload("twilio_fax_compat.http._decoding")
        from twilio_fax_compat.http._decoding import decoded

        body = decoded(status, headers, body)
    return PlainResponse(status, names, body)


def lower_headers(pairs: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return *pairs* as text, with lower-case names. The values of a repeated name are joined."""
    return joined_fields((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
