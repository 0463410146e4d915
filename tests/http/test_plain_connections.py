"""Plain connections: who sees a fax, what a packet holds, and what stays unimported."""

import asyncio
import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress

import httpcore
import httpx
import pytest
import respx
import vcr

from tests.helpers import BUSY, FAST, FROM, MEDIA_URL, TO, make_client
from twilio_fax_compat import RetryPolicy, TelnyxSettings
from twilio_fax_compat.base.exceptions import TwilioRestException
from twilio_fax_compat.http import _async_connections, _connections
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import TelnyxEmulator

FAX = {"data": {"id": "11111111-2222-4333-8444-555555555555", "status": "queued"}}


def create(client):
    return client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)


def create_async(client):
    async def main():
        async with client:
            return await client.fax.faxes.create_async(TO, MEDIA_URL, from_=FROM)

    return asyncio.run(main())


each_way = pytest.mark.parametrize("send", [create, create_async])


@each_way
def test_nobody_watches(telnyx, send, monkeypatch):
    """A fax goes out without httpx's transport while nobody watches it."""
    made = []
    for cls in (httpx.HTTPTransport, httpx.AsyncHTTPTransport):
        monkeypatch.setattr(cls, "__init__", lambda *_args, **_named: made.append(1))

    assert send(make_client(telnyx)).status == "queued"
    assert made == []


@each_way
def test_vcrpy_records_and_replays(telnyx, send, tmp_path):
    """A cassette has the fax, and gives it back when Telnyx is gone."""
    cassette = str(tmp_path / "fax.yaml")
    matchers = {"match_on": ["method", "path"]}
    with vcr.use_cassette(cassette, **matchers) as recorded:
        fax = send(make_client(telnyx))
    assert len(recorded) == 1
    with TelnyxEmulator() as other, vcr.use_cassette(
        cassette, record_mode="none", **matchers
    ) as replayed:
        again = send(make_client(other))
        assert other.faxes == []

    assert (replayed.play_count, again.sid) == (1, fax.sid)


@each_way
def test_respx_answers(send):
    """A stub of respx answers, and nothing is sent."""
    client = Client(
        "AC1",
        "t",
        telnyx=TelnyxSettings(api_key="K", connection_id="1", base_url="http://telnyx.test/v2"),
    )
    with respx.mock() as router:
        route = router.post("http://telnyx.test/v2/faxes").respond(202, json=FAX)
        fax = send(client)

    assert (route.call_count, fax.status) == (1, "queued")
    assert json.loads(route.calls[0].request.content)["to"] == TO


@each_way
def test_pytest_httpx_answers(send, httpx_mock):
    """A stub of pytest-httpx answers, and nothing is sent."""
    httpx_mock.add_response(method="POST", status_code=202, json=FAX)
    client = Client(
        "AC1",
        "t",
        telnyx=TelnyxSettings(api_key="K", connection_id="1", base_url="http://telnyx.test/v2"),
    )

    assert send(client).status == "queued"
    assert [str(seen.url) for seen in httpx_mock.get_requests()] == ["http://telnyx.test/v2/faxes"]


@each_way
def test_opentelemetry_traces(telnyx, send):
    """The instrumentation of httpx sees a span for the fax, and none once it is removed."""
    tracing = pytest.importorskip("opentelemetry.instrumentation.httpx", reason="needs its package")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = tracing.HTTPXClientInstrumentor()
    tracer.instrument(tracer_provider=provider)
    try:
        send(make_client(telnyx))
    finally:
        tracer.uninstrument()
    send(make_client(telnyx))

    assert [span.name for span in spans.get_finished_spans()] == ["POST"]


