"""The requests and responses of one HTTP/1.1 connection as bytes, by h11; without sockets."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

import h11

from twilio_fax_compat._preload import preload
from twilio_fax_compat.http._errors import LocalProtocolError, ReadError, RemoteProtocolError
from twilio_fax_compat.http._limits import MAX_BYTES, TOO_LONG

MAX_HEADERS = 100 * 1024
"""The longest headers of a response, in bytes. It is httpcore's limit."""

_NO_CONTENT = (b"", False)
_END = h11.EndOfMessage()


class PlainRequest(NamedTuple):
    """
    A request on a plain connection: its *head*, and its *body*.

    *connect_timeout* and *timeout*, that of one part, are in seconds.
    """

    head: h11.Request
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


def head_of(method: str, target: bytes, headers: Any) -> h11.Request:
    """
    Return a request without its body. *headers* are pairs, or those of such a request.

    Raises LocalProtocolError for what is not HTTP.
    """
    try:
        return h11.Request(method=method, target=target, headers=headers)
    except h11.LocalProtocolError as error:
        raise LocalProtocolError(str(error)) from error


class Wire:
    """
    What is written to one connection and read from it, one request after the other.

    It *is_idle* before the first request, and when the last response came whole and the connection stays
    open.
    """

    def __init__(self) -> None:
        self.is_idle = True
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)
        self._head: Any = None
        self._parts: list[bytes] = []
        self._size = 0

    def request(self, request: PlainRequest) -> bytes:
        """Return the bytes of *request*."""
        self.is_idle = False
        send = self._state.send
        parts = [send(request.head)]
        if request.body is not None:
            parts.append(send(h11.Data(data=request.body)))
        parts.append(send(_END))
        return b"".join(part for part in parts if part)

    def response(self, data: bytes) -> PlainResponse | None:
        """
        Return the response when *data*, which was read, makes it complete. Empty data is the end.

        Raises RemoteProtocolError, ReadError for more than `MAX_BYTES`, and httpx.DecodingError.
        """
        state = self._state
        if not data and state.their_state is h11.SEND_RESPONSE:
            raise RemoteProtocolError("Server disconnected without sending a response.")
        try:
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
        except h11.RemoteProtocolError as error:
            raise RemoteProtocolError(str(error)) from error

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MAX_BYTES:
            raise ReadError(TOO_LONG)
        self._parts.append(part)

    def _complete(self) -> PlainResponse:
        state, head, body = self._state, self._head, b"".join(self._parts)
        self._head, self._parts, self._size = None, [], 0
        # What came after the response would be read as the next one.
        if (
            state.our_state is h11.DONE
            and state.their_state is h11.DONE
            and state.trailing_data == _NO_CONTENT
        ):
            state.start_next_cycle()
            self.is_idle = True
        return plain_response(head.status_code, head.headers.raw_items(), body)


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
    headers: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
