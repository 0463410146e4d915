"""What the plugin puts in Twilio's place, and that it puts it back."""

import sys
from importlib.util import find_spec

import pytest

from tests.pytest_plugin.conftest import REGISTER
from twilio_fax_compat.testing import TelnyxEmulator

needs_twilio = pytest.mark.skipif(
    find_spec("twilio") is None, reason="needs twilio: pip install twilio"
)


def test_it_is_inert_until_asked(suite):
    """Without a backend nothing is replaced, set or even imported."""
    suite.test(
        """
        import os, sys

        def test_nothing_is_there():
            assert not [name for name in sys.modules if name.startswith("twilio_fax_compat.rest")]
            assert "twilio_fax_compat.pytest_plugin.run" not in sys.modules
            assert not [name for name in os.environ if name.startswith("TELNYX_")]
        """
    )
    result = suite.run(backend=None)

    result.assert_outcomes(passed=1)
    assert "fax on Telnyx" not in result.stdout.str()


@pytest.mark.parametrize("way", ["option", "environment", "ini"])
def test_three_ways_to_choose(suite, monkeypatch, way):
    """The option, the environment variable and the ini option choose a backend."""
    suite.test("import app\ndef test_it(): assert app.wait(app.send().sid) == 'delivered'")
    if way == "environment":
        monkeypatch.setenv("TWILIO_FAX_COMPAT_BACKEND", "emulator")
    if way == "ini":
        suite.pytester.makeini("[pytest]\nfax_backend = emulator")
    result = suite.run(backend="emulator" if way == "option" else None)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*fax on Telnyx (emulator)*", "*1 ran on Telnyx (1 passed)*"])


def test_an_unknown_backend_is_refused(suite, monkeypatch):
    """A name that is none ends the run before it begins."""
    monkeypatch.setenv("TWILIO_FAX_COMPAT_BACKEND", "telex")
    result = suite.run(backend=None)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*fax_backend: 'telex' must be one of emulator, *"])


def test_names_imported_anywhere_and_anytime(suite):
    """At the top of conftest, of a test, within one, under another name: all are ours."""
    suite.pytester.makeconftest("from twilio.rest import Client as Early")
    suite.test(
        """
        import twilio.rest
        from conftest import Early
        from twilio.rest import Client
        from twilio.rest.fax.v1.fax import FaxInstance

        def test_it():
            from twilio.rest import Client as Late

            assert Early is Client is Late is twilio.rest.Client
            made = Client("AC1", "token")
            assert isinstance(made, Client)
            fax = made.fax.faxes.create(
                to="+15005550009", from_="+15005550006", media_url="https://x.example/a.pdf"
            )
            assert isinstance(fax, FaxInstance)
            assert repr(made) == "<Twilio AC1>"
        """
    )
    result, told = suite.report()

    result.assert_outcomes(passed=1)
    assert told["tests"]["test_it"]["kind"] == "telnyx"


@needs_twilio
def test_modules_that_were_there_before(suite):
    """A plugin that imported Twilio's client before us is served too."""
    suite.pytester.makepyfile(
        early="from twilio.rest import Client\nfrom twilio.base.exceptions import TwilioRestException"
    )
    suite.test(
        """
        import early

        def test_it():
            client = early.Client("AC1", "token")
            try:
                client.fax.faxes("FX" + "0" * 32).fetch()
            except early.TwilioRestException as error:
                assert error.code == 20404
        """
    )
    suite.pytester.syspathinsert()
    result, told = suite.report("-p", "early")

    result.assert_outcomes(passed=1)
    assert told["tests"]["test_it"]["calls"][0]["telnyx"]


@pytest.mark.parametrize("ends", ["well", "with an error in conftest"])
def test_everything_is_put_back(suite, ends):
    """TwilioNames, environment, mocks and the emulator are as before, however the run ends."""
    suite.pytester.makeconftest(
        "" if ends == "well" else "import app\nraise RuntimeError('broken')"
    )
    suite.test("import app\ndef test_it(): app.send()", name="test_inner")
    suite.pytester.makepyfile(
        outer="""
        import os, sys, threading, unittest.mock, importlib
        import pytest, twilio_fax_compat.rest

        def state():
            real = sys.modules.get("twilio.rest")
            return (
                twilio_fax_compat.rest.Client,
                getattr(real, "Client", None),
                unittest.mock._patch.__enter__,
                unittest.mock.CallableMixin._execute_mock_call,
                pytest.MonkeyPatch.setattr,
                {name: value for name, value in os.environ.items() if name.startswith("TELNYX_")},
                [name for name in sys.modules if name.startswith("twilio.rest.fax")],
            )

        mark = twilio_fax_compat.rest.Client
        try:
            import twilio.rest
            mark = twilio.rest.Client
            import twilio.rest.fax.v1.fax
        except ImportError:
            pass
        os.environ["TELNYX_API_KEY"] = "mine"
        before = state()
        try:
            code = pytest.main(sys.argv[1:])
        except RuntimeError:
            code = 4
        after = state()
        assert before == after, [pair for pair in zip(before, after) if pair[0] != pair[1]]
        if "app" in sys.modules:
            assert sys.modules["app"].Client is mark
        assert not [t for t in threading.enumerate() if t.name.startswith("telnyx-")]
        print("exit", int(code))
        """
    )
    result = suite.pytester.run(
        sys.executable, "outer.py", *REGISTER, "--fax-backend=emulator", "-p", "no:cacheprovider"
    )

    assert "exit " + ("0" if ends == "well" else "4") in result.stdout.str(), result.stderr.str()


