"""An HTTP client that also talks to others: their failures say nothing about the fax."""

import socket
import urllib.request

import httpx
import pytest

from tests.fakes.telnyx import FakeTelnyx
from tests.helpers import FAST, make_client, send
from twilio_fax_compat._telnyx.own_request import OwnRequest
from twilio_fax_compat.base.exceptions import TwilioRestException

try:
    import requests
    from twilio.http.http_client import TwilioHttpClient
except ImportError:
    requests = TwilioHttpClient = None

needs_twilio = pytest.mark.skipif(requests is None, reason="needs twilio: pip install twilio")


@pytest.fixture
def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Dead:
    """A Telnyx that nobody can connect to."""

    def __init__(self, port):
        self.environ = {
            "TELNYX_API_KEY": "KEY0123456789",
            "TELNYX_CONNECTION_ID": "1",
            "TELNYX_BASE_URL": f"http://127.0.0.1:{port}/v2",
        }


class Urllib:
    timeout = None

    def request(self, method, url, data=None, headers=None, **_options):
        body = data.encode() if data is not None else None
        return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method))


def raw(port):
    return socket.create_connection(("127.0.0.1", port), 1)


def refused_by_httpx(port):
    httpx.post(f"http://127.0.0.1:{port}/v2/faxes", trust_env=False)


def refused_by_requests(port):
    requests.post(f"http://127.0.0.1:{port}/metrics", timeout=1)


def missing(port):
    with FakeTelnyx() as other:
        httpx.get(other.base_url + "/nothing", trust_env=False).raise_for_status()


def missing_by_requests(port):
    with FakeTelnyx() as other:
        requests.get(other.base_url + "/nothing", timeout=1).raise_for_status()


def with_httpx_hook(other, port):
    return httpx.Client(trust_env=False, event_hooks={"response": [lambda _response: other(port)]})


def with_requests_hook(other, port):
    def hook(response, **_options):
        response.close()  # requests does not give the connection back if a hook raises
        other(port)

    client = TwilioHttpClient()
    client.session.hooks["response"].append(hook)
    return client


def with_subclass(other, port):
    class Metrics(TwilioHttpClient):
        def request(self, *arguments, **options):
            response = super().request(*arguments, **options)
            if arguments[0] == "POST":
                other(port)
            return response

    return Metrics()


def close(http_client):
    closing = getattr(http_client, "session", http_client)
    getattr(closing, "close", lambda: None)()


OTHERS = [
    raw,
    refused_by_httpx,
    missing,
    pytest.param(refused_by_requests, marks=needs_twilio),
    pytest.param(missing_by_requests, marks=needs_twilio),
]
WRAPPERS = [
    with_httpx_hook,
    pytest.param(with_requests_hook, marks=needs_twilio),
    pytest.param(with_subclass, marks=needs_twilio),
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("wrap", WRAPPERS)
def test_a_request_of_a_hook_that_fails(free_port, wrap, other):
    """The fax has arrived, so it is not sent again, and it is not refused."""
    http_client = wrap(other, free_port)
    with FakeTelnyx() as telnyx:
        try:
            fax = send(make_client(telnyx, http_client, retry=FAST))
        except TwilioRestException as error:
            # A hook that fails for the look-up too.
            assert error.details["may_have_been_sent"] is True
            fax = None
        faxes = telnyx.all_faxes()
    close(http_client)

    assert len(telnyx.posts) == len(faxes) == 1
    assert fax is None or fax.sid[2:] == faxes[0]["id"].replace("-", "")


@pytest.mark.parametrize(
    "make",
    [
        lambda: httpx.Client(trust_env=False),
        Urllib,
        pytest.param(TwilioHttpClient, marks=needs_twilio),
    ],
    ids=["httpx", "urllib", "twilio"],
)
def test_a_connection_that_telnyx_refuses(free_port, make):
    """Each client's exception names our URL, so the fax was certainly not sent."""
    http_client = make()
    with pytest.raises(TwilioRestException) as caught:
        send(make_client(Dead(free_port), http_client, retry=FAST))
    close(http_client)

    assert caught.value.details["sent"] is False


@needs_twilio
def test_a_client_that_sends_again_after_a_failure_of_its_own(free_port):
    """The second refused connection hides that the first request has arrived."""

    class Again(TwilioHttpClient):
        posts = 0

        def request(self, method, url, **options):
            if method != "POST":
                return super().request(method, url, **options)
            Again.posts += 1
            try:
                super().request(method, url, **options)
                return raw(free_port)
            except OSError:
                dead = url.replace(url.split("/")[2], f"127.0.0.1:{free_port}")
                return super().request(method, dead, **options)

    http_client = Again()
    with FakeTelnyx() as telnyx:
        send(make_client(telnyx, http_client, retry=FAST))
    close(http_client)

    assert (Again.posts, len(telnyx.posts)) == (1, 1)


def test_a_tunnel_is_not_the_request():
    own_request = OwnRequest("POST", "http://telnyx.example/v2/faxes")
    started = "http11.send_request_headers.started"
    own_request.trace(started, {"request": httpx.Request("GET", "http://a/")})
    assert own_request.has_left is True

    class Connect:
        method = b"CONNECT"

    own_request = OwnRequest("POST", "http://telnyx.example/v2/faxes")
    own_request.trace("connection.connect_tcp.started", {})
    own_request.trace(started, {"request": Connect()})
    assert own_request.has_left is False


def test_a_request_that_began_is_sent_whatever_the_error_says():
    url = "http://telnyx.example/v2/faxes"
    error = httpx.ConnectError("x", request=httpx.Request("POST", url))
    own_request = OwnRequest("POST", url)
    assert own_request.is_unsent_by([(error, True)]) is True
    own_request.has_left = True
    assert own_request.is_unsent_by([(error, True)]) is False
