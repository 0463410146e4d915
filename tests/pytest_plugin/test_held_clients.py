"""Nothing leaves the machine, whoever holds a client; and live keeps to its list and budget."""

from importlib.util import find_spec

import pytest

from twilio_fax_compat.testing import TelnyxEmulator

pytestmark = pytest.mark.skipif(
    find_spec("twilio.rest.fax") is None if find_spec("twilio") else True,
    reason="needs twilio==7.5.1, whose client has fax",
)

EARLY = """
import functools, os
import httpx
import requests
import twilio_fax_compat.rest
from twilio.rest import Client

KEY, URL, CONNECTION = (
    os.environ.get(name)
    for name in ("TELNYX_API_KEY", "TELNYX_BASE_URL", "TELNYX_CONNECTION_ID")
)
REAL = {"client": Client("AC" + "0" * 32, "t"), "class": Client}
OURS = {"client": twilio_fax_compat.rest.Client("AC" + "1" * 32, "t")}
PARTIAL = functools.partial(Client, "AC" + "2" * 32, "t")


def default(client=REAL["client"]):
    return client


class Holder:
    client = OURS["client"]
    classes = (Client,)

    def __init__(self):
        self.held = REAL["client"]


HOLDER = Holder()
NUMBERS = {"from_": "+15005550006", "media_url": "https://www.example.com/a.pdf"}


def child(to="+15005550009"):
    default().fax.faxes.create(to=to, **NUMBERS)
"""

HOLDERS = """
import importlib, sys
import early, pytest


def reloaded():
    import twilio.rest
    importlib.reload(twilio.rest)
    return twilio.rest.Client("AC1", "t")


def imported_anew():
    saved = {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] == "twilio"}
    try:
        from twilio.rest import Client
        return Client("AC1", "t")
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "twilio"]:
            del sys.modules[name]
        sys.modules.update(saved)


CLIENTS = {
    "a dict": lambda: early.REAL["client"],
    "a class in a dict": lambda: early.REAL["class"]("AC1", "t"),
    "a dict, ours": lambda: early.OURS["client"],
    "a partial": lambda: early.PARTIAL(),
    "a default argument": lambda: early.default(),
    "a class attribute": lambda: early.Holder.client,
    "a tuple of a class": lambda: early.Holder.classes[0]("AC1", "t"),
    "an instance": lambda: early.HOLDER.held,
    "a reload": reloaded,
    "a new import": imported_anew,
}
each = pytest.mark.parametrize("holder", CLIENTS)
"""

EMULATED = """
import multiprocessing, subprocess
import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


@each
def test_holder(holder):
    fax = CLIENTS[holder]().fax.faxes.create(to="+15005550009", **early.NUMBERS)
    assert fax.status == "queued"


class Logged(TwilioHttpClient):
    seen = []

    def request(self, method, url, *args, **named):
        self.seen.append((method, url))
        response = super().request(method, url, *args, **named)
        assert self.last_response is response
        return response


def test_only_adds():
    client = Client("AC1", "t", http_client=Logged(max_retries=3))
    assert client.fax.faxes.create(to="+15005550009", **early.NUMBERS).sid
    assert Logged.seen == [("POST", "https://fax.twilio.com/v1/Faxes")]


def test_the_transport_itself():
    answer = TwilioHttpClient().request("GET", "https://fax.twilio.com/v1/Faxes", auth=("AC1", "t"))
    assert answer.status_code == 200


class Own:
    def request(self, method, url, params=None, data=None, headers=None, auth=None, timeout=None,
                allow_redirects=False):
        return requests.request(method, url, params=params, data=data, headers=headers, auth=auth)


def test_replaces():
    try:
        Client("AC1", "t", http_client=Own()).fax.faxes.create(to="+15005550009", **early.NUMBERS)
    except Exception:
        pass


def test_another_product():
    try:
        early.REAL["client"].messages.create(to="+15005550009", from_="+15005550006", body="x")
    except Exception:
        pass


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_process(how):
    process = multiprocessing.get_context(how).Process(target=early.child)
    process.start()
    process.join(60)
    assert process.exitcode == 0


def test_subprocess():
    code = "import early; early.child()"
    subprocess.run([sys.executable, "-c", code], check=True)
"""


@pytest.fixture(name="held")
def _held(suite):
    """Return a suite with a plugin that holds clients before ours starts."""
    suite.pytester.makepyfile(early=EARLY)
    suite.pytester.syspathinsert()
    return suite


