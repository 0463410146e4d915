"""The bytes of a plain connection: whatever way a response arrives, it is read as the server meant it."""

import gzip

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat.http._errors import (
    LocalProtocolError,
    ReadError,
    RemoteProtocolError,
)
from twilio_fax_compat.http._limits import MAX_BYTES
from twilio_fax_compat.http._wire import PlainRequest, Wire, checked_headers, head_of

HOST = checked_headers([(b"Host", b"x")])
GET = PlainRequest(head_of("GET", b"/v2/faxes", HOST), None, 1.0, 1.0)


def post(body):
    return PlainRequest(head_of("POST", b"/v2/faxes", HOST), body, 1.0, 1.0)


def asked(request=GET):
    wire = Wire()
    wire.request(request)
    return wire


def fed(wire, parts):
    """Return the response and the number of *parts* that it took."""
    for number, part in enumerate(parts, 1):
        response = wire.response(part)
        if response is not None:
            return response, number
    return None, len(parts)


def pieces(raw, cuts):
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    return [raw[start:end] for start, end in zip(places, places[1:])]


FRAMES = st.sampled_from(["length", "chunked", "until the end"])


@given(
    body=st.binary(max_size=300),
    frame=FRAMES,
    status=st.sampled_from([200, 202, 404, 422, 500]),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
    before=st.integers(0, 3),
)
def test_any_response_in_any_parts(body, frame, status, cuts, before):
    """With interim responses before it, and however its bytes are cut."""
    raw = b"HTTP/1.1 100 Continue\r\n\r\n" * before
    raw += b"HTTP/1.1 %d X\r\nX-One: 1\r\nx-one: 2\r\n" % status
    if frame == "length":
        raw += b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    elif frame == "chunked":
        raw += b"Transfer-Encoding: chunked\r\n\r\n"
        for start in range(0, len(body), 7):
            part = body[start : start + 7]
            raw += b"%x\r\n%s\r\n" % (len(part), part)
        raw += b"0\r\nTrailer: x\r\n\r\n"
    else:
        raw += b"Connection: close\r\n\r\n" + body
    wire, parts = asked(), pieces(raw, cuts)
    response, taken = fed(wire, [*parts, b""])

    assert response is not None
    assert (response.status, response.body) == (status, body)
    assert response.headers["x-one"] == "1, 2"
    assert taken == len(parts) + (frame == "until the end")
    assert wire.is_idle is (frame != "until the end")


@given(cuts=st.lists(st.integers(0, 10_000), max_size=6), end=st.integers(0, 10_000))
def test_a_response_that_breaks_off(cuts, end):
    """Anything less than the whole response is an error when the server closes, and never a response."""
    raw = b'HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n{"data": {}}'
    raw = raw[: end % len(raw)]
    wire = asked()
    assert fed(wire, pieces(raw, cuts))[0] is None
    with pytest.raises(RemoteProtocolError):
        wire.response(b"")
    assert not wire.is_idle


@given(body=st.one_of(st.none(), st.binary(max_size=200)))
def test_the_server_reads_what_was_asked(body):
    """h11 as the server gets the request back, byte by byte."""
    request = GET if body is None else post(body)
    server, events = h11.Connection(h11.SERVER), []
    server.receive_data(Wire().request(request))
    while True:
        event = server.next_event()
        if event in (h11.NEED_DATA, h11.PAUSED):
            break
        events.append(event)
    assert (events[0].method, events[0].target) == (request.head.method, b"/v2/faxes")
    assert b"".join(bytes(one.data) for one in events[1:-1]) == (body or b"")
    assert isinstance(events[-1], h11.EndOfMessage)


def test_many_requests_one_after_the_other():
    wire = Wire()
    for number in range(3):
        assert wire.is_idle
        wire.request(GET)
        response, _ = fed(wire, [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number])
        assert response is not None
        assert response.body == b"%d" % number


@pytest.mark.parametrize("extra", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_what_nobody_asked_for_is_not_the_next_answer(extra):
    """A server that says more than it was asked is not asked again on this connection."""
    wire = asked()
    response, _ = fed(wire, [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1" + extra])
    assert response is not None
    assert response.body == b"1"
    assert not wire.is_idle


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    ],
)
def test_what_is_no_response(raw):
    with pytest.raises(RemoteProtocolError):
        fed(asked(), [raw, b""])


def test_a_body_that_is_too_long():
    wire = asked()
    assert wire.response(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") is None
    with pytest.raises(ReadError, match="longer than 32 MB"):
        fed(wire, [b"a" * 2**20] * (MAX_BYTES // 2**20 + 1))


@pytest.mark.parametrize("headers", [[("Host", "a b\n")], []])
def test_a_request_that_is_none(headers):
    with pytest.raises(LocalProtocolError):
        checked_headers(headers)


@pytest.mark.parametrize("target", [b"/a b", b"/a\r\nX: 1", b"/\xc3\xa4", b""])
def test_a_target_that_is_none(target):
    with pytest.raises(LocalProtocolError):
        head_of("GET", target, HOST)


def test_an_encoded_body():
    body = gzip.compress(b'{"data": {}}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    response, _ = fed(asked(), [head, body])
    assert response is not None
    assert response.body == b'{"data": {}}'
