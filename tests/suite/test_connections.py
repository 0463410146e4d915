"""The guard of a process: hosts and addresses, by whatever way a connection is opened."""

import asyncio
import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import urllib.request

import httpx
import pytest

from twilio_fax_compat._suite import connections
from twilio_fax_compat._suite.guard import EVERY_PROVIDER, FAX_ONLY, RunGuard

HOSTS = ["fax.twilio.com", "api.twilio.com", "twilio.com", "api.telnyx.com", "FAX.Twilio.com."]


@pytest.fixture(name="noted")
def _noted():
    noted = []
    guard = RunGuard(EVERY_PROVIDER, "not now", note=noted.append)
    guard.start()
    yield noted
    guard.stop()


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "connect",
    [
        lambda host: socket.getaddrinfo(host, 443),
        socket.gethostbyname,
        lambda host: socket.create_connection((host, 443), 1),
        lambda host: urllib.request.urlopen(f"http://{host}/", timeout=1),
        lambda host: httpx.get(f"https://{host}/"),
        lambda host: asyncio.run(asyncio.open_connection(host, 443)),
    ],
    ids=["getaddrinfo", "gethostbyname", "socket", "urllib", "httpx", "asyncio"],
)
def test_providers_are_blocked(noted, host, connect):
    """Every way through Python's sockets ends with an error that names the host and the reason."""
    with pytest.raises((OSError, httpx.HTTPError), match="is blocked: not now"):
        connect(host)
    assert noted
    assert set(noted) == {f"the connection to {host.lower().rstrip('.')} is blocked: not now"}


@pytest.mark.parametrize("host", ["localhost", "nottwilio.com", "twilio.com.example.org"])
def test_other_hosts_are_not(noted, host):
    """A name that only looks like it is looked up as before."""
    with contextlib.suppress(socket.gaierror):
        socket.getaddrinfo(host, 443)
    assert noted == []


class Proxy:
    """A proxy that accepts connections and answers nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]


@pytest.fixture(name="proxy")
def _proxy():
    proxy = Proxy()
    yield proxy
    proxy.socket.close()


def test_a_connection_through_a_proxy(noted, proxy):
    """Its CONNECT request is recognised, and so is the name in TLS."""
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=2)
    connection.set_tunnel("fax.twilio.com", 443)
    with pytest.raises(connections.ProviderBlocked):
        connection.request("GET", "/")
    connection.close()
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", proxy.port), 2) as plain, pytest.raises(
        connections.ProviderBlocked
    ):
        context.wrap_socket(plain, server_hostname="api.telnyx.com")
    assert len(noted) == 2


def test_an_open_connection_of_httpx(proxy):
    """A request is checked even if its connection was opened before."""
    guard = RunGuard(EVERY_PROVIDER, "not now")
    transport = httpx.HTTPTransport()
    guard.start()
    try:
        with pytest.raises(connections.ProviderBlocked):
            transport.handle_request(httpx.Request("GET", "https://api.telnyx.com/v2/faxes"))
    finally:
        guard.stop()
        transport.close()


def test_an_address_and_a_thread_that_may(proxy):
    """An address is blocked by its port, except for the thread that is allowed."""
    noted = []
    guard = RunGuard(FAX_ONLY, "x", note=noted.append, addresses=[("127.0.0.1", proxy.port)])
    guard.start()
    try:
        with pytest.raises(connections.ProviderBlocked):
            socket.create_connection(("127.0.0.1", proxy.port), 2)
        with guard.open():
            socket.create_connection(("127.0.0.1", proxy.port), 2).close()
    finally:
        guard.stop()
    socket.create_connection(("127.0.0.1", proxy.port), 2).close()
    assert len(noted) == 1


def test_child_processes(noted, monkeypatch):
    """They are blocked, report it to the parent, and run the `sitecustomize` that ours hides."""
    guard = RunGuard(EVERY_PROVIDER, "not now")
    code = """
import socket, sys
try:
    socket.getaddrinfo("fax.twilio.com", 443)
except OSError as error:
    print(error)
print(any("child_path" in place for place in sys.path))
"""
    guard.start()
    try:
        shown = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        reported = guard.reported_elsewhere()
        assert guard.reported_elsewhere() == []
    finally:
        guard.stop()
    assert "the connection to fax.twilio.com is blocked: not now" in shown.stdout
    assert shown.stdout.endswith("False\n")
    assert reported == ["the connection to fax.twilio.com is blocked: not now"]


def test_it_is_undone(monkeypatch):
    """After the end nothing is patched, set or blocked."""
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    import os

    before = dict(os.environ), ssl.SSLContext.wrap_socket, httpx.HTTPTransport.handle_request
    guard = RunGuard(EVERY_PROVIDER, "not now")
    guard.start()
    assert os.environ["PYTHONPATH"].endswith("/somewhere")
    assert "twilio.com" in os.environ["NO_PROXY"]
    assert json.loads(os.environ[connections.VARIABLE])["hosts"] == list(EVERY_PROVIDER)
    guard.stop()
    after = dict(os.environ), ssl.SSLContext.wrap_socket, httpx.HTTPTransport.handle_request
    assert before == after
