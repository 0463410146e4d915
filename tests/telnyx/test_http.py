"""Telnyx traffic over the caller's HTTP client, and what its failures tell."""

import asyncio
import http.client
import json
import socket
import ssl
import threading
import urllib.error
import urllib.request

import httpx
import pytest

from tests.fakes.telnyx import OK, FakeTelnyx, Post
from tests.helpers import FAST, make_client, send
from twilio_fax_compat._telnyx.failures import failure_of
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http import HttpClient, _connections
from twilio_fax_compat.http.http_client import TwilioHttpClient
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.testing import TelnyxEmulator, faults

try:
    import requests
    from twilio.http.http_client import TwilioHttpClient as TheirHttpClient
except ImportError:
    requests = None

needs_twilio = pytest.mark.skipif(requests is None, reason="needs twilio: pip install twilio")


class Urllib(HttpClient):
    """A Twilio-style HTTP client as a program may have written one."""

    def __init__(self):
        self.calls = []

    def request(self, method, url, params=None, data=None, headers=None, **options):
        self.calls.append((method, url, headers, options))
        body = data.encode() if data is not None else None
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=options["timeout"]) as answer:
                return Response(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, error.read().decode(), dict(error.headers))


class Bare:
    """The least that a Twilio-style client's response may be."""

    def __init__(self, status_code, content):
        self.status_code = status_code
        self.content = content


def test_a_twilio_style_client_carries_telnyx_traffic(telnyx):
    """Users set proxies, timeouts and retries there, so it is used for every request."""
    http_client = Urllib()
    client = make_client(telnyx, http_client)
    fax = send(client)
    fax.fetch()
    fax.delete()
    with pytest.raises(TwilioRestException) as caught:
        fax.fetch()

    assert caught.value.code == 20404
    assert [(method, options["auth"]) for method, _, _, options in http_client.calls] == [
        ("POST", None),
        ("GET", None),
        ("DELETE", None),
        ("GET", None),
    ]
    assert http_client.calls[0][2]["Authorization"] == "Bearer " + telnyx.api_key
    # The time of a call is shorter than the timeout of the settings, which is 60 seconds.
    assert {round(options["timeout"]) for _, _, _, options in http_client.calls[1:]} == {25}


def test_a_client_with_a_timeout_of_its_own_keeps_it():
    """The settings' timeout is not forced on a client that has one."""
    seen = []

    class Client:
        timeout = 7

        def request(self, _method, _url, **options):
            seen.append(options["timeout"])
            return Bare(200, '{"data": [], "meta": {}}')

    telnyx = TelnyxEmulator()
    make_client(telnyx, Client()).fax.faxes.list()

    assert seen == [None]


@pytest.mark.parametrize("content", ['{"data": {"id": "%s"}}', b'{"data": {"id": "%s"}}'])
def test_a_response_may_be_bare(content):
    """A status and a body, as text or bytes, is all that is needed of a response."""
    uuid = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"
    body = content.replace(b"%s", uuid.encode()) if isinstance(content, bytes) else content % uuid

    class Client:
        def request(self, *_args, **_options):
            return Bare(202, body)

    assert send(make_client(TelnyxEmulator(), Client())).sid == "FX" + uuid.replace("-", "")


def test_an_httpx_client_is_used_as_it_is(telnyx):
    """Its transport, headers and hooks apply, and it is neither followed up nor closed."""
    seen = []
    hooks = {"request": [seen.append]}
    with httpx.Client(headers={"X-Team": "fax"}, event_hooks=hooks, auth=("a", "b")) as http_client:
        fax = send(make_client(telnyx, http_client))
        assert not http_client.is_closed

    assert seen[0].headers["X-Team"] == "fax"
    assert telnyx.faxes[0]["id"].replace("-", "") == fax.sid[2:]


def test_a_replaced_request_method_is_asked(telnyx, monkeypatch):
    """A suite that patches ``client.http_client.request`` sees the traffic."""
    client = make_client(telnyx)
    send(client)
    monkeypatch.setattr(client.http_client, "request", lambda *_args, **_options: Bare(500, ""))
    with pytest.raises(TwilioException):
        client.fax.faxes.list()
    monkeypatch.undo()
    assert len(client.fax.faxes.list()) == 1
    other = make_client(telnyx)
    monkeypatch.setattr(TwilioHttpClient, "request", lambda *_args, **_options: Bare(403, "{}"))
    with pytest.raises(TwilioException):
        other.fax.faxes.list()