@pytest.mark.parametrize("method", ["handle_request", "handle_async_request"])
def test_each_replaced_method_is_seen(method, monkeypatch):
    """A wrapper of any class that sends requests counts, and no longer once it is gone."""
    prefix = "Async" if "async" in method else ""
    assert not _connections.is_replaced(method)
    for package, name in (
        (httpx, "HTTPTransport"),
        (httpcore, "ConnectionPool"),
        (httpcore, "HTTPConnection"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(getattr(package, prefix + name), method, lambda *_args: None)
            assert _connections.is_replaced(method)
    assert not _connections.is_replaced(method)


def served(answer):
    """Return the address of a server on which *answer* gets each connection in turn."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with listener:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    if answer(connection):
                        return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    return "http://127.0.0.1:{}/v2".format(listener.getsockname()[1])


def whole(status, body, headers=b""):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), headers, body)


@each_way
def test_a_request_is_one_packet(send):
    """Headers and body are written at once, so the server wakes up once."""
    packets = []

    def answer(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        packets.append(connection.recv(65536))
        connection.sendall(whole(202, json.dumps(FAX).encode(), b"Connection: close\r\n"))
        return True

    settings = TelnyxSettings(api_key="K", connection_id="1", base_url=served(answer))
    assert send(Client("AC1", "t", telnyx=settings)).status == "queued"

    head, _, body = packets[0].partition(b"\r\n\r\n")
    assert json.loads(body)["to"] == TO
    assert b"Content-Length: %d" % len(body) in head


@each_way
def test_an_encoded_body_is_decoded(send):
    """A server that compresses though nobody asked for it is understood."""

    def answer(connection):
        connection.recv(65536)
        body = gzip.compress(json.dumps(FAX).encode())
        connection.sendall(whole(202, body, b"Content-Encoding: gzip\r\nConnection: close\r\n"))
        return True

    settings = TelnyxSettings(api_key="K", connection_id="1", base_url=served(answer))

    assert send(Client("AC1", "t", telnyx=settings)).status == "queued"


def test_a_connection_that_the_server_closed_is_not_used_again():
    """A new one is opened before anything is written, so that nobody doubts that the fax was not sent."""
    bodies, closed = [], threading.Semaphore(0)

    def answer(connection):
        bodies.append(connection.recv(65536).partition(b"\r\n\r\n")[2])
        connection.sendall(whole(202, json.dumps(FAX).encode()))
        connection.close()  # without a word before
        closed.release()
        return len(bodies) == 3

    settings = TelnyxSettings(api_key="K", connection_id="1", base_url=served(answer))
    client = Client("AC1", "t", telnyx=settings)
    for number in range(3):
        client.fax.faxes.create(f"+1500555000{number}", MEDIA_URL, from_=FROM)
        assert closed.acquire(timeout=10)

    assert [json.loads(body)["to"] for body in bodies] == [f"+1500555000{n}" for n in range(3)]


def certificate_of_localhost(folder):
    """Return the TLS settings of a server, and the path of its certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
@each_way
def test_what_a_server_says_unasked_is_no_answer(send, is_tls, tmp_path, monkeypatch):
    """A proxy may tell an idle connection that it waited too long. The next fax does not read that."""
    said = threading.Semaphore(0)
    connections, more = [], []
    if is_tls:
        context, certificate = certificate_of_localhost(tmp_path)
        monkeypatch.setattr(_connections, "_contexts", {})
        monkeypatch.setenv("SSL_CERT_FILE", certificate)

    def answer(connection):
        if is_tls:
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                speak(secure)
        else:
            speak(connection)
        return False

    def speak(connection):
        connections.append(connection.recv(65536))
        connection.sendall(whole(202, json.dumps(FAX).encode()))
        if len(connections) == 1:
            time.sleep(0.1)
            connection.sendall(whole(408, b"{}"))
            said.release()
            connection.settimeout(5)
            with suppress(OSError):  # closing a connection with unread data resets it
                more.append(connection.recv(65536))

    url = served(answer)
    if is_tls:
        url = url.replace("http://127.0.0.1", "https://localhost")
    settings = TelnyxSettings(api_key="K", connection_id="1", base_url=url)
    client = Client("AC1", "t", telnyx=settings)

    async def twice():
        async with client:
            first = await client.fax.faxes.create_async(TO, MEDIA_URL, from_=FROM)
            assert await asyncio.get_running_loop().run_in_executor(None, said.acquire, True, 5)
            return first, await client.fax.faxes.create_async(BUSY, MEDIA_URL, from_=FROM)

    if send is create:
        first = create(client)
        assert said.acquire(timeout=5)
        faxes = first, client.fax.faxes.create(BUSY, MEDIA_URL, from_=FROM)
    else:
        faxes = asyncio.run(twice())
    assert [fax.status for fax in faxes] == ["queued", "queued"]
    assert not any(more)
    assert json.loads(connections[1].partition(b"\r\n\r\n")[2])["to"] == BUSY


@each_way
def test_over_tls(telnyx, send, tmp_path, monkeypatch):
    """The client checks the certificate, names the host to the server, and reuses the connection."""
    context, certificate = certificate_of_localhost(tmp_path)
    asked = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    def answer(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            for _ in range(2):
                secure.recv(65536)
                secure.sendall(whole(202, json.dumps(FAX).encode()))
        return True

    url = served(answer).replace("http://127.0.0.1", "https://localhost")
    settings = TelnyxSettings(api_key="K", connection_id="1", base_url=url)
    monkeypatch.setattr(_connections, "_contexts", {})
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    client = Client("AC1", "t", telnyx=settings)

    async def twice():
        async with client:
            return [
                (await client.fax.faxes.create_async(TO, MEDIA_URL, from_=FROM)).status
                for _ in "12"
            ]

    found = [send(client).status for _ in "12"] if send is create else asyncio.run(twice())

    assert (found, asked) == (["queued", "queued"], ["localhost"])


def test_an_unknown_certificate_is_refused_before_anything_is_sent(tmp_path, monkeypatch):
    """The error says that nothing was sent."""
    context, _ = certificate_of_localhost(tmp_path)
    read = []

    def answer(connection):
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                read.append(secure.recv(65536))
        except OSError:
            pass
        return False

    monkeypatch.setattr(_connections, "_contexts", {})
    url = served(answer).replace("http://127.0.0.1", "https://localhost")
    client = Client(
        "AC1", "t", telnyx=TelnyxSettings(api_key="K", connection_id="1", base_url=url, retry=FAST)
    )
    with pytest.raises(TwilioRestException, match="CERTIFICATE_VERIFY_FAILED") as caught:
        create(client)

    assert caught.value.details["sent"] is False
    assert not any(read)


FIRST = """
import sys
from twilio_fax_compat.rest import Client

Client("AC1", "t").fax.faxes.create("+15005550009", "https://example.com/a.pdf", from_="+15005550006")
print(sorted({"httpx", "httpcore", "urllib.request", "email.utils"} & set(sys.modules)))
"""


def test_the_first_fax_imports_no_more_than_it_needs(telnyx):
    """A short-lived process, such as a cron job, does not wait for httpx."""
    environ = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    done = subprocess.run(
        [sys.executable, "-c", FIRST],
        env={**environ, **telnyx.environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert len(telnyx.faxes) == 1


def test_idle_connections_of_a_loop_are_reused(telnyx):
    """Ten creates one after the other need one connection."""
    client = make_client(telnyx)

    async def main():
        async with client:
            for _ in range(10):
                await client.fax.faxes.create_async(TO, MEDIA_URL, from_=FROM)
            (loop,) = [one for own, one in _async_connections._loops.items() if not own.is_closed()]
            return [
                len(idle) for (_, origin, _), idle in loop.idle.items() if origin == telnyx.origin
            ]

    assert asyncio.run(main()) == [1]


def test_the_next_address_of_a_host_is_tried(telnyx, monkeypatch):
    """A host may have an address that refuses, or that never answers, before the one that works."""
    port = int(telnyx.origin.rpartition(":")[2])
    with socket.socket() as refuses, socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        refuses.bind(("127.0.0.1", 0))
        # Nobody accepts: once its queue is full, a connection is neither made nor refused.
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(silent.getsockname())
        places = [refuses.getsockname(), silent.getsockname(), ("127.0.0.1", port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

        async def addresses(_origin):
            return found

        monkeypatch.setattr(_async_connections, "_addresses", addresses)
        client = make_client(telnyx, connect_timeout=1.5)
        assert create_async(client).status == "queued"
        for one in full:
            one.close()
    assert len(telnyx.faxes) == 1


def test_a_host_without_an_address_is_not_reached():
    """The error says so, and that nothing was sent; also from an event loop."""
    settings = TelnyxSettings(
        api_key="K", connection_id="1", base_url="https://telnyx.invalid/v2", retry=FAST
    )
    for send in (create, create_async):
        with pytest.raises(TwilioRestException, match=r"telnyx\.invalid") as caught:
            send(Client("AC1", "t", telnyx=settings))
        assert caught.value.details["sent"] is False


@each_way
def test_a_server_that_answers_before_it_has_read_all(send):
    """Its answer counts, though the rest of the request could not be written."""

    def answer(connection):
        connection.recv(1)
        connection.sendall(whole(413, b"{}", b"Connection: close\r\n"))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
        return True

    settings = TelnyxSettings(api_key="K", connection_id="1", base_url=served(answer), retry=FAST)
    client = Client("AC1", "t", telnyx=settings)
    with pytest.raises(TwilioRestException) as caught:
        send(client)
    assert caught.value.status == 413


@each_way
def test_a_server_that_drips_has_a_deadline(send):
    """Each byte comes within the timeout, but the response must be complete within twice of it."""

    def answer(connection):
        connection.recv(65536)
        with suppress(OSError):
            while True:
                connection.sendall(b"H")
                time.sleep(0.05)
        return True

    settings = TelnyxSettings(
        api_key="K",
        connection_id="1",
        base_url=served(answer),
        timeout=0.2,
        retry=RetryPolicy(attempts=1, budget=2.0, lookups=()),
    )
    began = time.monotonic()
    with pytest.raises(TwilioRestException, match="may have been sent"):
        send(Client("AC1", "t", telnyx=settings))
    assert time.monotonic() - began < 10


@each_way
def test_no_variable_of_a_connection_shows_the_key_or_a_number(send, monkeypatch):
    """Tools that report errors show the values of the variables of each function on the way."""
    seen = []

    def failed(_wire, _data):
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_globals["__name__"].startswith("twilio_fax_compat.http."):
                seen.extend(repr(value) for value in frame.f_locals.values())
            frame = frame.f_back
        raise OSError("the end")

    monkeypatch.setattr(_connections.Wire, "response", failed)

    def answer(connection):
        connection.recv(65536)
        connection.sendall(whole(202, b"{}"))
        return True

    key = "KEY0123456789"
    settings = TelnyxSettings(api_key=key, connection_id="1", base_url=served(answer), retry=FAST)
    client = Client("AC1", "t", telnyx=settings)
    with pytest.raises(TwilioRestException):
        send(client)
    seen.extend(repr(value) for value in vars(client.http_client).values())

    assert len(seen) > 3
    assert not [text for text in seen if key in text or TO in text or MEDIA_URL in text]
