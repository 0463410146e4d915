"""Programs that retry by themselves, against a Telnyx that answers late, wrongly or not at all."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from attrs import evolve

from tests.fakes.telnyx import OK, FakeTelnyx, Post
from tests.helpers import ACCOUNT, FROM, MEDIA_URL, TO, make_client, send
from twilio_fax_compat import RetryPolicy
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger._opening import open_ledger

ROOT = Path(__file__).parents[2]
QUICK = RetryPolicy(backoff=0.002, backoff_max=0.01, lookups=(0.01, 0.02), budget=3)
DAYS = 2 * 86400.0


def posts(*plans):
    """Return a `choose` of *plans*, one for each request, and then none that is special."""
    waiting = list(plans)
    return lambda _body: waiting.pop(0) if waiting else OK


def program(client, tries=4, pause=0.0, **options):
    """Send as programs of the Twilio years do: again on 429 and 5xx."""
    for number in range(tries):
        try:
            return send(client, **options)
        except TwilioRestException as error:
            if number == tries - 1 or not (error.status == 429 or error.status >= 500):
                raise
            time.sleep(pause)
    return None


def digits(resource):
    return resource["id"].replace("-", "")


LOST = [
    Post(answer="drop"),
    Post(answer="close"),
    Post(answer="cut"),
    Post(answer="hang"),
    Post(answer=408),
    Post(answer=500),
    Post(answer=502),
    Post(answer=503, is_telnyx=True),
    Post(answer=504),
    Post(answer=302, headers={"Location": "https://elsewhere.example/"}),
    Post(answer=304),
    Post(answer=202, body=b"{"),
    Post(answer=202, body=b"[" * 50_000),
    Post(answer=202, body=b'{"data": {"id": ""}}'),
    Post(answer=202, body=b'{"data": {"id": "12345"}}'),
    Post(answer=204, body=b""),
]


@pytest.mark.parametrize("skew", [0.0, DAYS, -DAYS, 25 * 3600.0, -1200.0])
@pytest.mark.parametrize("shows_state", [True, False])
def test_a_programs_own_retry_finds_the_first_fax(skew, shows_state):
    """The lists are down while the first call looks, and back for the program's retry."""
    with FakeTelnyx(posts(Post(answer=503)), skew=skew, shows_state=shows_state) as telnyx:
        client = make_client(telnyx, retry=QUICK)
        telnyx.lists_down = 503
        with pytest.raises(TwilioRestException, match="may have been sent"):
            send(client)
        telnyx.lists_down = None
        fax = send(client)

        assert [digits(one) for one in telnyx.all_faxes()] == [fax.sid[2:]]
        assert len(telnyx.posts) == 1


@pytest.mark.parametrize("plan", LOST, ids=lambda plan: f"{plan.answer}-{(plan.body or b'')[:25]}")
def test_whatever_the_answer_was(plan):
    """Each is an answer that says nothing: the fax is looked for and returned."""
    with FakeTelnyx(posts(plan)) as telnyx:
        fax = send(make_client(telnyx, retry=QUICK, timeout=0.3))

        assert [digits(one) for one in telnyx.all_faxes()] == [fax.sid[2:]]


@pytest.mark.parametrize("plan", LOST[:9], ids=lambda plan: str(plan.answer))
def test_late_acceptance(plan):
    """A request that a gateway carries out later is found later, and never sent again before."""
    with FakeTelnyx(posts(evolve(plan, accepted=0.6, is_telnyx=False))) as telnyx:
        client = make_client(telnyx, retry=QUICK, timeout=0.3)
        with pytest.raises(TwilioRestException, match="may have been sent") as caught:
            program(client)
        assert caught.value.details["may_have_been_sent"] is True
        time.sleep(0.7)
        fax = send(client)

        assert [digits(one) for one in telnyx.all_faxes()] == [fax.sid[2:]]
        assert len(telnyx.posts) == 1


def test_two_equal_faxes_on_purpose():
    """After a success nothing is remembered, and threads that send the same do not wait."""
    with FakeTelnyx() as telnyx:
        client = make_client(telnyx, retry=QUICK)
        sids = [send(client).sid for _ in range(3)]
        start = threading.Barrier(8)

        def work():
            start.wait()
            sids.append(send(client).sid)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(set(sids)) == 11 == len(telnyx.all_faxes())