@needs_twilio
@pytest.mark.parametrize("how", faults.LOSSES)
def test_twilios_own_http_client_never_sends_twice(telnyx, how):
    """An answer lost over requests is looked for like any other."""
    timeout = {"timeout": 0.3} if how == "timeout" else {}
    client = make_client(telnyx, TheirHttpClient(**timeout), retry=FAST)
    telnyx.inject(faults.answer_lost(how=how), method="POST")
    fax = send(client)

    assert [fax.sid[2:]] == [resource["id"].replace("-", "") for resource in telnyx.faxes]


@needs_twilio
def test_twilios_own_http_client_tells_a_refused_connection():
    """A request that never left over requests is tried again, and sent nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        telnyx = TelnyxEmulator(port=free.getsockname()[1])
    client = make_client(telnyx, TheirHttpClient(), retry=FAST)
    with pytest.raises(TwilioRestException) as caught:
        send(client)

    assert caught.value.details["sent"] is False


class Custom(OSError):
    pass


def chained(error, cause=None, context=None, reason=None):
    error.__cause__, error.__context__ = cause, context
    if reason is not None:
        error.reason = reason
    return error


class NewConnectionError(Exception):
    pass


class ReadTimeoutError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "sent", "timed_out"),
    [
        (httpx.ConnectError("no"), False, False),
        (httpx.ConnectTimeout("no"), False, True),
        (httpx.PoolTimeout("no"), False, True),
        (httpx.UnsupportedProtocol("no"), False, False),
        (httpx.ProxyError("no"), False, False),
        (httpx.ReadTimeout("no"), True, True),
        (httpx.WriteTimeout("no"), True, True),
        (httpx.ReadError("no"), True, False),
        (httpx.WriteError("no"), True, False),
        (httpx.RemoteProtocolError("no"), True, False),
        (httpx.DecodingError("no"), True, False),
        (ConnectionRefusedError(111, "no"), False, False),
        (socket.gaierror("no"), False, False),
        (urllib.error.URLError(ConnectionRefusedError()), False, False),
        (urllib.error.URLError(socket.timeout("no")), True, True),
        (ConnectionResetError(104, "no"), True, False),
        (BrokenPipeError(), True, False),
        (OSError(9, "Bad file descriptor"), True, False),
        (ssl.SSLError("no"), True, False),
        (http.client.RemoteDisconnected("no"), True, False),
        (http.client.IncompleteRead(b""), True, False),
        (Custom("no"), True, False),
        (chained(Custom("no"), reason=NewConnectionError()), False, False),
        (chained(Custom("no"), cause=NewConnectionError()), False, False),
        (chained(Custom(NewConnectionError())), False, False),
        (chained(Custom("no"), cause=NewConnectionError(), context=ReadTimeoutError()), True, True),
        (chained(httpx.ConnectError("no"), context=httpx.ReadTimeout("earlier")), True, True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_failure_tells(error, sent, timed_out):
    """Only what certainly happened before sending counts as unsent, whatever came with it."""
    failure = failure_of(error)

    assert (sent, timed_out) == (failure.sent, failure.timed_out)


def test_a_cause_that_tells_too_much_is_not_chained():
    """Requests puts URLs with numbers into its errors: those are not in our tracebacks."""
    telling = Custom("GET https://api.telnyx.com/v2/faxes?to=%2B15005550009 failed")

    assert failure_of(telling).cause is None
    assert "5550009" not in failure_of(telling).summary
    assert failure_of(Custom("Connection refused")).cause is not None


def test_an_error_of_any_class_may_come_after_the_request():
    """A client of one's own may raise anything, so the fax is looked for and the error is chained."""

    class Client:
        def request(self, *_args, **_options):
            raise KeyError("a bug")

    with pytest.raises(TwilioRestException, match=r"may have been sent .KeyError") as caught:
        send(make_client(TelnyxEmulator(), Client(), retry=FAST))
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_stop_signal_comes_through():
    """It is the program's, and not an answer of Telnyx."""

    class Client:
        def request(self, *_args, **_options):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(make_client(TelnyxEmulator(), Client()))


