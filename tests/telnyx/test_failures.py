"""What cannot have left this machine is never an error that says it may have been sent."""

import socket
import threading
import traceback
from contextlib import contextmanager

import httpx
import pytest

from tests.fakes.telnyx import OK, FakeTelnyx, Post
from tests.helpers import FAST, make_client, send
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat._telnyx.failures import failure_of, outcome_of
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.rest import Client

try:
    import requests
    from twilio.http.http_client import TwilioHttpClient
except ImportError:
    requests = None

needs_twilio = pytest.mark.skipif(requests is None, reason="needs twilio: pip install twilio")
CLIENTS = ["own", "httpx", pytest.param("requests", marks=needs_twilio)]


@contextmanager
def listening(answer):
    """Answer each connection with *answer*, a function of the socket; yield the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()


def no_tls(connection):
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def http_client_of(kind, proxy=None):
    if kind == "own":
        return None
    if kind == "httpx":
        return httpx.Client(proxy=proxy, trust_env=False)
    client = TwilioHttpClient()
    client.session.proxies = {"https": proxy} if proxy else {}
    client.session.trust_env = False
    return client


def refused(kind, port, proxy=None, environ=None):
    """Return the error of a send to an https server at *port*."""
    telnyx = TelnyxSettings(
        api_key="KEY0123456789",
        connection_id="1",
        base_url=f"https://127.0.0.1:{port}/v2",
        retry=FAST,
    )
    client = Client("AC1", "token", telnyx=telnyx, http_client=http_client_of(kind, proxy))
    with pytest.raises(TwilioRestException, match="could not be reached") as caught:
        send(client)
    return caught.value


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_handshake_that_fails(kind):
    with listening(no_tls) as port:
        error = refused(kind, port)

    assert error.details["sent"] is False
    assert "may_have_been_sent" not in error.details


@pytest.mark.parametrize("kind", CLIENTS[1:])
@pytest.mark.parametrize("answer", [lambda _connection: None, no_tls])
def test_a_proxy_that_drops_connect(kind, answer):
    """It got the host and the port, and nothing of the fax."""
    with listening(answer) as port:
        error = refused(kind, 9, f"http://127.0.0.1:{port}")

    assert error.details["sent"] is False


@needs_twilio
def test_a_missing_ca_file():
    client = http_client_of("requests")
    client.session.verify = "/no/such/bundle.pem"
    telnyx = TelnyxSettings(
        api_key="KEY0123456789", connection_id="1", base_url="https://127.0.0.1:9/v2", retry=FAST
    )
    with pytest.raises(TwilioException) as caught:
        send(Client("AC1", "token", telnyx=telnyx, http_client=client))
    assert caught.value.details["sent"] is False


def raised(error, cause=None):
    try:
        raise error from cause  # noqa: TRY301 - so that it has a traceback
    except BaseException as caught:
        return caught


class Custom(Exception):
    pass


@pytest.mark.parametrize(
    "error",
    [
        Custom("broken"),
        OSError("broken"),
        ValueError("broken"),
        raised(Custom("wrapped"), ConnectionResetError()),
        raised(httpx.ReadError("x"), raised(ConnectionRefusedError())),
    ],
)
def test_an_error_of_any_class_may_have_left(error):
    assert failure_of(error).sent is True


def test_a_retry_after_a_lost_answer_may_have_left():
    """A client that tries again itself chains the error of its first try."""
    first = raised(ConnectionResetError())
    try:
        try:
            raise first
        except OSError:
            socket.create_connection(("127.0.0.1", 9), 1)
    except OSError as error:
        assert failure_of(error).sent is True


def test_a_refused_connection_of_any_client():
    try:
        socket.create_connection(("127.0.0.1", 9), 1)
    except OSError as error:
        assert failure_of(raised(Custom("x"), error)).sent is False


def test_an_error_with_a_response():
    response = httpx.Response(422, json={"errors": []}, request=httpx.Request("POST", "http://a/"))
    error = httpx.HTTPStatusError("x", request=response.request, response=response)
    outcome = outcome_of(raised(Custom("wrapped"), error))

    assert (outcome.status, outcome.json()) == (422, {"errors": []})


def of_another_api(status):
    request = httpx.Request("GET", "http://crm.example/customers/1")
    response = httpx.Response(status, request=request)
    return httpx.HTTPStatusError("x", request=request, response=response)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(
    "make",
    [
        lambda: of_another_api(404),
        lambda: of_another_api(429),
        lambda: ConnectionRefusedError("the CRM is down"),
        lambda: httpx.ConnectError("the CRM is down"),
    ],
)
def test_an_error_that_the_program_is_handling_is_not_about_the_fax(kind, make):
    """Python puts it into the context of each exception that is raised in the except block."""
    plans = [Post(answer="drop")]
    http_client = http_client_of(kind)
    with FakeTelnyx(choose=lambda _body: plans.pop() if plans else OK) as telnyx:
        try:
            raise make()  # noqa: TRY301 - the program's own
        except Exception:
            fax = send(make_client(telnyx, http_client, retry=FAST))
    closing = getattr(http_client, "session", http_client)
    getattr(closing, "close", lambda: None)()

    assert [fax.sid[2:]] == [resource["id"].replace("-", "") for resource in telnyx.all_faxes()]
    assert len(telnyx.posts) == 1


def test_an_error_may_be_the_one_that_the_program_is_handling():
    """A client that raises it again says nothing about its own request."""
    error = raised(httpx.ConnectError("x"))
    assert failure_of(error, error).sent is True


@pytest.mark.parametrize("link", ["cause", "context", "notes"])
def test_the_chained_error_shows_neither_key_nor_number(link):
    """A client's exception is printed with its causes, contexts and notes."""

    class Wordy:
        def request(self, method, url, **options):
            text = "{} {} {}".format(method, options["data"], options["headers"])
            error = Custom("boom")
            value = [text] if link == "notes" else raised(RuntimeError(text))
            setattr(error, f"__{link}__", value)
            raise error

    with FakeTelnyx() as telnyx, pytest.raises(TwilioRestException) as caught:
        send(make_client(telnyx, Wordy(), retry=FAST))

    assert caught.value.__cause__ is None
    lines = traceback.format_exception(type(caught.value), caught.value, None)
    assert not any("5550009" in line or "KEY0123456789" in line for line in lines)


def test_a_key_of_any_form_is_not_chained():
    error = Custom("Authorization: opaque-key")
    assert failure_of(error, key="opaque-key").cause is None
    assert failure_of(error, key="another").cause is error
