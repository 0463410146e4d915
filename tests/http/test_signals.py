"""A job runner's time limit is an exception that a signal handler raises."""

import signal
from functools import partial

import httpx
import pytest

from tests.fakes.telnyx import OK, FakeTelnyx, Post
from tests.helpers import FAST, make_client, send
from twilio_fax_compat.http._signals import is_of_signal_handler

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs signals of POSIX")


class TimeLimit(Exception):
    pass


def on_alarm(_number, _frame):
    raise TimeLimit


class Runner:
    def on_alarm(self, number, frame):
        on_alarm(number, frame)

    def __call__(self, number, frame):
        on_alarm(number, frame)


HANDLERS = [on_alarm, Runner().on_alarm, Runner(), partial(on_alarm)]


@pytest.fixture
def alarm():
    """Return a function that installs a handler and sets the alarm."""
    before = signal.getsignal(signal.SIGALRM)

    def install(handler, seconds):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield install
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def requests_client():
    return pytest.importorskip("twilio.http.http_client").TwilioHttpClient()


@pytest.mark.parametrize("handler", HANDLERS, ids=["function", "method", "object", "partial"])
@pytest.mark.parametrize("make", [lambda: None, httpx.Client, requests_client])
def test_a_time_limit_in_a_send_reaches_the_program(alarm, make, handler):
    """The fax that was on its way is found by the next equal create."""
    plans, http_client = [Post(answer="hang")], make()
    with FakeTelnyx(choose=lambda _body: plans.pop() if plans else OK, hang=0.6) as telnyx:
        client = make_client(telnyx, http_client, retry=FAST)
        alarm(handler, 0.25)
        with pytest.raises(TimeLimit):
            send(client)
        fax = send(client)
    closing = getattr(http_client, "session", http_client)
    getattr(closing, "close", lambda: None)()

    assert [fax.sid[2:]] == [resource["id"].replace("-", "") for resource in telnyx.all_faxes()]
    assert len(telnyx.posts) == 1


@pytest.mark.parametrize("kind", [TimeoutError, ConnectionResetError, OSError])
@pytest.mark.parametrize("make", [lambda: None, httpx.Client, requests_client])
def test_a_time_limit_that_looks_like_an_error_of_the_network(alarm, make, kind):
    """No HTTP client may take it for its own, because then the program would go on."""
    plans, http_client = [Post(answer="hang")], make()

    def limit(_number, _frame):
        raise kind("the job took too long")

    with FakeTelnyx(choose=lambda _body: plans.pop() if plans else OK, hang=0.6) as telnyx:
        client = make_client(telnyx, http_client, retry=FAST)
        alarm(limit, 0.25)
        with pytest.raises(kind, match="the job took too long"):
            send(client)
        send(client)
    closing = getattr(http_client, "session", http_client)
    getattr(closing, "close", lambda: None)()

    assert len(telnyx.posts) == 1


def test_an_error_of_anything_else():
    try:
        on_alarm(0, None)
    except TimeLimit as error:
        assert is_of_signal_handler(error) is False