def test_on_the_emulator(held):
    """Clients in any holder, and in child processes, reach the emulator; the rest is blocked."""
    held.test(HOLDERS + EMULATED)
    result, report = held.report("-p", "early", "-p", "no:warnings")

    result.assert_outcomes(passed=15, failed=2)
    kinds = {name: test["kind"] for name, test in report["tests"].items()}
    blocked = {name for name, kind in kinds.items() if kind == "blocked"}
    assert blocked == {"test_replaces", "test_another_product"}
    assert {kind for name, kind in kinds.items() if name not in blocked} == {"telnyx"}
    reason = report["tests"]["test_replaces"]["reason"]
    assert reason.startswith("the connection to fax.twilio.com is blocked: with --fax-backend=emul")
    (call,) = report["tests"]["test_subprocess"]["calls"]
    assert (call["operation"], len(call["telnyx"])) == ("requests of other processes", 1)


LIVE = """
import multiprocessing, os, subprocess, threading
import httpx, requests
from twilio.rest import Client

USED = {}


def attempt(send):
    try:
        send()
    except BaseException as error:
        print(type(error).__name__)


def test_environment():
    text = " ".join(os.environ.values())
    assert early.KEY not in text
    assert early.URL not in text


@each
def test_holder(holder):
    attempt(lambda: CLIENTS[holder]().fax.faxes.create(to="+15005550001", **early.NUMBERS))


def by_hand(post):
    body = {"connection_id": early.CONNECTION, "to": "+15005550001", "from": "+15005550006",
            "media_url": "https://www.example.com/a.pdf"}
    headers = {"authorization": "Bearer " + early.KEY}
    attempt(lambda: post(early.URL + "/faxes", json=body, headers=headers))


def test_by_hand_httpx(): by_hand(httpx.post)
def test_by_hand_requests(): by_hand(requests.post)
def test_by_hand_early(): by_hand(early.SESSION.post)
def test_by_hand_early_httpx(): by_hand(early.HTTPX.post)


def test_subprocess():
    code = "from twilio_fax_compat.rest import Client; import early; "
    code += "Client('AC1', 't').fax.faxes.create(to='+15005550009', **early.NUMBERS)"
    assert subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL).returncode


def test_forks():
    processes = [multiprocessing.get_context("fork").Process(target=early.child) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)


def test_threads():
    threads = [threading.Thread(target=attempt, args=[early.child]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

USED = """
if URL:
    HTTPX, SESSION = httpx.Client(), requests.Session()
    for http in (HTTPX, SESSION):
        http.get(URL + "/faxes", headers={"authorization": "Bearer " + KEY})
    OURS["client"].fax.faxes.list()
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_live(held, monkeypatch, workers):
    """No fax goes to a number that was not named, and none beyond the budget."""
    if workers:
        pytest.importorskip("xdist")
    held.pytester.makepyfile(early=EARLY + ("" if workers else USED))
    source = HOLDERS + LIVE
    if workers:
        source = source.replace("def test_by_hand_early", "def not_by_hand_early")
        source = source.replace("def test_environment", "def not_the_environment")
        source = source.replace("early.KEY", "'KEY0'").replace("early.URL", "'http://127.0.0.1:9'")
    held.test(source)
    options = ["--fax-live-yes-really-send", "--fax-live-to=+15005550009", "--fax-live-budget=3"]
    with TelnyxEmulator() as telnyx:
        for name, value in telnyx.environ.items():
            monkeypatch.setenv(name, value)
        _result, report = held.report(
            *options, *workers, "-p", "early", "-p", "no:warnings", backend="live"
        )
        sent = [fax["to"] for fax in telnyx.faxes]

    assert sent == ["+15005550009"] * 3
    tests = report["tests"]
    if not workers:
        (call,) = tests["test_forks"]["calls"]
        assert call["operation"] == "requests of other processes"
        assert [sent["status"] for sent in call["telnyx"]] == [202] * 3
    passed = {name for name, test in tests.items() if test["verdict"] == "passed"}
    assert passed == (set() if workers else {"test_environment"})
    for name, test in tests.items():
        if name.startswith("test_holder"):
            assert test["kind"] == "unanswered"
            assert "...0001 is not in the list" in test["reason"]
        elif name.startswith(("test_by_hand", "test_subprocess")):
            assert test["kind"] == "blocked"
    assert not [call for test in tests.values() for call in test["calls"] if "Error" in str(call)]
