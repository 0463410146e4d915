"""What the reports say of each test, and how a run differs from its control."""

import json
import re

import pytest

from twilio_fax_compat.pytest_plugin.report.comparison import Difference, differences
from twilio_fax_compat.pytest_plugin.report.records import (
    DeepRun,
    TelnyxCall,
    TestRecord,
    TwilioCall,
    masked_fields,
)

CANNOT_PASS = """
import app, pytest

def test_sent():
    fax = app.send(ttl=5, status_callback="https://app.example.com/secret/path")
    assert app.wait(fax.sid) == "delivered"

def test_sip_login():
    app.send("sip:bob@fax.example", sip_auth_username="bob", sip_auth_password="hunter2")

def test_media_alone():
    fax = app.send()
    app.wait(fax.sid)
    assert fax.fetch().media.list()[0].delete()

def test_wrong():
    assert app.send().status == "delivered", "to +15005550009"

@pytest.mark.xfail
def test_expected():
    assert app.send().status == "delivered"

@pytest.mark.skip(reason="not today")
def test_skipped(): pass

@pytest.fixture
def broken():
    raise RuntimeError("no set-up")

def test_error(broken): pass

def test_list():
    app.send()
    assert [fax.status for fax in app.client().fax.faxes.list(to="+15005550009")] == ["queued"]
"""


@pytest.fixture
def mixed(suite):
    suite.test(CANNOT_PASS)
    return suite


def test_the_json_report(mixed):
    """Calls, requests, parameters, statuses, verdicts and reasons are there; nothing private is."""
    result, told = mixed.report()

    result.assert_outcomes(passed=2, failed=3, xfailed=1, skipped=1, errors=1)
    tests = told["tests"]
    assert told["version"] == 1
    assert told["backend"] == "emulator"
    assert told["differences"] is None
    assert {name: test["verdict"] for name, test in tests.items()} == {
        "test_sent": "passed",
        "test_sip_login": "failed",
        "test_media_alone": "failed",
        "test_wrong": "failed",
        "test_expected": "xfailed",
        "test_skipped": "skipped",
        "test_error": "error",
        "test_list": "passed",
    }
    assert told["summary"]["verdicts"]["failed"] == 3
    assert told["summary"]["kinds"] == {"telnyx": 5, "unanswered": 1, "none": 2}
    create, *fetches = tests["test_sent"]["calls"]
    assert (create["operation"], create["status"], create["statuses"]) == (
        "faxes.create",
        201,
        ["queued"],
    )
    assert create["warned"] == ["status_callback", "ttl"]
    assert [(one["method"], one["path"], one["status"]) for one in create["telnyx"]] == [
        ("POST", "/faxes", 202)
    ]
    assert create["telnyx"][0]["body"]["to"] == "...0009"
    assert [status for call in fetches for status in call["statuses"]] == [
        "queued",
        "processing",
        "processing",
        "sending",
        "delivered",
    ]
    (sip,) = tests["test_sip_login"]["calls"]
    assert sip["telnyx"] == []
    assert sip["refused"].startswith("sip_auth_username: Telnyx cannot log in")
    media = tests["test_media_alone"]["calls"][-1]
    assert (media["operation"], media["status"]) == ("media.delete", 405)
    assert media["refused"].startswith("Telnyx cannot delete the media of a fax and keep the fax")
    assert tests["test_list"]["calls"][1]["telnyx"][0]["query"]["filter[to][eq]"] == "...0009"
    assert tests["test_error"]["reason"] == "RuntimeError: no set-up"
    assert tests["test_skipped"]["reason"] == "Skipped: not today"
    text = json.dumps(told)
    for private in ("5005550009", "hunter2", "bob@", "secret/path", "KEY0EMULATOR"):
        assert private not in text


def test_the_summary(mixed):
    """The terminal tells what did not pass and why, and what was left out."""
    result = mixed.run()

    result.stdout.fnmatch_lines(
        [
            "*= fax on Telnyx (emulator) =*",
            "*5 ran on Telnyx (2 passed, 2 failed, 1 xfailed)",
            "*1 not answered by Telnyx: refused beforehand, *(1 failed)",
            "*2 made no fax call (1 skipped, 1 error)",
            "did not pass:",
            "  test_suite.py::test_sip_login",
            "    sip_auth_username: Telnyx cannot log in to a SIP destination: *",
            "  test_suite.py::test_media_alone",
            "    Telnyx cannot delete the media of a fax and keep the fax*",
            "left out, because Telnyx has no equivalent: ttl (in 1 tests)",
        ]
    )


def test_the_html_report(mixed):
    """One page with all of it, which loads nothing and in which nothing can break out."""
    path = mixed.pytester.path / "out" / "report.html"
    mixed.test("def test_it():\n    assert False, '<script>alert(1)</script>'", name="test_html")
    mixed.run(f"--fax-report={path}")
    page = path.read_text()

    assert page.startswith("<!doctype html>")
    assert "test_suite.py::<wbr>test_sip_login" in page
    assert "sip_auth_username: Telnyx cannot log in" in page
    assert "faxes.create" in page
    assert "POST /faxes" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert not re.search(r"<(link|img|script)|url\(|@import", page)
    assert "5005550009" not in page


