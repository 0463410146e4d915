"""Calls of the programs' URLs against peers that misbehave, and the addresses that are allowed."""

import gzip
import re
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.webhooks.effects import CallApp
from twilio_fax_compat.server import callback_http
from twilio_fax_compat.server.addresses import (
    ForbiddenAddress,
    addresses_of,
    is_allowed_host,
    is_public,
)
from twilio_fax_compat.server.callback_http import LARGEST_ANSWER, CallbackHttp
from twilio_fax_compat.server.sealed_urls import SealedUrls


def is_whole(received):
    """Tell whether all of a request was read, its body too."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@contextmanager
def peer(answer, context=None):
    """Serve each connection with *answer*, a function of the socket and the request's bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection):
            with connection:
                try:
                    if context is not None:
                        connection = context.wrap_socket(connection, server_side=True)
                    received = b""
                    while not is_whole(received):  # what stays unread would reset the connection
                        piece = connection.recv(65536)
                        if not piece:
                            return
                        received += piece
                    answer(connection, received)
                except OSError:
                    pass

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield "{}://127.0.0.1:{}/x".format(
                "https" if context else "http", listener.getsockname()[1]
            )
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(10)


@pytest.fixture(name="http")
def _http(monkeypatch):
    monkeypatch.setattr(callback_http, "TIMEOUT", 0.8)
    http = CallbackHttp(allows_private=True)
    yield http
    http.close()


def call(http, url, hosts=()):
    return http.call(CallApp("POST", url, {"X-Test": "1"}, b"a=1"), hosts)


def sends(*pieces, pause=0.0):
    def answer(connection, _request):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


def test_a_plain_answer(http):
    body = b"<Response/>"
    with peer(sends(HEAD + b"Content-Length: 11\r\n\r\n" + body)) as url:
        answer = call(http, url)
    assert (answer.status, answer.content_type, answer.body) == (200, "text/xml", body)
    assert not answer.is_encoded


def test_a_compressed_answer_is_decoded(http):
    body = gzip.compress(b"<Response/>")
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with peer(sends(head + body)) as url:
        answer = call(http, url)
    assert (answer.body, answer.is_encoded) == (b"<Response/>", False)


def test_a_long_answer_is_cut(http):
    with peer(sends(HEAD + b"\r\n", b"x" * (4 * LARGEST_ANSWER))) as url:
        answer = call(http, url)
    assert answer.status == 200
    assert LARGEST_ANSWER < len(answer.body) < 2 * LARGEST_ANSWER


@pytest.mark.parametrize(
    "pieces",
    [
        [bytes([byte]) for byte in HEAD],
        [HEAD + b"Content-Length: 100\r\n\r\n", *[b"x"] * 100],
        [],
    ],
    ids=["head", "body", "nothing"],
)
def test_who_sends_byte_by_byte_has_no_more_time(http, pieces):
    """The whole request has its time, not each byte."""

    def answer(connection, request):
        sends(*pieces, pause=0.1)(connection, request)
        time.sleep(2)

    with peer(answer) as url:
        began = time.monotonic()
        result = call(http, url)
        elapsed = time.monotonic() - began
    assert result.status == 0
    assert "Timeout" in result.error
    assert elapsed < 5


@pytest.mark.parametrize(
    "pieces",
    [[b"SSH-2.0-x\r\n\r\n"], [HEAD + b"Content-Length: 100\r\n\r\nhalf"], [b""]],
    ids=["no HTTP", "half", "closed"],
)
def test_what_is_no_answer(http, pieces):
    with peer(sends(*pieces)) as url:
        result = call(http, url)
    # The peer closes with our body unread, so that the system may report a reset first.
    assert result.status == 0
    assert result.error in ("RemoteProtocolError", "ReadError")


def test_refused_and_unknown(http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://127.0.0.1:{}/".format(listener.getsockname()[1])
    assert call(http, url).error == "ConnectError"
    assert call(http, "http://does-not-exist.invalid/").error == "ConnectError"
    assert call(http, "http://[::bad/").status == 0


def test_a_wrong_certificate(http, tmp_path):
    """It is named, and nothing was sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    received = []

    def answer(connection, request):
        received.append(request)

    with peer(answer, context) as url:
        result = call(http, url)
    assert result.status == 0
    assert "the certificate is not valid" in result.error
    assert received == []


def certificate(folder):
    import subprocess

    key, cert = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other"
    subprocess.run(
        [*command.split(), "-keyout", key, "-out", cert], check=True, capture_output=True
    )
    return cert, key


def test_private_addresses():
    http = CallbackHttp(allows_private=False)
    with peer(sends(HEAD + b"\r\n")) as url:
        for host in ("127.0.0.1", "localhost"):
            answer = http.call(CallApp("POST", url.replace("127.0.0.1", host), {}, b""))
            assert answer.status == 0
            assert "private_callbacks" in answer.error
    http.close()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:0a00:0001::1", False),
        ("::ffff:224.0.0.1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b:1::10.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
    ],
)
def test_public_addresses(address, expected):
    assert is_public(address) is expected


def test_addresses_of_a_name():
    assert "127.0.0.1" in addresses_of("localhost", 80, allows_private=True)
    with pytest.raises(ForbiddenAddress):
        addresses_of("localhost", 80, allows_private=False)
    with pytest.raises(ForbiddenAddress):
        addresses_of("2130706433", 80, allows_private=False)  # 127.0.0.1 as a number


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("any.example", (), True),
        ("app.example.com", ("app.example.com",), True),
        ("APP.example.com.", ("app.example.com",), True),
        ("evil-example.com", ("*.example.com",), False),
        ("a.b.example.com", ("*.example.com",), True),
        ("example.com", ("*.example.com",), False),
        ("::1", ("[::1]",), True),
        ("app.example.com.evil.org", ("app.example.com",), False),
    ],
)
def test_allowed_hosts(host, allowed, expected):
    assert is_allowed_host(host, allowed) is expected


@given(st.text(max_size=300), st.text(min_size=1), st.text(min_size=1))
def test_sealed_urls(url, token, other):
    """What one token sealed, that token opens, also as the former one; another opens nothing."""
    url = url.encode("utf-8", "ignore").decode()
    token, other = (text.encode("utf-8", "ignore").decode() or "t" for text in (token, other))
    sealed = SealedUrls([token]).seal(url)
    assert sealed == SealedUrls([token]).seal(url)
    assert SealedUrls([token]).opened(sealed) == url
    assert SealedUrls([other + "2", token]).opened(sealed) == url
    assert SealedUrls([token + other]).opened(sealed) is None
    assert set(sealed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text())
def test_what_is_not_sealed_opens_nothing(text):
    assert SealedUrls(["token"]).opened(text) is None
