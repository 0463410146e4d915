"""Our own connections: limits of a response, forks, and CA certificates."""

import gzip
import os
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.helpers import FROM, MEDIA_URL, TO, make_client
from twilio_fax_compat import RetryPolicy, TelnyxSettings
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http import _connections
from twilio_fax_compat.http.http_client import TwilioHttpClient
from twilio_fax_compat.rest import Client

ONCE = RetryPolicy(attempts=1, backoff=0.001, lookups=(0.001, 0.001))
BOMB = gzip.compress(bytes(33 * 2**20))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def send_bomb(connection):
    connection.sendall(
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB
    )


def drip(connection, text):
    connection.sendall(text)
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.02)


WAYS = {
    "too long": send_bomb,
    "slow body": lambda connection: drip(connection, HEAD + b"Content-Length: 99999\r\n\r\n"),
    "slow headers": lambda connection: drip(connection, HEAD + b"X-Slow: "),
}


@pytest.fixture(name="serve")
def _serve():
    """Run a server that answers every request in one of `WAYS`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def start(way):
        def answer(connection):
            with connection:
                try:
                    connection.recv(65536)
                    way(connection)
                except OSError:  # the client closed it, as it should
                    pass

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return "http://127.0.0.1:{}/v2".format(listener.getsockname()[1])

    yield start
    listener.close()


def client_of(base_url, http_client=None, **settings):
    telnyx = TelnyxSettings(
        api_key="KEY1", connection_id="1", base_url=base_url, retry=ONCE, **settings
    )
    return Client("AC1", "token", http_client=http_client, telnyx=telnyx)


@pytest.mark.parametrize(
    ("way", "timeout"),
    [
        ("too long", None),
        ("too long", 5),
        ("slow body", None),
        ("slow body", 0.2),
        ("slow headers", None),
    ],
)
def test_a_response_that_is_cut_off_may_mean_that_the_fax_was_sent(serve, way, timeout):
    """A response is read up to a size and for a time, by an httpx client (*timeout*) too."""
    with httpx.Client(timeout=timeout) as http_client:
        client = client_of(serve(WAYS[way]), http_client if timeout else None, timeout=0.2)
        began = time.monotonic()
        with pytest.raises(TwilioRestException) as caught:
            client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)

    assert caught.value.details["may_have_been_sent"] is True
    assert caught.value.status == (503 if way == "too long" else 504)
    assert time.monotonic() - began < 10


def test_a_long_response_says_so(serve):
    """The error of a list has the reason."""
    with pytest.raises(TwilioException, match="longer than 32 MB"):
        client_of(serve(send_bomb)).fax.faxes.list()


def test_a_connection_that_is_not_pooled_is_closed(telnyx):
    """`pool_connections=False` closes each connection, as at Twilio."""
    _connections.close_idle()
    client = make_client(telnyx, TwilioHttpClient(pool_connections=False))
    client.fax.faxes.list()

    assert not any(_connections._idle.values())


FORK = """
import os, sys
from twilio_fax_compat.rest import Client

client = Client("AC1", "token")
client.fax.faxes.list()
child = os.fork()
if not child:
    client.fax.faxes.list()
    sys.exit(0)
status = os.waitpid(child, 0)[1]
client.fax.faxes.list()
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_leaves_no_connection_open(telnyx):
    """A child closes its copies of the parent's connections, without a ResourceWarning."""
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", FORK],
        env={**telnyx.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", _connections.CA_VARIABLES)
@pytest.mark.parametrize("is_there", [False, True])
def test_ca_certificates_that_cannot_be_read_are_named(monkeypatch, tmp_path, name, is_there):
    """The error names the variable, and nothing is sent."""
    path = tmp_path / "bundle.pem"
    if is_there:
        path.write_text("not a certificate")
    for other in _connections.CA_VARIABLES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, str(path))
    monkeypatch.setattr(_connections, "_contexts", {})
    client = client_of("https://127.0.0.1:9/v2")

    with pytest.raises(TwilioException, match=name) as caught:
        client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)
    assert not isinstance(caught.value, TwilioRestException)


def test_ca_certificates_may_be_a_folder(monkeypatch, tmp_path):
    """A folder is read by OpenSSL when it is needed."""
    monkeypatch.setattr(_connections, "_contexts", {})
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    assert _connections.tls_context(is_tls=True).get_ca_certs() == []
