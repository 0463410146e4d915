"""Suites that put something in Twilio's place keep passing, and the report says what they prove."""

import pytest

PAYLOAD = """
PAYLOAD = {
    "sid": "FX" + "a" * 32,
    "account_sid": "AC1",
    "status": "queued",
    "num_pages": None,
    "duration": None,
    "price": None,
    "date_created": "2020-01-01T00:00:00Z",
    "date_updated": None,
}
"""


def kinds(told):
    return {name: test["kind"] for name, test in told["tests"].items()}


def test_mocks_in_place_of_the_client(suite):
    """Each way to replace the client passes and is seen for what it is."""
    suite.test(
        """
        from unittest import mock
        import app, twilio.rest
        from twilio.rest.fax.v1.fax import FaxInstance, FaxList

        NUMBERS = dict(to="+15005550009", from_="+15005550006")

        @mock.patch("app.Client")
        def test_in_the_app(client):
            create = client.return_value.fax.faxes.create
            create.return_value.sid = "FX1"
            assert app.send().sid == "FX1"
            create.assert_called_once_with(
                **NUMBERS, media_url="https://www.example.com/fax.pdf"
            )

        @mock.patch("twilio.rest.Client")
        def test_in_twilio(client):
            assert twilio.rest.Client("AC1", "t") is client.return_value

        def test_on_the_class():
            with mock.patch.object(app.Client, "fax", new_callable=mock.PropertyMock) as fax:
                assert app.client().fax is fax.return_value

        @mock.patch.object(FaxList, "create", autospec=True)
        def test_on_the_list(create):
            app.send()
            assert create.call_args[1]["to"] == "+15005550009"

        def test_by_monkeypatch(monkeypatch):
            monkeypatch.setattr(app, "Client", lambda *_: None)
            assert app.client() is None

        def test_injected():
            client = mock.MagicMock()
            client.fax.faxes.create(to="+15005550009")

        def test_made_by_hand():
            fax = FaxInstance(mock.Mock(), {"sid": "FX1", "status": "busy"})
            assert (fax.status, repr(fax)) == ("busy", "<Twilio.Fax.V1.FaxInstance sid=FX1>")
            assert type(fax) is FaxInstance

        def test_nothing_of_fax():
            with mock.patch("os.getcwd"):
                pass

        def test_for_real():
            app.send()
        """
    )
    result, told = suite.report()

    result.assert_outcomes(passed=9)
    expected = dict.fromkeys(told["tests"], "patched")
    assert kinds(told) == {
        **expected,
        **dict.fromkeys(["test_in_twilio", "test_nothing_of_fax"], "none"),
        "test_for_real": "telnyx",
    }
    call = told["tests"]["test_in_the_app"]["calls"][0]
    assert (call["operation"], call["answered_by"]) == ("faxes.create", "a mock")
    assert call["fields"]["to"] == "...0009"
    assert "app.Client replaced" in told["tests"]["test_in_the_app"]["test_doubles"]
    result.stdout.fnmatch_lines(["*6 patched: proves nothing about Telnyx (6 passed)*"])


def test_an_http_client_of_the_suite(suite):
    """It is asked in Twilio's words, with Twilio's URLs, forms and credentials."""
    suite.test(
        PAYLOAD
        + """
import json
import pytest
from twilio.http.response import Response
from twilio.rest import Client


class Holodeck:
    def __init__(self, status=201):
        self.status, self.seen = status, []

    def request(self, method, url, params=None, data=None, headers=None, auth=None, timeout=None,
                allow_redirects=False):
        self.seen.append((method, url, params, data, auth))
        assert headers["Accept"] == "application/json"
        return Response(self.status, json.dumps(PAYLOAD))


@pytest.mark.parametrize("later", [False, True])
def test_it(later):
    holodeck = Holodeck()
    client = Client("AC1", "token", http_client=None if later else holodeck)
    if later:
        client.http_client = holodeck
    fax = client.fax.faxes.create(to="+15005550009", from_="+15005550006", media_url="https://x.example/a")
    assert fax.sid == PAYLOAD["sid"]
    method, url, params, data, auth = holodeck.seen.pop()
    assert (method, url) == ("POST", "https://fax.twilio.com/v1/Faxes")
    assert data == {"To": "+15005550009", "From": "+15005550006", "MediaUrl": "https://x.example/a"}
    assert auth == ("AC1", "token")
"""
    )
    result, told = suite.report()

    result.assert_outcomes(passed=2)
    assert set(kinds(told).values()) == {"patched"}
    call = told["tests"]["test_it[False]"]["calls"][0]
    assert call["answered_by"] == "http_client=Holodeck"
    assert call["statuses"] == ["queued"]


