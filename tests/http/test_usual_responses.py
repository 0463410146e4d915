"""The usual responses, read without h11: whatever arrives, the result is the one that h11 gives."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twilio_fax_compat.http._errors import RemoteProtocolError
from twilio_fax_compat.http._usual_responses import usual_chunks, usual_head
from twilio_fax_compat.http._wire import (
    PlainRequest,
    Wire,
    checked_headers,
    head_of,
    lower_headers,
)

HOST = checked_headers([(b"Host", b"x")])
GET = PlainRequest(head_of("GET", b"/v2/faxes", HOST), None, 1.0, 1.0)

VALUES = st.sampled_from(
    [
        b"",
        b" ",
        b" 1",
        b" a b ",
        b"\t1\t",
        b" \xe9",
        b" \x01",
        b" a\x00b",
        b" a\nb",
        b"\r\n b",
    ]
)
FIELDS = st.one_of(
    st.tuples(st.sampled_from([b"X-One", b"x-one", b"Date", b"A B", b"", b"\xe9"]), VALUES),
    st.tuples(
        st.sampled_from([b"Content-Length", b"content-length"]),
        st.sampled_from([b" 4", b"4", b" 0", b" 04", b" 4, 4", b" 4, 5", b" -1", b" \xb2", b" 10"]),
    ),
    st.tuples(
        st.just(b"Transfer-Encoding"),
        st.sampled_from([b" chunked", b" Chunked", b" gzip, chunked", b" identity"]),
    ),
    st.tuples(
        st.just(b"Connection"),
        st.sampled_from([b" close", b" keep-alive", b" Keep-Alive", b" x"]),
    ),
)
FIRST_LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 202 Accepted",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 422 \xe9",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 304 Not Modified",
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 101 Switching",
        b"HTTP/1.1 600 X",
        b"HTTP/1.0 200 OK",
        b"HTTP/2 200 OK",
        b"http/1.1 200 OK",
        b"HTTP/1.1  200 OK",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"4\r\nabcd\r\n0\r\n\r\n",
            b"A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n",
            b"04\r\nabcd\r\n00\r\n\r\n",
            b"4;x=1\r\nabcd\r\n0\r\n\r\n",
            b"4 \r\nabcd\r\n0\r\n\r\n",
            b"4\r\nabcd\r\n0\r\nX: 1\r\n\r\n",
            b"4\r\nabcde\r\n0\r\n\r\n",
            b"5\r\nabcd\r\n0\r\n\r\n",
            b"4\nabcd\n0\n\n",
            b"4\r\nabcd\r\n0\r\n",
            b"0\r\n\r\n",
            b"-4\r\nabcd\r\n0\r\n\r\n",
        ]
    ),
)


def by_h11(raw, request=GET):
    """Return the status, headers, body and whether the connection stays, as h11 reads *raw* and the end."""
    state = h11.Connection(h11.CLIENT)
    method, target, headers = request.head
    state.send(h11.Request(method=method, target=target, headers=headers.checked))
    state.send(h11.EndOfMessage())
    head, body, ended = None, b"", False
    try:
        state.receive_data(raw)
        while True:
            event = state.next_event()
            if event is h11.NEED_DATA:
                if ended:
                    return "broken off"
                ended = True
                state.receive_data(b"")
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                stays = state.our_state is state.their_state is h11.DONE
                return (
                    head.status_code,
                    lower_headers(head.headers.raw_items()),
                    body,
                    stays and state.trailing_data == (b"", False),
                )
            elif not isinstance(event, h11.InformationalResponse):
                return "broken off"
    except h11.RemoteProtocolError:
        return "broken off"


def by_wire(parts, request=GET):
    wire = Wire()
    wire.request(request)
    try:
        for part in [*parts, b""]:
            response = wire.response(part)
            if response is not None:
                return (*response, wire.is_idle)
    except RemoteProtocolError:
        return "broken off"
    raise AssertionError("neither a response nor an error at the end")


def raw_of(first, fields, body):
    lines = b"".join(b"%b:%b\r\n" % field for field in fields)
    return b"%b\r\n%b\r\n%b" % (first, lines, body)


@settings(max_examples=600)
@given(first=FIRST_LINES, fields=st.lists(FIELDS, max_size=4), body=BODIES)
def test_it_is_what_h11_reads(first, fields, body):
    raw = raw_of(first, fields, body)
    assert by_wire([raw]) == by_h11(raw)


@settings(max_examples=300)
@given(
    field=st.sampled_from([(b"Content-Length", b" 8"), (b"Transfer-Encoding", b" chunked")]),
    place=st.integers(0, 200),
    byte=st.binary(min_size=0, max_size=2),
)
def test_one_place_changed(field, place, byte):
    """A usual response with a byte replaced, added or left out."""
    body = b"12345678" if field[1] == b" 8" else b"8\r\n12345678\r\n0\r\n\r\n"
    raw = raw_of(b"HTTP/1.1 200 OK", [(b"X", b" 1"), field], body)
    place %= len(raw)
    raw = raw[:place] + byte + raw[place + 1 :]
    assert by_wire([raw]) == by_h11(raw)


@settings(max_examples=200)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "HEAD"]),
    first=FIRST_LINES,
    cut=st.integers(0, 100),
    body=st.sampled_from([b"", b"4\r\nabcd\r\n0\r\n\r\n", b"abcd", b"abcdefgh"]),
    field=st.sampled_from([(b"Content-Length", b" 4"), (b"Transfer-Encoding", b" chunked")]),
)
def test_in_two_parts(method, first, cut, body, field):
    request = PlainRequest(head_of(method, b"/", HOST), None, 1.0, 1.0)
    raw = raw_of(first, [field], body)
    parts = [part for part in (raw[:cut], raw[cut:]) if part]
    read, expected = by_wire(parts, request), by_h11(raw, request)
    if cut < len(raw):
        # What comes after a response may be read later: `is_usable` sees it then.
        assert read[:3] == expected[:3]
    else:
        assert read == expected


@pytest.mark.parametrize(
    "fields",
    [
        [(b"Content-Length", b" 4")],
        [(b"content-length", b"4"), (b"Connection", b" keep-alive"), (b"Date", b" x")],
    ],
)
def test_the_usual_ones_are_read_here(fields):
    """Without this, the tests above would pass if h11 read everything."""
    head = usual_head(raw_of(b"HTTP/1.1 202 Accepted", fields, b"abcd"))
    assert head is not None
    assert (head.status, head.length) == (202, 4)


def test_chunks_are_read_here():
    raw = raw_of(
        b"HTTP/1.1 200 OK",
        [(b"Transfer-Encoding", b" chunked")],
        b"4\r\nabcd\r\n0\r\n\r\n",
    )
    head = usual_head(raw)
    assert head is not None
    assert usual_chunks(raw, head.start) == (b"abcd", len(raw))
    for end in range(head.start, len(raw)):
        assert usual_chunks(raw[:end], head.start) == (b"", 0)


@settings(max_examples=300)
@given(
    first=FIRST_LINES,
    field=st.sampled_from([(b"Content-Length", b" 12"), (b"Transfer-Encoding", b" chunked")]),
    body=BODIES,
    places=st.lists(st.integers(0, 120), max_size=12),
)
def test_in_any_parts(first, field, body, places):
    """However a network cuts its bytes."""
    raw = raw_of(first, [field], body)
    cuts = sorted({0, len(raw), *(place % len(raw) for place in places)})
    parts = [raw[start:end] for start, end in zip(cuts, cuts[1:])]
    read, expected = by_wire(parts), by_h11(raw)
    assert read[:3] == expected[:3]
    if read[3:] != expected[3:]:
        # What comes after a response may be read later: `is_usable` sees it then.
        assert read[3:] == (True,)


def test_an_error_is_raised_at_once():
    """A server that is wrong is not waited for."""
    wire = Wire()
    wire.request(GET)
    assert (
        wire.response(raw_of(b"HTTP/1.1 200 OK", [(b"Transfer-Encoding", b" chunked")], b"4"))
        is None
    )
    with pytest.raises(RemoteProtocolError):
        wire.response(b"\r\nabcdX\r\n")


def test_a_long_head_takes_no_longer_than_its_length():
    """A server cannot hold up a program with headers that the expression tries again and again."""
    lines = b"X:" + b" \t" * 30_000 + b"\x00\r\n"
    assert usual_head(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n") is None
    assert usual_head(b"HTTP/1.1 200 " + b"\t " * 30_000) is None