def test_a_report_is_named_after_its_kind(suite):
    """Any other name is refused before a test runs."""
    suite.test("def test_it(): pass")
    result = suite.run("--fax-report=report.txt")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--fax-report=report.txt: the name must end in .json or .html*"])


def test_a_report_that_cannot_be_written(suite):
    """The tests have their results, the summary names the file, and the run is not a success."""
    suite.test("import pathlib\n\ndef test_it():\n    pathlib.Path('taken.json').mkdir()")
    result = suite.run("--fax-report=taken.json", "--fax-report=report.json")

    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["the report *taken.json cannot be written: *", "report: *report.json"]
    )
    assert suite.pytester.path.joinpath("report.json").exists()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_differences_from_a_control_run(suite):
    """Verdicts that changed are told with their reasons, and so are tests that only one run has."""
    suite.test(
        """
        import app, pytest
        from twilio.rest import Client

        def test_same(): pass
        def test_was_never_so(): assert Client.__module__.startswith("twilio.")
        def test_sip_login():
            app.send("sip:bob@fax.example", sip_auth_username="bob", sip_auth_password="x")
        """
    )
    _, here = suite.report()
    control = suite.pytester.path / "control.json"
    told = json.loads((suite.pytester.path / "report.json").read_text())
    told["tests"] = [
        {**test, "verdict": "passed", "reason": ""}
        for test in told["tests"]
        if not test["nodeid"].endswith("never_so")
    ]
    control.write_text(json.dumps(told))
    result, there = suite.report(f"--fax-compare={control}")

    assert [
        (one["nodeid"].rpartition("::")[2], one["before"], one["after"])
        for one in there["differences"]
    ] == [
        ("test_sip_login", "passed", "failed"),
        ("test_was_never_so", "absent", "failed"),
    ]
    assert "Telnyx cannot log in" in there["differences"][0]["why"]
    result.stdout.fnmatch_lines(
        [
            "differences from the control run: 2",
            "  test_suite.py::test_sip_login: passed -> failed",
            "    sip_auth_username: *",
        ]
    )
    assert here["differences"] is None


def test_a_control_that_is_none(suite):
    """A file that is not a report is refused before a test runs."""
    suite.test("def test_it(): pass")
    (suite.pytester.path / "control.json").write_text('{"tests": [{"foo": 1}]}')
    for name in ("control.json", "missing.json"):
        result = suite.run(f"--fax-compare={name}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*--fax-compare={name}: this is not a report of*"])


def test_the_control_run_changes_nothing(suite):
    """Twilio's own package answers, and its log tells which calls were made."""
    pytest.importorskip("twilio", reason="needs twilio: pip install twilio")
    pytest.importorskip("responses", reason="needs responses")
    suite.test(
        """
        import logging, os
        import responses
        from twilio.rest import Client
        import twilio.rest

        @responses.activate
        def test_it(caplog):
            assert Client.__module__ == "twilio.rest"
            assert "TELNYX_API_KEY" not in os.environ
            responses.add(responses.GET, "https://fax.twilio.com/v1/Faxes", json={"faxes": [], "meta": {"key": "faxes"}})
            Client("AC1", "t").request("GET", "https://fax.twilio.com/v1/Faxes")
            assert not caplog.records
            logging.getLogger("twilio.http_client").warning("seen")
            assert [record.message for record in caplog.records] == ["seen"]
        """
    )
    result, told = suite.report(backend="twilio")

    result.assert_outcomes(passed=1)
    test = told["tests"]["test_it"]
    assert test["kind"] == "control"
    assert [(call["operation"], call["answered_by"]) for call in test["calls"]] == [
        ("faxes.list", "twilio")
    ]


def test_records_survive_json():
    """What a worker sends is what the report has."""
    call = TwilioCall(
        "faxes.create", "POST", "/Faxes", {"To": "...0009"}, telnyx=[TelnyxCall("POST", "/faxes")]
    )
    record = TestRecord("a::b", calls=[call], deep=DeepRun("passed", [call], ["p"], ["n"]))

    assert TestRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_what_differs():
    """A test is compared by its id; equal verdicts are no difference, whatever the reasons."""
    control = [TestRecord("a", verdict="passed"), TestRecord("b", verdict="failed", reason="x")]
    here = [
        TestRecord("a", verdict="failed", reason="y"),
        TestRecord("b", verdict="failed", reason="z"),
    ]

    assert differences(control, here) == [Difference("a", "passed", "failed", "y")]
    assert differences(control, control) == []


def test_fields_are_shown_without_what_is_private():
    """Numbers, users, URLs' paths and passwords are cut; flags and counts stay what they are."""
    assert masked_fields(
        {
            "To": "+15005550009",
            "MediaUrl": "https://www.example.com/a?token=x",
            "StoreMedia": True,
            "Ttl": 5,
            "From": None,
            "SipAuthPassword": "x",
        }
    ) == {
        "To": "...0009",
        "MediaUrl": "https://www.example.com/...",
        "StoreMedia": True,
        "Ttl": 5,
        "SipAuthPassword": "***",
    }