def test_proxies_of_the_environment(monkeypatch):
    """The environment's proxy is looked up once for an origin, its exceptions heeded."""
    monkeypatch.setattr(_connections, "_proxies", {})
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "internal.example")

    assert _connections.proxy_for("https://api.telnyx.com").url == "http://proxy.example:3128"
    assert _connections.proxy_for("https://internal.example") is None
    assert _connections.proxy_for("http://127.0.0.1:1") is None
    monkeypatch.delenv("https_proxy")
    assert _connections.proxy_for("https://api.telnyx.com").url == "http://proxy.example:3128"


def test_a_proxy_carries_the_traffic(telnyx):
    """A request through a proxy asks it for the whole URL."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def serve():
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(65536).split(b"\r\n")[0])
                body = b'{"data": [], "meta": {}}'
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                )

        thread = threading.Thread(target=serve)
        thread.start()
        address = "http://127.0.0.1:{}".format(proxy.getsockname()[1])
        client = make_client(telnyx, TwilioHttpClient(proxy=address))
        assert client.fax.faxes.list() == []
        thread.join()

    assert asked[0].startswith(b"GET http://127.0.0.1:")


def test_our_http_client_can_be_used_by_hand(telnyx):
    """``client.http_client.request`` makes plain requests with forms, text and basic auth."""
    http_client = TwilioHttpClient(timeout=5)
    headers = {"Authorization": "Bearer " + telnyx.api_key, "Content-Type": "application/json"}
    body = json.dumps({"to": "+1"})
    answer = http_client.request("POST", telnyx.base_url + "/faxes", data=body, headers=headers)
    assert (answer.status_code, answer.ok) == (422, False)
    http_client.request(
        "POST",
        telnyx.base_url + "/faxes",
        params={"a": "b", "c": None},
        data={"to": "+1"},
        auth=("u", "p"),
    )
    exchange = telnyx.journal[1]
    assert exchange.headers["authorization"] == "Basic dTpw"
    assert (list(exchange.query), exchange.body) == ([("a", "b")], b"to=%2B1")
    with pytest.raises(TwilioException, match="allow_redirects"):
        http_client.request("GET", telnyx.base_url, allow_redirects=True)
    with pytest.raises(ValueError, match="-1"):
        http_client.request("GET", telnyx.base_url, timeout=-1)
    with pytest.raises(TwilioException, match="proxy"):
        TwilioHttpClient(proxy=5)


class Waiting:
    """An asynchronous HTTP client, as Twilio's AsyncTwilioHttpClient is."""

    async def request(self, *_args, **_options):
        raise AssertionError("nobody waits for it")


class Hidden:
    """A client whose method only turns out to be asynchronous when it is called."""

    def request(self, *_args, **_options):
        return Waiting().request()


@pytest.mark.parametrize("make", [Waiting, Hidden, httpx.AsyncClient])
def test_an_asynchronous_client_is_refused(telnyx, make):
    """A call that does not wait for its client says so, and sends nothing."""
    with pytest.raises(TwilioException, match="asynchronous") as caught:
        send(make_client(telnyx, make()))

    assert not isinstance(caught.value, TwilioRestException)
    assert telnyx.journal == []


class Task:
    """A request that another thread or an event loop makes."""

    def __init__(self):
        self.is_cancelled = False

    def cancel(self):
        self.is_cancelled = True


class AwaitableTask(Task):
    def __await__(self):
        raise AssertionError("nobody waits for it")


@pytest.mark.parametrize("make", [Task, AwaitableTask])
def test_a_task_is_cancelled_and_may_have_been_sent(telnyx, make):
    """It may run as soon as it exists, so nobody can say that nothing was sent."""
    tasks = []

    class Tasks:
        def request(self, *_args, **_options):
            tasks.append(make())
            return tasks[-1]

    with pytest.raises(TwilioRestException, match="asynchronous") as caught:
        send(make_client(telnyx, Tasks(), retry=FAST))

    assert caught.value.details["may_have_been_sent"] is True
    assert "Nothing was sent" not in str(caught.value)
    assert all(task.is_cancelled for task in tasks)


def test_a_task_of_an_event_loop_does_not_run(telnyx):
    """A cancelled task never begins, so its request does not go out after the error."""
    requests_made = []

    class Loop:
        def request(self, *_args, **_options):
            async def work():
                requests_made.append(1)

            return asyncio.ensure_future(work())

    async def program():
        with pytest.raises(TwilioRestException):
            send(make_client(telnyx, Loop(), retry=FAST))
        await asyncio.sleep(0)

    asyncio.run(program())
    assert requests_made == []