def test_one_of_two_equal_faxes_is_lost():
    """One thread's answer is lost while another sends an equal fax: each gets its own."""
    with FakeTelnyx(posts(Post(answer="hang"))) as telnyx:
        client = make_client(telnyx, retry=QUICK, timeout=2)
        sids = []
        first = threading.Thread(target=lambda: sids.append(send(client).sid))
        first.start()
        while not telnyx.posts:
            time.sleep(0.005)
        sids.append(send(client).sid)
        first.join()

        assert len(set(sids)) == 2
        assert {sid[2:] for sid in sids} == {digits(one) for one in telnyx.all_faxes()}


def test_two_unknown_sends_are_taken_up_one_each():
    """Two retries of two lost faxes get one fax each."""
    with FakeTelnyx(posts(Post(answer="hang"), Post(answer="hang"))) as telnyx:
        client = make_client(telnyx, retry=QUICK, timeout=2)
        telnyx.lists_down = 503
        start = threading.Barrier(2)
        errors = []

        def lose():
            start.wait()
            try:
                send(client)
            except TwilioRestException as error:
                errors.append(error)

        threads = [threading.Thread(target=lose) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        telnyx.lists_down = None
        sids = {send(client).sid[2:] for _ in range(2)}

        assert len(errors) == 2
        assert sids == {digits(one) for one in telnyx.all_faxes()}
        assert len(telnyx.posts) == 2


def test_it_can_be_switched_off():
    """Then an equal create is a new fax, whatever became of the last one."""
    with FakeTelnyx(posts(Post(answer=504))) as telnyx:
        telnyx.lists_down = 503
        client = make_client(telnyx, retry=evolve(QUICK, remember=False))
        with pytest.raises(TwilioRestException, match="may have been sent"):
            send(client)
        send(client)

        assert len(telnyx.all_faxes()) == 2


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Interrupted, RuntimeError])
def test_a_call_that_is_broken_off(error):
    """Whatever is raised between writing and reading leaves the send behind."""
    with FakeTelnyx() as telnyx:

        class Client:
            def __init__(self):
                self.errors = [error("stop")]

            def request(self, method, url, data=None, headers=None, **_options):
                answer = httpx.request(method, url, content=data, headers=headers)
                if method == "POST" and self.errors:
                    raise self.errors.pop()
                return answer

        client = make_client(telnyx, Client(), retry=QUICK)
        if issubclass(error, Exception):
            fax = send(client)
        else:
            with pytest.raises(error):
                send(client)
            fax = send(client)

        assert [digits(one) for one in telnyx.all_faxes()] == [fax.sid[2:]]
        assert len(telnyx.posts) == 1


def test_an_exception_that_has_a_response_is_that_response():
    """``raise_for_status`` in a hook hides no refusal."""
    plan = Post(None, 422, body=b'{"errors": [{"code": "10015", "source": {"pointer": "/to"}}]}')
    hooks = {"response": [lambda response: response.read() and response.raise_for_status()]}
    with FakeTelnyx(posts(plan)) as telnyx, httpx.Client(event_hooks=hooks) as http_client:
        client = make_client(telnyx, http_client, retry=QUICK)
        with pytest.raises(TwilioRestException) as caught:
            send(client)
        assert caught.value.code == 21211
        assert telnyx.lists == []


PROGRAM = """
import sys
from tests.helpers import ACCOUNT, FROM, MEDIA_URL, TO
from twilio_fax_compat.rest import Client
client = Client(ACCOUNT, "token", ledger=sys.argv[1])
client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)
"""


def start(telnyx, url):
    path = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url], env={**telnyx.environ, "PYTHONPATH": path}
    )


@pytest.fixture(name="url")
def _url(tmp_path):
    return f"sqlite:///{tmp_path / 'fax.db'}"


