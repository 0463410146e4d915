"""``--fax-deep``: what stand-ins were asked is asked of the emulator too."""

import re

import pytest


def deep_of(told):
    return {name: test["deep"] for name, test in told["tests"].items()}


def test_mocks_are_lifted(suite):
    """Tests pass as they did, and their calls truly run, in the order and words of the test."""
    suite.test(
        """
        from unittest import mock
        import app, pytest
        from twilio.base.exceptions import TwilioRestException
        from twilio.rest.fax.v1.fax import FaxContext, FaxList

        @mock.patch("app.Client")
        def test_prepared(client):
            faxes = client.return_value.fax.faxes
            faxes.create.return_value.sid = "FX1"
            faxes.return_value.fetch.return_value.status = "delivered"
            assert app.wait(app.send().sid) == "delivered"
            faxes.create.assert_called_once()
            faxes.assert_called_once_with("FX1")

        @mock.patch("app.Client")
        def test_unprepared(client):
            fax = app.send()
            assert fax is client.return_value.fax.faxes.create.return_value
            assert app.send() is not fax or not isinstance(fax.sid, str)

        @mock.patch("app.Client", autospec=True)
        def test_autospec(client):
            client.return_value.fax.faxes.create.return_value.sid = "FX2"
            assert app.send().sid == "FX2"

        @mock.patch.object(FaxList, "create", autospec=True)
        def test_method_of_the_list(create):
            create.return_value.sid = "FX3"
            assert app.send().sid == "FX3"

        @mock.patch.object(FaxContext, "fetch")
        def test_method_of_the_context(fetch):
            fetch.return_value.status = "busy"
            assert app.wait("FX4") == "busy"

        @mock.patch("app.client")
        def test_a_factory(client):
            client().fax.faxes.stream.return_value = iter([])
            assert list(app.client().fax.faxes.stream(limit=3)) == []

        @mock.patch("app.Client")
        def test_an_error(client):
            client().fax.faxes.create.side_effect = TwilioRestException(500, "/Faxes", "down")
            with pytest.raises(TwilioRestException):
                app.send()

        @mock.patch("app.Client")
        def test_media(client):
            client().fax.faxes("FX5").media.list.return_value = []
            assert app.client().fax.faxes("FX5").media.list() == []
        """
    )
    result, told = suite.report("--fax-deep")

    result.assert_outcomes(passed=8)
    deep = deep_of(told)
    assert {run["verdict"] for run in deep.values()} == {"passed"}
    assert {name: [call["operation"] for call in run["calls"]] for name, run in deep.items()} == {
        "test_prepared": ["faxes.create", "faxes.fetch"],
        "test_unprepared": ["faxes.create"] * 2,
        "test_autospec": ["faxes.create"],
        "test_method_of_the_list": ["faxes.create"],
        "test_method_of_the_context": ["faxes.fetch"],
        "test_a_factory": ["faxes.list"],
        "test_an_error": ["faxes.create"],
        "test_media": ["media.list"],
    }
    assert all(call["telnyx"] for run in deep.values() for call in run["calls"])
    assert not any(run["problems"] or run["not_forwarded"] for run in deep.values())
    result.stdout.fnmatch_lines(["*forwarded to the emulator: 8 of 8 without findings*"])


def test_stand_ins_below_the_client_are_lifted(suite):
    """So are an ``http_client`` of the suite and stubs of HTTP."""
    pytest.importorskip("responses", reason="needs responses")
    suite.test(
        """
        import json
        import app, responses
        from twilio.http.response import Response
        from twilio.rest import Client

        FAX = {"sid": "FX" + "a" * 32, "status": "queued"}

        class Canned:
            def request(self, method, url, **_):
                return Response(200 if method == "GET" else 201, json.dumps(FAX))

        def test_http_client():
            client = Client("AC1", "t", http_client=Canned())
            client.fax.faxes.create("+15005550009", "https://x.example/a", from_="+15005550006")
            assert client.fax.faxes(FAX["sid"]).fetch().sid == FAX["sid"]

        @responses.activate
        def test_stubs():
            responses.add("POST", "https://fax.twilio.com/v1/Faxes", json=FAX, status=201)
            assert app.send().sid == FAX["sid"]
            assert len(responses.calls) == 1
        """
    )
    result, told = suite.report("--fax-deep")

    result.assert_outcomes(passed=2)
    deep = deep_of(told)
    assert [call["operation"] for call in deep["test_http_client"]["calls"]] == [
        "faxes.create",
        "faxes.fetch",
    ]
    fetched = deep["test_http_client"]["calls"][1]
    assert (fetched["status"], fetched["answered_by"]) == (200, "telnyx")
    assert deep["test_stubs"]["calls"][0]["telnyx"][0]["status"] == 202


