"""Proxies of the environment and of arguments, as requests reads them."""

import os
import socket
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import make_client, send
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http import _connections
from twilio_fax_compat.http._proxies import (
    checked_proxy,
    is_excluded,
    proxy_from_argument,
    proxy_from_environment,
)
from twilio_fax_compat.http.http_client import TwilioHttpClient
from twilio_fax_compat.rest import Client

try:
    import requests.utils
except ImportError:
    requests = None

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(_connections, "_proxies", {})


@pytest.mark.parametrize(
    ("host", "port", "no_proxy", "expected"),
    [
        ("10.1.2.3", 80, "10.0.0.0/8", True),
        ("11.1.2.3", 80, "10.0.0.0/8", False),
        ("10.1.2.3", 80, "10.1.2.3", True),
        ("10.1.2.3", 80, "10.1.2.3:80", True),
        ("10.1.2.3", 81, "10.1.2.3:80", False),
        ("::1", 80, "[::1]", True),
        ("::1", 80, "::1", True),
        ("::1", 80, "[::1]:80", True),
        ("fd00::5", 80, "fd00::/8", True),
        ("::1", 80, "[::2]", False),
        ("api.telnyx.com", 443, "telnyx.com", True),
        ("api.telnyx.com", 443, ".telnyx.com", True),
        ("api.telnyx.com", 443, "x.example, API.Telnyx.com", True),
        ("api.telnyx.com", 443, "api.telnyx.com:443", True),
        ("api.telnyx.com", 443, "api.telnyx.com:8443", False),
        ("api.telnyx.com", 443, "*", True),
        ("api.telnyx.com", 443, "a.example,*", True),
        ("api.telnyx.com", 443, "telnyx.example", False),
        ("api.telnyx.com", 443, "10.0.0.0/8", False),
        ("api.telnyx.com", 443, "", False),
        ("api.telnyx.com", 443, " , ", False),
    ],
)
def test_what_no_proxy_excludes(monkeypatch, host, port, no_proxy, expected):
    """Networks, addresses, brackets, ports and ends of names."""
    monkeypatch.setenv("NO_PROXY", no_proxy)

    assert is_excluded(host, port) is expected


HOSTS = st.sampled_from(
    ["api.telnyx.com", "telnyx.com", "10.0.0.7", "192.168.1.20", "127.0.0.1", "localhost"]
)
ENTRIES = st.sampled_from(
    "telnyx.com .telnyx.com api.telnyx.com api.telnyx.com:443 api.telnyx.com:80 com "
    "10.0.0.0/8 10.0.0.7 192.168.1.0/24 10.0.0.7/33 localhost localhost:443 127.0.0.1 * x".split()
)


@pytest.mark.skipif(requests is None, reason="needs requests: pip install twilio")
@given(HOSTS, st.lists(ENTRIES, max_size=3))
def test_what_requests_excludes_is_excluded(host, entries):
    """Each host that Twilio's client reached without a proxy is reached without one."""
    text = ", ".join(entries)
    os.environ["no_proxy"] = text
    try:
        theirs = requests.utils.should_bypass_proxies(f"https://{host}:443/v2", None)
        ours = is_excluded(host, 443)
    finally:
        del os.environ["no_proxy"]

    assert ours or not theirs


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "url",
    ["socks://127.0.0.1:7891", "socks4://u:secret@h:1", "http://", "http://h:x", "http://h:99999"],
)
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch, name, url):
    """The first fax call names the variable. It shows no password, and sends nothing."""
    monkeypatch.setenv(name, url)
    telnyx = TelnyxSettings(api_key="KEY1", connection_id="1")
    with pytest.raises(TwilioException, match=name) as caught:
        send(Client("AC1", "token", telnyx=telnyx))

    assert not isinstance(caught.value, TwilioRestException)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (" http://127.0.0.1:3128 ", "http://127.0.0.1:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("HTTPS://u:p@proxy.example", "HTTPS://u:p@proxy.example"),
    ],
)
def test_a_proxy_may_be_written_in_several_ways(monkeypatch, url, expected):
    """Spaces around it and a missing scheme do no harm."""
    monkeypatch.setenv("HTTPS_PROXY", url)
    proxy = proxy_from_environment("https://api.telnyx.com")

    assert (proxy.url, proxy.where) == (expected, "HTTPS_PROXY")
    assert "p@" not in repr(proxy)


def test_a_socks_proxy_needs_a_package(monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(TwilioException, match=r"ALL_PROXY.*httpx\[socks\]"):
        checked_proxy("socks5h://127.0.0.1:1080", "ALL_PROXY")


def serve_socks(listener, seen):
    """Accept one SOCKS5 connection without a login, and connect it to where it asks."""
    with listener.accept()[0] as client:
        client.recv(64)
        client.sendall(b"\x05\x00")
        asked = client.recv(512)
        seen.append(asked)
        port = int.from_bytes(asked[-2:], "big")
        with socket.create_connection(("127.0.0.1", port)) as server:
            client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            server.sendall(client.recv(65536))
            client.sendall(server.recv(65536))


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_carries_the_traffic(telnyx, scheme):
    """Both spellings let the proxy look up the host."""
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_socks, args=(listener, seen))
        thread.start()
        proxy = "{}://127.0.0.1:{}".format(scheme, listener.getsockname()[1])
        client = make_client(telnyx, TwilioHttpClient(proxy=proxy))
        assert client.fax.faxes.list() == []
        _connections.close_idle()
        thread.join(5)

    assert len(seen) == 1


def test_a_proxy_argument_is_a_url_or_a_mapping():
    """A mapping has schemes or hosts for keys, as the proxies of a requests session."""
    proxies = {"https://api.telnyx.com": "http://a:1", "https": "http://b:1", "all": "http://c:1"}

    def url(proxy, origin):
        setting = proxy_from_argument(proxy, origin)
        return setting and setting.url

    assert url(proxies, "https://api.telnyx.com") == "http://a:1"
    assert url(proxies, "https://other.example") == "http://b:1"
    assert url(proxies, "http://other.example") == "http://c:1"
    assert url({"http": "http://d:1"}, "https://api.telnyx.com") is None
    assert url("e:1", "https://api.telnyx.com") == "http://e:1"
    for wrong in (5, "ftp://h", {"https": "socks://h"}):
        with pytest.raises(TwilioException, match="proxy"):
            TwilioHttpClient(proxy=wrong)


def test_a_proxy_that_refuses_is_named(monkeypatch, telnyx):
    """The error of a call that went through a proxy names the host and the variable."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:%d" % free.getsockname()[1])
    with pytest.raises(TwilioException) as caught:
        make_client(telnyx).fax.faxes.list()

    text = str(caught.value)
    assert "TELNYX_BASE_URL is " + telnyx.origin.partition("://")[2] in text
    assert "the proxy of HTTP_PROXY" in text
    assert "secret" not in text
