"""Each line of the report is true: kinds, threads, deadlines, what was left out and forgotten."""

import pytest

TESTS = """
import concurrent.futures, signal, threading
from unittest import mock
import app, pytest
from twilio.rest import Client
from twilio_fax_compat.testing import faults

POOL = concurrent.futures.ThreadPoolExecutor(1)
MADE_AT_IMPORT = app.send()
HELD = threading.Event()
THREADS = []


def test_sms_by_a_mock():
    with mock.patch("app.Client") as client:
        app.client().messages.create(to="+15005550009", body="x")
        client.return_value.messages.create.assert_called_once()


def test_sms_by_an_attribute():
    with mock.patch.object(Client, "messages", create=True) as messages:
        app.client().messages.create(to="+15005550009")


class Texting:
    def __init__(self, *_):
        self.messages = self

    def create(self, **_):
        return "sent"


class Faxing(Texting):
    def __init__(self, *_):
        self.fax = self.faxes = self


def test_sms_by_a_class(monkeypatch):
    monkeypatch.setattr(app, "Client", Texting)
    assert app.client().messages.create() == "sent"


def test_fax_by_a_class(monkeypatch):
    monkeypatch.setattr(app, "Client", Faxing)
    assert app.send() == "sent"


def test_fax_by_a_mock():
    with mock.patch("app.Client") as client:
        app.send()


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM")
def test_deadline(telnyx_fax):
    class TooLate(BaseException):
        pass

    def ring(*_):
        raise TooLate

    telnyx_fax.emulator.inject(faults.delay(3), None)
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(TooLate):
            app.client().fax.faxes.list()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_made_at_import():
    assert app.client().fax.faxes(MADE_AT_IMPORT.sid).fetch().sid == MADE_AT_IMPORT.sid


def test_starts_a_thread():
    thread = threading.Thread(target=lambda: (HELD.wait(20), app.send()))
    thread.start()
    THREADS.append(thread)
    POOL.submit(app.send).result()


def test_after_it():
    HELD.set()
    THREADS.pop().join()
    POOL.submit(app.client).result()


class TestSteps:
    def test_first(self):
        TestSteps.sid = app.send().sid

    def test_second(self):
        app.client().fax.faxes(self.sid).fetch()


@pytest.mark.parametrize("number", ["+15005550009"])
def test_private(number):
    token = "0123456789abcdef0123456789abcdef"
    assert (number, token, "2026-01-02T03:04:05Z", "10.0.0.1") is None


def test_no_such_reason(telnyx_fax):
    app.send()
    with pytest.raises(ValueError, match="user_busy"):
        telnyx_fax.fail("no_such_reason")
    with pytest.raises(ValueError, match="no_such_reason"):
        telnyx_fax.outcome("+15005550001", "no_such_reason")
"""


def test_what_each_test_is(suite):
    """One run, and what the report says of each of its tests."""
    suite.test(TESTS)
    _result, report = suite.report("--fax-report=page.html")
    tests = report["tests"]

    kinds = {name: test["kind"] for name, test in tests.items()}
    assert kinds == {
        "test_sms_by_a_mock": "none",
        "test_sms_by_an_attribute": "none",
        "test_sms_by_a_class": "none",
        "test_fax_by_a_class": "patched",
        "test_fax_by_a_mock": "patched",
        "test_deadline": "unanswered",
        "test_made_at_import": "telnyx",
        "test_starts_a_thread": "telnyx",
        "test_after_it": "none",
        "test_first": "telnyx",
        "test_second": "telnyx",
        "test_private[...0009]": "none",
        "test_no_such_reason": "telnyx",
    }
    assert {name for name, test in tests.items() if test["verdict"] == "failed"} == {
        "test_second",
        "test_private[...0009]",
    }
    assert report["outside"] == [
        "outside of a test: faxes.create",
        "after the end of test_suite.py::test_starts_a_thread: faxes.create",
    ]
    (forgotten,) = tests["test_second"]["forgotten"]
    assert "was deleted after test_suite.py::TestSteps::test_first: --fax-keep=class" in forgotten
    reason = tests["test_private[...0009]"]["reason"]
    assert "('...0009', '***', '2026-01-02T03:04:05Z', '10.0.0.1')" in reason
    page = (suite.pytester.path / "page.html").read_text()
    assert "5005550009" not in page
    assert "TestSteps::<wbr>test_second" in page


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_faxes_of_steps_stay(suite, scope):
    """``--fax-keep`` keeps the faxes of a class, a module or the session."""
    suite.test(
        """
        import app

        class TestSteps:
            def test_first(self):
                TestSteps.sid = app.send().sid

            def test_second(self):
                assert app.client().fax.faxes(self.sid).fetch().sid == self.sid

        def test_elsewhere():
            assert bool(app.client().fax.faxes.list()) == (%r != "class")
        """
        % scope
    )
    suite.run(f"--fax-keep={scope}").assert_outcomes(passed=3)


def test_refused_or_without_an_answer(suite):
    """Calls that Telnyx did not answer prove nothing, and are not called a run on Telnyx."""
    suite.test(
        """
        import app, pytest
        from twilio.base.exceptions import TwilioException, TwilioRestException
        from twilio_fax_compat.testing import faults

        def test_refused():
            with pytest.raises(TwilioRestException):
                app.send("sip:bob@fax.example", sip_auth_username="bob", sip_auth_password="x")

        def test_no_answer(telnyx_fax):
            telnyx_fax.emulator.inject(faults.answer_lost(), None)
            with pytest.raises(TwilioException):
                app.client().fax.faxes.list()
        """
    )
    result, report = suite.report()

    result.assert_outcomes(passed=2)
    assert {test["kind"] for test in report["tests"].values()} == {"unanswered"}
    result.stdout.fnmatch_lines(["*2 not answered by Telnyx: *(2 passed)*"])