def test_what_telnyx_would_refuse(suite):
    """A mock takes anything: what Telnyx, or Twilio's own signature, would not take is told."""
    suite.test(
        """
        from unittest import mock
        import app

        @mock.patch("app.Client")
        def test_sip_login(client):
            app.send("sip:bob@fax.example", sip_auth_username="bob", sip_auth_password="x")

        @mock.patch("app.Client")
        def test_no_such_argument(client):
            app.send(form="+15005550006")

        @mock.patch("app.Client")
        def test_not_a_number(client):
            app.send("12")

        @mock.patch("app.Client")
        def test_media_alone(client):
            app.client().fax.faxes("FX1").media("ME1").delete()
        """
    )
    result, told = suite.report("--fax-deep")

    result.assert_outcomes(passed=4)
    problems = {name: run["problems"] for name, run in deep_of(told).items()}
    assert "Telnyx cannot log in" in problems["test_sip_login"][0]
    assert "unexpected keyword argument 'form'" in problems["test_no_such_argument"][0]
    assert problems["test_not_a_number"]
    assert problems["test_media_alone"][0].startswith("faxes().media().delete: ")
    result.stdout.fnmatch_lines(
        [
            "*0 of 4 without findings*",
            "    Telnyx would differ: faxes.create: *Telnyx cannot log in*",
        ]
    )


def test_what_cannot_be_lifted(suite):
    """It is said for each test, and tests that ran on Telnyx are not run again."""
    suite.test(
        """
        import app
        from unittest import mock
        from twilio.rest.fax.v1.fax import FaxInstance

        RUNS = []

        class Fake:
            def __init__(self, *_):
                self.fax = self.faxes = self

            def create(self, **_):
                return "fake"

        def test_a_class_of_its_own(monkeypatch):
            monkeypatch.setattr(app, "Client", Fake)
            assert app.send() == "fake"

        def test_made_by_hand():
            assert FaxInstance(mock.Mock(), {"sid": "FX1"}).sid == "FX1"

        @mock.patch("app.Client")
        def test_once(client):
            RUNS.append(1)
            assert len(RUNS) == 1
            app.send()

        def test_for_real():
            RUNS.append(2)
            assert RUNS.count(2) == 1
            app.send()
        """
    )
    result, told = suite.report("--fax-deep")

    result.assert_outcomes(passed=4)
    deep = deep_of(told)
    assert deep["test_for_real"] is None
    assert (
        "makes no calls that can be forwarded (app.Client replaced)"
        in deep["test_a_class_of_its_own"]["not_forwarded"][0]
    )
    assert "FaxInstance made by hand" in deep["test_made_by_hand"]["not_forwarded"][0]
    assert deep["test_once"]["verdict"] == "failed"


def test_it_works_in_parallel_and_for_unittest(suite):
    """With pytest-xdist, and with set-ups of classes that run again."""
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    suite.test(
        """
        import unittest
        from unittest import mock
        import app

        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.real = app.send()

            def setUp(self):
                patcher = mock.patch("app.Client")
                self.client = patcher.start()
                self.addCleanup(patcher.stop)

            def test_first(self):
                app.send()
                self.client().fax.faxes.create.assert_called_once()

            def test_second(self):
                app.send()
        """
    )
    result, told = suite.report("--fax-deep", "-n2")

    result.assert_outcomes(passed=2)
    assert {run["verdict"] for run in deep_of(told).values()} == {"passed"}
    assert [len(run["calls"]) for run in deep_of(told).values()] == [1, 1]


def test_it_needs_the_emulator(suite):
    """Nothing is forwarded onto the real Telnyx."""
    suite.test("def test_it(): pass")
    result = suite.run("--fax-deep", backend="twilio")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--fax-deep needs --fax-backend=emulator*"])


def test_what_only_the_double_gives(suite):
    """Parameters that are left out, and prepared prices that the program reads, are findings."""
    suite.test(
        """
        import app
        from unittest import mock

        @mock.patch("app.Client")
        def test_price(client):
            client.return_value.fax.faxes.create.return_value = mock.Mock(price="0.07", sid="FX1")
            fax = app.send(ttl=5)
            assert (fax.price, fax.sid) == ("0.07", "FX1")

        @mock.patch("app.Client")
        def test_price_that_is_not_read(client):
            client.return_value.fax.faxes.create.return_value = mock.Mock(price="0.07", sid="FX1")
            assert app.send().sid == "FX1"
        """
    )
    result, told = suite.report("--fax-deep", "--fax-report=page.html")

    result.assert_outcomes(passed=2)
    deep = deep_of(told)
    assert deep["test_price"]["prepared"] == ["price was read: Telnyx reports no price with a fax"]
    assert deep["test_price_that_is_not_read"]["prepared"] == []
    result.stdout.fnmatch_lines(
        [
            "left out, because Telnyx has no equivalent: ttl (in 1 tests)",
            "*1 of 2 without findings*",
            "  test_suite.py::test_price: passed, 1 calls made",
            "    left out, because Telnyx has no equivalent: ttl",
            "    only the test double gives it: price was read: Telnyx reports no price with a fax",
        ]
    )
    page = (suite.pytester.path / "page.html").read_text()
    unfolded = re.sub(r"<details>.*?</details>", "", page)
    assert "price was read" in unfolded
    assert "left out: ttl" in unfolded