def test_a_look_up_that_cannot_be_made_does_not_forget_a_lost_send():
    """The next equal create finds the fax of the first."""

    class Half(Urllib):
        answers_lists = False

        def request(self, method, url, **options):
            if method == "GET" and not self.answers_lists:
                return Waiting().request()
            return super().request(method, url, **options)

    http_client, plans = Half(), [Post(answer="drop")]
    with FakeTelnyx(choose=lambda _body: plans.pop() if plans else OK) as telnyx:
        client = make_client(telnyx, http_client, retry=FAST)
        with pytest.raises(TwilioException, match="This request was not made"):
            send(client)
        http_client.answers_lists = True
        fax = send(client)

    assert [fax.sid[2:]] == [resource["id"].replace("-", "") for resource in telnyx.all_faxes()]
    assert len(telnyx.posts) == 1


@pytest.mark.parametrize("http_client", ["https://proxy", object(), {"request": 1}])
def test_an_http_client_has_a_request_method(telnyx, http_client):
    """Anything else is named at the first fax call."""
    with pytest.raises(TwilioException, match="http_client"):
        send(make_client(telnyx, http_client))


@needs_twilio
@pytest.mark.parametrize("kind", ["session", "no session", "session auth", "httpx", "subclass"])
def test_the_key_stays_whatever_a_client_has(telnyx, tmp_path, monkeypatch, kind):
    """A netrc file and the credentials of a session or an httpx client do not replace the key."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    class Own(TheirHttpClient):
        pass

    http_client = {
        "session": requests.Session,
        "no session": lambda: TheirHttpClient(pool_connections=False),
        "session auth": TheirHttpClient,
        "httpx": lambda: httpx.Client(auth=("user", "secret")),
        "subclass": Own,
    }[kind]()
    if kind == "session auth":
        http_client.session.auth = ("user", "secret")
    send(make_client(telnyx, http_client))
    closing = getattr(http_client, "session", None) or http_client
    getattr(closing, "close", lambda: None)()

    assert telnyx.journal[0].headers["authorization"] == "Bearer " + telnyx.api_key


def serve_once(status, content_type, body):
    """Return the URL of a server that answers each request so."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            listener.settimeout(5)
            with listener.accept()[0] as connection:
                connection.recv(65536)
                head = "HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n"
                connection.sendall(head.format(status, content_type, len(body)).encode() + body)

    threading.Thread(target=serve, daemon=True).start()
    return "http://127.0.0.1:{}/v2".format(listener.getsockname()[1])


@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_a_page_of_a_firewall_says_what_to_check(telnyx, status):
    """A response that is not JSON is not Telnyx's: the error names the settings of the way there."""
    page = b"<html>Blocked: +15005550009</html>"
    base_url = serve_once(status, "text/html; charset=utf-8", page)
    with pytest.raises(TwilioException) as caught:
        make_client(telnyx, base_url=base_url).fax.faxes.list()

    text = str(caught.value)
    assert "text/html" in text
    assert "TELNYX_BASE_URL" in text
    assert "HTTPS_PROXY" in text
    assert "5550009" not in text


def test_a_wrong_path_says_what_to_check(telnyx):
    """The list of faxes is always there, so a 404 for it means a wrong base URL."""
    base_url = telnyx.base_url.replace("/v2", "/v3")
    with pytest.raises(TwilioException, match="TELNYX_BASE_URL"):
        make_client(telnyx, base_url=base_url).fax.faxes.list()
    with pytest.raises(TwilioRestException, match="TELNYX_BASE_URL"):
        send(make_client(telnyx, base_url=base_url))


@pytest.mark.parametrize("own", [None, httpx.Client])
def test_a_refused_connection_names_the_host(own):
    """The error of a call that reached nobody says which host, and which setting names it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        telnyx = TelnyxEmulator(port=free.getsockname()[1])
    http_client = own and own()
    with pytest.raises(TwilioException) as caught:
        make_client(telnyx, http_client, retry=FAST).fax.faxes.list()
    if own:
        http_client.close()

    text = str(caught.value)
    assert f"TELNYX_BASE_URL is {telnyx.origin.partition('://')[2]}" in text
    assert "Connection refused" in text
