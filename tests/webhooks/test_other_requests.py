"""What is not a fax event is the application's own, whatever it looks like."""

import io
import logging

import httpx
import pytest
from nacl.signing import SigningKey

from tests.webhooks.driving import forged, webhook
from tests.webhooks.serving import served
from twilio_fax_compat.webhooks import WSGIMiddleware
from twilio_fax_compat.webhooks.wsgi_body import RewoundBody, begin_to_read

BODIES = {
    "empty": (b"", "application/json"),
    "TeXML": (b"CallSid=v3abc&CallStatus=ringing", "application/x-www-form-urlencoded"),
    "XML": (b"<?xml version='1.0'?><Response/>", "text/xml"),
    "multipart": (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n', "multipart/form-data; boundary=x"),
    "form that says it is JSON": (b"a=1", "application/json"),
    "not JSON": (b'{"data": ', "application/json"),
    "bytes": (b"\xff\x00", "application/json"),
    "spaces": (b" " * 100, "application/json"),
    "list": (b'[{"event_type": "fax.queued"}]', "application/json"),
    "deep": (b'{"a":' * 50_000, "application/json"),
    "message": (b' {"data": {"event_type": "message.received", "payload": {}}}', "application/json"),
    "large JSON": (b'{"data": {"event_type": "call.recording.saved", "x": "' + b"x" * 1_200_000 + b'"}}', "application/json"),
    "large form": (b"x=" + b"y" * 1_200_000, "application/x-www-form-urlencoded"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BODIES)
def test_it_passes_untouched(app, telnyx, kind):
    """Whole, with its content type, and whether Telnyx has signed it or somebody else."""
    body, content_type = BODIES[kind]
    for key in (None, SigningKey.generate()):
        answer = forged(app, telnyx, body, key, path="/other", **{"content-type": content_type})
        assert (answer.status_code, answer.content) == (200, body)
    assert app.seen == []


def test_a_form_is_read_by_the_handler(app, telnyx):
    """Its fields are what was sent; our own handler validates Twilio's signature and finds none."""
    answer = forged(
        app, telnyx, b"CallStatus=ringing", **{"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code in (400, 500)
    assert app.seen == []


def test_a_chunked_body_passes(framework, telnyx):
    """Without a length, in pieces."""
    if framework != "starlette":
        pytest.skip("wsgiref does not read chunked bodies")
    pieces = [b'{"data": {"event_type": "call.x", "a": "', *[b"x" * 100_000] * 20, b'"}}']
    with served(framework, telnyx.public_key) as (origin, log):
        log.url = origin
        answer = httpx.post(
            origin + "/other", content=iter(pieces), headers={"user-agent": "telnyx-webhooks"}
        )
    assert answer.content == b"".join(pieces)


def test_only_a_large_fax_event_is_refused(framework, telnyx, caplog):
    """The limit is for what would be kept, and the log says which it is."""
    limit = len(webhook())
    with served(framework, telnyx.public_key, max_body=limit) as (origin, log):
        log.url = origin
        assert forged(log, telnyx, webhook(more="x")).status_code == 400
        assert forged(log, telnyx, webhook()).status_code == 200
        other = webhook("call.hangup", more="x" * 100)
        assert forged(log, telnyx, other, path="/other").content == other
    assert f"{limit} bytes (max_body)" in caplog.text


def test_a_wrong_signature_names_the_setting_and_the_fax(app, telnyx, caplog):
    """The line says where to look."""
    caplog.set_level(logging.INFO, "twilio_fax_compat")
    assert forged(app, telnyx, webhook(), SigningKey.generate()).status_code == 401
    (line,) = [r.getMessage() for r in caplog.records if r.name == "twilio_fax_compat.webhooks"]
    assert "TELNYX_PUBLIC_KEY" in line
    assert "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e" in line


class Watched(io.BytesIO):
    """An input stream that says how much of it was read."""

    def read(self, size=-1):
        assert size is not None
        assert size >= 0, "this would wait for the end of the connection"
        return super().read(size)


@pytest.mark.parametrize("length", [{"CONTENT_LENGTH": "2000000"}, {"wsgi.input_terminated": True}])
def test_a_body_that_is_not_json_is_not_buffered(telnyx, length):
    """An application can stream it: only its first byte was looked at."""
    stream, seen = Watched(b"x" * 1_200_000), []

    def app(environ, _start_response):
        seen.append(stream.tell())
        return [environ["wsgi.input"].read(5), environ["wsgi.input"].read(5)]

    wrapped = WSGIMiddleware(app, auth_token="t", account_sid="A", public_key=telnyx.public_key)
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_TELNYX_TIMESTAMP": "1"}
    answer = wrapped({**environ, **length, "wsgi.input": stream}, None)
    assert (seen, answer) == ([1], [b"xxxxx", b"xxxxx"])


def test_a_body_whose_end_is_unknown_is_not_touched():
    """As a server says that does not end its input."""
    stream = Watched(b'{"a": 1}')
    assert begin_to_read({"wsgi.input": stream, "HTTP_TRANSFER_ENCODING": "chunked"}, 100) == b""
    assert stream.tell() == 0


LINES = b"one\ntwo\r\n\nthree"


@pytest.mark.parametrize("size", range(len(LINES) + 1))
def test_a_rewound_body_is_read_as_if_it_was_whole(size):
    """However an application reads, and however much was read before."""

    def rewound():
        return RewoundBody(LINES[:size], io.BytesIO(LINES[size:]))

    assert rewound().read() == LINES
    assert rewound().read(None) == LINES
    assert rewound().readlines() == list(rewound()) == io.BytesIO(LINES).readlines()
    for width in range(1, len(LINES) + 1):
        body, plain = rewound(), io.BytesIO(LINES)
        read = [plain.read(width) for _ in range(20)]
        assert [body.read(width) for _ in range(20)] == read
        body, plain = rewound(), io.BytesIO(LINES)
        assert [body.readline(width) for _ in range(20)] == [
            plain.readline(width) for _ in range(20)
        ]
        body, plain = rewound(), io.BytesIO(LINES)
        assert body.readlines(width) == plain.readlines(width)
        assert body.read() == plain.read()
        body, buffer = rewound(), bytearray(width)
        assert bytes(buffer[: body.readinto(buffer)]) == LINES[:width]


@pytest.mark.parametrize("length", ["\u00b2", "9" * 5000, "-1", "x", "1.0", " "])
def test_a_length_that_is_not_a_number_passes(telnyx, length):
    """The application sees the request as it came."""

    def app(environ, _start_response):
        return [environ["wsgi.input"].getvalue()]

    wrapped = WSGIMiddleware(app, auth_token="t", account_sid="A", public_key=telnyx.public_key)
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_TELNYX_TIMESTAMP": "1"}
    environ.update({"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(b"{}")})
    assert wrapped(environ, lambda *_: None) == [b"{}"]