@pytest.mark.parametrize("library", ["responses", "requests_mock", "requests"])
def test_stubs_of_requests(suite, library):
    """``responses``, ``requests_mock`` and patches of requests answer as they did."""
    pytest.importorskip(library, reason=f"needs {library}")
    ways = {
        "responses": """
        with responses.RequestsMock() as stubs:
            stubs.add(responses.POST, URL, json=PAYLOAD, status=201)
            assert app.send().sid == PAYLOAD["sid"]
            assert len(stubs.calls) == 1
        """,
        "requests_mock": """
        with requests_mock.Mocker() as stubs:
            stubs.post(URL, json=PAYLOAD, status_code=201)
            assert app.send().sid == PAYLOAD["sid"]
            assert "To=%2B15005550009" in stubs.last_request.text
        """,
        "requests": """
        from unittest import mock
        answer = mock.Mock(status_code=201, text=json.dumps(PAYLOAD), headers={})
        with mock.patch("requests.Session.send", return_value=answer) as send:
            assert app.send().sid == PAYLOAD["sid"]
            assert send.call_args[0][0].url == URL
        """,
    }
    suite.test(
        f"import json, app, {library}\nURL = 'https://fax.twilio.com/v1/Faxes'\n"
        + PAYLOAD
        + "def test_it():"
        + ways[library]
        + "\n        assert app.send().sid != PAYLOAD['sid']  # a fax of Telnyx's again\n"
    )
    result, told = suite.report()

    result.assert_outcomes(passed=1)
    calls = told["tests"]["test_it"]["calls"]
    assert [call["answered_by"].split(" (")[0] for call in calls] == ["stubs of requests", "telnyx"]


def test_cassettes_of_twilio(suite):
    """A recording of Twilio's answers; one of something else does not keep faxes from Telnyx."""
    pytest.importorskip("vcr", reason="needs vcrpy")
    suite.pytester.makefile(
        ".yaml",
        twilio="""
interactions:
- request: {method: GET, uri: 'https://fax.twilio.com/v1/Faxes/FX1', body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: '{"sid": "FX1", "status": "busy"}'}}
version: 1
""",
        other="""
interactions:
- request: {method: GET, uri: 'https://other.example/', body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: ''}}
version: 1
""",
    )
    suite.test(
        """
        import app, vcr

        @vcr.use_cassette("twilio.yaml", record_mode="none")
        def test_twilio():
            assert app.wait("FX1") == "busy"

        @vcr.use_cassette("other.yaml", record_mode="none")
        def test_other():
            assert app.wait(app.send().sid) == "delivered"
        """
    )
    result, told = suite.report()

    result.assert_outcomes(passed=2)
    assert kinds(told) == {"test_twilio": "patched", "test_other": "telnyx"}


def test_frozen_time(suite):
    """Time that stands still for the suite passes for the emulator, and callbacks are signed in it."""
    pytest.importorskip("freezegun", reason="needs freezegun")
    suite.test(
        """
        import app
        from freezegun import freeze_time

        @freeze_time("2021-03-04")
        def test_it(twilio_fax_callbacks):
            fax = app.send(status_callback="https://app.example.com/status")
            assert app.wait(fax.sid) == "delivered"
            assert twilio_fax_callbacks.statuses == ["queued", "delivered"]
        """
    )
    suite.run().assert_outcomes(passed=1)


def test_methods_that_keep_self(suite):
    """An autospecced method with a side effect, and a spy, get the object as with Twilio."""
    pytest.importorskip("pytest_mock", reason="needs pytest-mock")
    suite.test(
        """
        from unittest import mock
        import app
        from twilio.rest.fax.v1.fax import FaxContext, FaxList

        def test_side_effect():
            def create(self, **named):
                assert isinstance(self, FaxList)
                return named["to"]

            with mock.patch.object(FaxList, "create", autospec=True, side_effect=create) as double:
                assert app.send() == "+15005550009"
                assert isinstance(double.call_args[0][0], FaxList)

        def test_spy(mocker):
            spy = mocker.spy(FaxContext, "fetch")
            fax = app.send()
            assert app.client().fax.faxes(fax.sid).fetch().sid == fax.sid
            assert spy.call_count == 1
            assert isinstance(spy.call_args[0][0], FaxContext)
            assert spy.spy_return.sid == fax.sid
        """
    )
    result, told = suite.report()

    result.assert_outcomes(passed=2)
    assert kinds(told) == {"test_side_effect": "patched", "test_spy": "telnyx"}


@pytest.mark.parametrize("library", ["respx", "pytest_httpx"])
def test_stubs_of_httpx_for_another_api(suite, library):
    """They answer the suite's own requests, and not those that our client makes of Telnyx."""
    pytest.importorskip(library, reason=f"needs {library}")
    ways = {
        "respx": """
    with respx.mock:
        respx.get("https://other.example/").respond(204)
        {}
        """,
        "pytest_httpx": """
    httpx_mock.add_response(url="https://other.example/", status_code=204)
    {}
        """,
    }
    body = "assert httpx.get('https://other.example/').status_code == 204"
    body += "; assert app.wait(app.send().sid) == 'delivered'"
    suite.test(
        f"import app, httpx, {library}\n"
        f"def test_it({'httpx_mock' if library == 'pytest_httpx' else ''}):"
        + ways[library].format(body)
    )
    result, told = suite.report()

    result.assert_outcomes(passed=1)
    assert kinds(told) == {"test_it": "telnyx"}