def test_the_environment_of_the_run(suite):
    """The emulator's variables are set, no Twilio credentials are made up, and none is read late."""
    suite.test(
        """
        import os
        from unittest import mock
        import app, pytest
        from twilio.base.exceptions import TwilioException
        from twilio.rest import Client

        def test_variables():
            assert os.environ["TELNYX_BASE_URL"].startswith("http://127.0.0.1:")
            assert "TWILIO_ACCOUNT_SID" not in os.environ

        @mock.patch.dict(os.environ, {}, clear=True)
        def test_a_cleared_environment():
            assert app.send().status == "queued"

        def test_an_environment_of_its_own():
            environ = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}
            assert Client(environment=environ).fax.faxes.list() == []
        """
    )
    suite.run().assert_outcomes(passed=3)


def test_tests_do_not_see_each_others_faxes(suite):
    """What a test sent is gone after it; what a class or module set up lasts as long as that."""
    suite.test(
        """
        import unittest
        import app, pytest

        class TestOne(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.fax = app.send()
            def test_first(self):
                app.send()
                self.assertEqual(len(app.client().fax.faxes.list()), 2)
            def test_second(self):
                self.assertEqual([fax.sid for fax in app.client().fax.faxes.list()], [self.fax.sid])

        @pytest.fixture(scope="module")
        def shared():
            return app.send()

        def test_third(shared):
            assert app.client().fax.faxes(shared.sid).fetch().sid == shared.sid
        def test_fourth(shared):
            assert [fax.sid for fax in app.client().fax.faxes.list()] == [shared.sid]
        """
    )
    suite.run().assert_outcomes(passed=4)


def test_parallel_runs_are_isolated(suite):
    """Each worker of pytest-xdist has an emulator of its own, and the report has all of it."""
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    suite.test(
        """
        import os, app, pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(number):
            app.send(ttl=5)
            assert len(app.client().fax.faxes.list()) == 1
            print(os.environ["TELNYX_BASE_URL"])
        """
    )
    result, told = suite.report("-n2", "-rP")

    result.assert_outcomes(passed=8)
    assert len(told["tests"]) == 8
    assert {test["kind"] for test in told["tests"].values()} == {"telnyx"}
    urls = {line for line in result.stdout.lines if line.startswith("http://127.0.0.1:")}
    assert len(urls) == 2


def test_a_warning_is_told_and_does_not_fail_a_strict_suite(suite):
    """``filterwarnings = error`` turns nothing into a failure that Twilio did not have."""
    suite.pytester.makeini("[pytest]\nfilterwarnings = error")
    suite.test("import app\ndef test_it(): app.send(ttl=5)\ndef test_again(): app.send(ttl=5)")
    result, told = suite.report()

    result.assert_outcomes(passed=2)
    assert [test["calls"][0]["warned"] for test in told["tests"].values()] == [["ttl"], ["ttl"]]
    result.stdout.fnmatch_lines(["*no equivalent: ttl (in 2 tests)*"])


def test_live_needs_everything_said(suite):
    """Without consent, numbers, budget and keys a live run does not begin."""
    suite.test("def test_it(): raise AssertionError('it ran')")
    result = suite.run(backend="live")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*--fax-live-yes-really-send, --fax-live-to=NUMBER, --fax-live-budget=N, TELNYX_API_KEY*"]
    )
    assert "it ran" not in result.stdout.str()


def test_live_sends_only_what_may_be_sent(suite, monkeypatch):
    """Numbers that were not named and faxes beyond the budget fail their tests unsent."""
    suite.test(
        """
        import threading
        import app, pytest

        def test_allowed(): assert app.send("+15005550009").status == "queued"
        def test_elsewhere():
            try:
                app.send("+15005550001")
            except Exception:
                pass
        def test_elsewhere_in_a_thread():
            def work():
                try:
                    app.send("+15005550001")
                except BaseException:
                    pass
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        def test_second(): app.send("+15005550009")
        def test_third(): app.send("+15005550009")
        """
    )
    suite.pytester.makeini("[pytest]\nfax_live_to = +15005550009\nfax_live_budget = 2")
    with TelnyxEmulator() as telnyx:
        for name, value in telnyx.environ.items():
            monkeypatch.setenv(name, value)
        result, told = suite.report("--fax-live-yes-really-send", backend="live")
        sent = [fax["to"] for fax in telnyx.faxes]

    result.assert_outcomes(passed=2, failed=3)
    assert sent == ["+15005550009"] * 2
    assert (
        "nothing was sent: ...0001 is not in the list" in told["tests"]["test_elsewhere"]["reason"]
    )
    assert "used up" in told["tests"]["test_third"]["reason"]


def test_a_live_budget_is_shared_by_workers(suite, monkeypatch):
    """Workers keep to the budget together."""
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    suite.test(
        """
        import app, pytest

        @pytest.mark.parametrize("number", range(10))
        def test_it(number): app.send()
        """
    )
    with TelnyxEmulator() as telnyx:
        for name, value in telnyx.environ.items():
            monkeypatch.setenv(name, value)
        result = suite.run(
            "--fax-live-yes-really-send",
            "--fax-live-to=+15005550009",
            "--fax-live-budget=3",
            "-n2",
            backend="live",
        )
        assert len(telnyx.faxes) == 3

    result.assert_outcomes(passed=3, failed=7)
