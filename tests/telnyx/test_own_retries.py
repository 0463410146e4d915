"""An HTTP client that repeats a POST by itself would send a fax twice."""

import socket
import threading

import pytest

from tests.fakes.telnyx import FakeTelnyx, Post
from tests.helpers import FAST, make_client, send
from twilio_fax_compat._telnyx.own_retries import check_retries
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException

requests = pytest.importorskip("requests")
TheirHttpClient = pytest.importorskip("twilio.http.http_client").TwilioHttpClient
Retry = pytest.importorskip("urllib3.util.retry").Retry


def session_with(retry):
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
    return session


REPEATS = [
    Retry(total=2, allowed_methods=None, status_forcelist=[503]),
    Retry(total=2, allowed_methods=None),
    Retry(total=None, read=1, allowed_methods=["GET", "POST"]),
    Retry(total=2, read=0, allowed_methods={"POST"}, status_forcelist=[500]),
    # It obeys a Retry-After of a 503.
    Retry(total=2, read=False, allowed_methods=None),
]
HARMLESS = [
    0,
    3,
    Retry(total=3, status_forcelist=[503]),
    Retry(total=0, allowed_methods=None, status_forcelist=[503]),
    Retry(total=3, read=0, status=0, allowed_methods=None, status_forcelist=[503]),
    Retry(
        total=3,
        read=0,
        allowed_methods=None,
        status_forcelist=[429],
        respect_retry_after_header=False,
    ),
]


@pytest.mark.parametrize("retry", REPEATS)
def test_a_session_that_repeats_post_is_refused(retry):
    session, client = session_with(retry), TheirHttpClient()
    client.session.close()
    client.session = session
    with FakeTelnyx(choose=lambda _body: Post(answer=503)) as telnyx:
        for http_client in (session, client):
            with pytest.raises(TwilioException, match="allowed_methods") as caught:
                send(make_client(telnyx, http_client, retry=FAST))
            assert not isinstance(caught.value, TwilioRestException)
        assert make_client(telnyx, client).fax.faxes.list() == []
    session.close()

    assert telnyx.posts == []


@pytest.mark.parametrize("retry", HARMLESS)
def test_other_retries_are_accepted(retry):
    with session_with(retry) as session, FakeTelnyx() as telnyx:
        send(make_client(telnyx, session, retry=FAST))
        assert len(telnyx.posts) == 1


def test_only_the_adapter_of_the_url_counts():
    with session_with(REPEATS[0]) as session:
        check_retries(session, "https://api.telnyx.com/v2/faxes")
        with pytest.raises(TwilioException):
            check_retries(session, "http://127.0.0.1/v2/faxes")


def test_a_hidden_retry_that_is_refused_may_have_been_sent():
    """The first try got a 503 after the fax was accepted. The second found nobody."""
    server = socket.create_server(("127.0.0.1", 0))
    posts = []

    def serve():
        connection, _ = server.accept()
        server.close()
        with connection:
            posts.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 503 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()

    class Hidden:
        timeout = None
        inner = session_with(Retry(total=1, allowed_methods=None, status_forcelist=[503]))

        def request(self, *arguments, **options):
            return self.inner.request(*arguments, **{**options, "auth": None})

    class Server:
        environ = {
            "TELNYX_API_KEY": "KEY0123456789",
            "TELNYX_CONNECTION_ID": "1",
            "TELNYX_BASE_URL": "http://127.0.0.1:{}/v2".format(server.getsockname()[1]),
        }

    with pytest.raises(TwilioRestException) as caught:
        send(make_client(Server(), Hidden(), retry=FAST))
    thread.join()
    Hidden.inner.close()

    assert len(posts) == 1
    assert caught.value.details["may_have_been_sent"] is True
