"""``--fax-backend=replay`` and ``record``: recordings in place of Telnyx."""

import json

import pytest
import vcr

from twilio_fax_compat.cassettes.files import read
from twilio_fax_compat.testing import TelnyxEmulator

FAX = """
FAX = {
    "sid": "FX" + "a" * 32, "account_sid": "AC00000000000000000000000000000001", "api_version": "v1",
    "from": "+15005550006", "to": "+15005550009", "direction": "outbound", "quality": "fine",
    "status": "queued", "media_sid": None, "media_url": None, "num_pages": None, "duration": None,
    "price": None, "price_unit": None, "date_created": "2020-01-01T00:00:00Z",
    "date_updated": "2020-01-01T00:00:00Z",
    "links": {"media": "https://fax.twilio.com/v1/Faxes/FX" + "a" * 32 + "/Media"},
    "url": "https://fax.twilio.com/v1/Faxes/FX" + "a" * 32,
}
URL = "https://fax.twilio.com/v1/Faxes"
"""

POLLS = """
import app

def test_polls():
    fax = app.send()
    assert (fax.status, fax.to) == ("queued", "+15005550009")
    assert app.wait(fax.sid) == "delivered"

def test_lists():
    sid = app.send().sid
    assert app.client().fax.faxes.list(to="+15005550009")[0].sid == sid
    assert app.client().fax.faxes(sid).delete()
"""
CONSENT = ("--fax-live-yes-really-send", "--fax-live-to=+15005550009", "--fax-live-budget=5")


def test_stubs_answer_our_client(suite):
    """Registered stubs of Twilio are reached as before, and answer what our client asks."""
    pytest.importorskip("responses", reason="needs responses")
    suite.test(
        "import app, responses, pytest\n"
        + FAX
        + """
from twilio.base.exceptions import TwilioRestException

@responses.activate
def test_it():
    responses.add("POST", URL, json=FAX, status=201)
    responses.add("GET", FAX["url"], json={**FAX, "status": "busy"})
    responses.add("GET", URL, json={"faxes": [FAX], "meta": {"key": "faxes", "page": 0, "page_size": 50,
        "first_page_url": URL, "previous_page_url": None, "next_page_url": None, "url": URL}})
    fax = app.send(ttl=5)
    assert (fax.sid, fax.status) == (FAX["sid"], "queued")
    assert app.wait(fax.sid) == "busy"
    assert [one.sid for one in app.client().fax.faxes.list()] == [FAX["sid"]]
    assert len(responses.calls) == 3
    assert "To=%2B15005550009" in responses.calls[0].request.body

@responses.activate
def test_an_error():
    responses.add("POST", URL, json={"code": 21211, "message": "no number", "status": 400}, status=400)
    with pytest.raises(TwilioRestException) as caught:
        app.send()
    assert caught.value.code == 21211

@responses.activate
def test_what_telnyx_cannot_do():
    responses.add("DELETE", FAX["url"] + "/Media/ME" + "a" * 32, status=204)
    assert app.client().fax.faxes(FAX["sid"]).media("ME" + "a" * 32).delete()

@responses.activate
def test_what_cannot_be_converted():
    responses.add("GET", URL + "/FX1", json={**FAX, "sid": "FX1", "status": "busy"})
    assert app.wait("FX1") == "busy"
"""
    )
    result, told = suite.report(backend="replay")

    result.assert_outcomes(passed=3, failed=1)
    tests = told["tests"]
    assert {name: test["kind"] for name, test in tests.items()} == {
        "test_it": "replayed",
        "test_an_error": "replayed",
        "test_what_telnyx_cannot_do": "replayed",
        "test_what_cannot_be_converted": "patched",
    }
    create = tests["test_it"]["calls"][0]
    assert (create["answered_by"], create["warned"]) == ("stubs of requests (responses)", ["ttl"])
    assert create["telnyx"][0]["path"] == "/faxes"
    assert tests["test_what_telnyx_cannot_do"]["calls"][0]["refused"].startswith(
        "Telnyx cannot delete"
    )
    assert (
        "HTTP 404 instead of 200"
        in tests["test_what_cannot_be_converted"]["calls"][0]["not_converted"]
    )
    result.stdout.fnmatch_lines(["*not converted: *HTTP 404 instead of 200*"])


def test_without_a_recording(suite):
    """A call that nothing answers fails its test, even where the program catches errors."""
    suite.test(
        """
        import app

        def test_it():
            try:
                app.send()
            except Exception:
                pass
        """
    )
    result = suite.run(backend="replay")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no recording answers POST /faxes: run this test with*"])


def test_recorded_and_replayed(suite, monkeypatch):
    """What was recorded of a run replays with nobody listening, and holds nothing private."""
    suite.test(POLLS)
    with TelnyxEmulator(moves_when_read=True) as telnyx:
        for name, value in telnyx.environ.items():
            monkeypatch.setenv(name, value)
        suite.run(*CONSENT, backend="record").assert_outcomes(passed=2)
        key = telnyx.api_key
        assert len(telnyx.faxes) == 1
    for name in telnyx.environ:
        monkeypatch.delenv(name)
    files = sorted((suite.pytester.path / "fax_cassettes").rglob("*.yaml"))
    result, told = suite.report("-p", "no:randomly", backend="replay")

    result.assert_outcomes(passed=2)
    assert {test["kind"] for test in told["tests"].values()} == {"replayed"}
    assert [file.name for file in files] == ["test_lists.yaml", "test_polls.yaml"]
    for file in files:
        text = file.read_text()
        assert key not in text
        assert "X-Amz-Signature" not in text
        assert all(
            one["request"]["uri"].startswith("https://api.telnyx.com/v2/")
            for one in read(file).interactions
        )


def test_a_recording_is_a_cassette(suite, monkeypatch):
    """Vcrpy itself reads what was recorded."""
    suite.test("import app\ndef test_it(): app.send()")
    with TelnyxEmulator() as telnyx:
        for name, value in telnyx.environ.items():
            monkeypatch.setenv(name, value)
        suite.run(*CONSENT, "--fax-cassettes=made", backend="record").assert_outcomes(passed=1)
    path = suite.pytester.path / "made" / "test_suite" / "test_it.yaml"

    with vcr.use_cassette(str(path), record_mode="none") as cassette:
        (request,) = cassette.requests
    assert (request.method, request.uri) == ("POST", "https://api.telnyx.com/v2/faxes")
    assert json.loads(request.body)["to"].startswith("+1500555")


def test_numbers_are_scrubbed_and_given_back(suite, monkeypatch):
    """A file has fictional numbers; the program sees those that it sent."""
    suite.test(
        """
        import app

        def test_it():
            assert app.send("+12065550123").to == "+12065550123"
        """
    )
    with TelnyxEmulator() as telnyx:
        for name, value in telnyx.environ.items():
            monkeypatch.setenv(name, value)
        options = (CONSENT[0], "--fax-live-to=+12065550123", CONSENT[2])
        suite.run(*options, backend="record").assert_outcomes(passed=1)
    (file,) = (suite.pytester.path / "fax_cassettes").rglob("*.yaml")

    assert "2065550123" not in file.read_text()
    suite.run(backend="replay").assert_outcomes(passed=1)


def test_recording_needs_what_live_needs(suite):
    """It sends real faxes."""
    suite.test("def test_it(): pass")
    result = suite.run(backend="record")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--fax-backend=record sends real faxes*--fax-live-budget=N*"])