@pytest.mark.parametrize("skew", [0.0, DAYS])
def test_a_process_that_is_killed_between_leaving_and_answer(url, skew):
    """Another process with the same ledger finds the fax, though nobody saw the answer."""
    with FakeTelnyx(posts(Post(answer="hang")), hang=20, skew=skew) as telnyx:
        with start(telnyx, url) as process:
            while not telnyx.all_faxes():
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        fax = send(make_client(telnyx, ledger=open_ledger(url), retry=QUICK))

        assert [digits(one) for one in telnyx.all_faxes()] == [fax.sid[2:]]
        assert len(telnyx.posts) == 1


def test_a_live_process_that_sends_the_same_is_not_waited_for(url):
    """Two workers that send equal faxes at once send two."""
    with FakeTelnyx(posts(Post(answer="hang")), hang=2) as telnyx:
        with start(telnyx, url) as process:
            while not telnyx.all_faxes():
                assert process.poll() is None
                time.sleep(0.01)
            fax = send(make_client(telnyx, ledger=open_ledger(url), retry=QUICK))
            assert process.wait() == 0

        assert len(telnyx.all_faxes()) == 2
        assert digits(telnyx.all_faxes()[1]) == fax.sid[2:]
        assert open_ledger(url).recall([f"send:{'0' * 32}"]) == {}


class Away(MemoryLedger):
    """A ledger that can be away."""

    away = False

    def remember(self, fax_id, facts):
        if self.away:
            raise OSError("+15005550009")
        super().remember(fax_id, facts)

    def recall(self, fax_ids):
        if self.away:
            raise OSError("+15005550009")
        return super().recall(fax_ids)


def test_a_ledger_that_is_away(caplog):
    """Then this process remembers, and writes it down when the ledger is back."""
    ledger = Away()
    with FakeTelnyx(posts(Post(answer=504))) as telnyx:
        client = make_client(telnyx, ledger=ledger, retry=QUICK)
        ledger.away, telnyx.lists_down = True, 503
        with pytest.raises(TwilioRestException, match="may have been sent"):
            send(client)
        ledger.away = False
        with pytest.raises(TwilioRestException, match="may have been sent"):
            send(client)
        telnyx.lists_down = None
        send(make_client(telnyx, ledger=ledger, retry=QUICK))

        assert len(telnyx.posts) == 1
    assert "5005550009" not in caplog.text
    assert "the ledger is away" in caplog.text


def test_steady_rate_limits_end_in_time():
    """One setting bounds the whole call."""
    with FakeTelnyx(lambda _body: Post(None, 429)) as telnyx:
        client = make_client(telnyx, retry=RetryPolicy(budget=1, rate_limit_wait=0.5))
        began = time.monotonic()
        with pytest.raises(TwilioRestException) as caught:
            send(client)

        assert caught.value.status == 429
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("http_client", [None, httpx.Client()])
def test_a_telnyx_that_hangs_ends_in_time(http_client):
    """Requests are bounded as pauses are."""
    with FakeTelnyx(lambda _body: Post(answer="hang"), hang=30) as telnyx:
        client = make_client(telnyx, http_client, retry=evolve(QUICK, budget=1))
        began = time.monotonic()
        fax = send(client)

        assert time.monotonic() - began < 1.5
        assert [digits(one) for one in telnyx.all_faxes()] == [fax.sid[2:]]


@pytest.mark.parametrize("settings", [{"ignores_bounds": True}, {"is_endless": True}])
def test_an_endless_list_is_an_error(settings):
    """It is not read for ever, and no fax is told twice."""
    with FakeTelnyx(**settings) as telnyx:
        for number in range(5):
            telnyx.accept({"from": FROM, "to": TO, "media_url": MEDIA_URL}, number - 20.0)
        client = make_client(telnyx, retry=QUICK)
        with pytest.raises(TwilioException, match="502"):
            client.fax.faxes.list(page_size=2)
        assert len(telnyx.lists) < 500


def test_the_error_names_the_account_of_no_number():
    with FakeTelnyx(posts(Post(None, 504))) as telnyx:
        with pytest.raises(TwilioRestException) as caught:
            send(make_client(telnyx, retry=QUICK))
        text = str(caught.value)
        assert caught.value.details["release"] in text
        assert TO not in text
        assert FROM not in text
        assert ACCOUNT not in text
