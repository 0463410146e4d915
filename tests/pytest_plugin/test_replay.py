"""``--fax-backend=replay``: a suite's recordings and stubs of Twilio answer the shim."""

from importlib.util import find_spec

import pytest
import yaml

from tests.cassettes.test_command import CREATE, FAX, FETCH, SID, UNMEDIA

needs_stubs = pytest.mark.skipif(
    not (find_spec("responses") and find_spec("requests_mock")),
    reason="needs responses and requests_mock",
)


@pytest.fixture(name="recorded")
def _recorded(suite):
    def write(*interactions):
        data = {"version": 1, "interactions": list(interactions)}
        suite.pytester.path.joinpath("faxes.yaml").write_text(yaml.safe_dump(data))

    return write


WITH_CASSETTE = """
    import app
    import pytest
    import vcr

    SID = "{sid}"
    mode = "{mode}"

    @vcr.use_cassette("faxes.yaml", record_mode=mode)
    def test_it():
        {body}
"""


def cassette_test(body, mode="none"):
    return WITH_CASSETTE.format(sid=SID, mode=mode, body=body)


def test_a_cassette_answers(suite, recorded):
    """Through the shim: the report has the Telnyx requests."""
    recorded(CREATE, FETCH)
    suite.test(
        cassette_test(
            "fax = app.send('+442071838750')\n"
            "        assert (fax.sid, fax.status, fax.fetch().status) == (SID, 'queued', 'busy')"
        )
    )
    result, told = suite.report(backend="replay")

    result.assert_outcomes(passed=1)
    calls = told["tests"]["test_it"]["calls"]
    assert [one["method"] for call in calls for one in call["telnyx"]] == ["POST", "GET"]
    assert told["tests"]["test_it"]["kind"] == "replayed"


@pytest.mark.parametrize("mode", ["none", "once", "new_episodes", "all"])
def test_what_is_not_recorded_is_an_error(suite, recorded, mode):
    """Whatever the record mode: nothing is asked of the network, and the message has no number."""
    recorded(FETCH)
    suite.test(
        cassette_test(
            "assert app.client().fax.faxes(SID).fetch().status == 'busy'\n"
            "        app.client().fax.faxes.list(from_='+14155550123')",
            mode,
        )
    )
    result = suite.run(backend="replay")

    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    assert "the cassette has no answer left for GET /v1/Faxes?From=...0123" in shown
    assert before(suite) == [FETCH]


def before(suite):
    return yaml.safe_load(suite.pytester.path.joinpath("faxes.yaml").read_text())["interactions"]


def test_what_telnyx_cannot_do_fails_with_its_reason(suite, recorded):
    """Though Twilio's answer was recorded."""
    recorded(UNMEDIA)
    suite.test(cassette_test("app.client().fax.faxes(SID).media('ME' + SID[2:]).delete()"))
    result, told = suite.report(backend="replay")

    result.assert_outcomes(failed=1)
    assert "Telnyx cannot delete the media of a fax" in told["tests"]["test_it"]["reason"]


RESPONSES = """
    import app
    import pytest
    import requests
    import responses

    FAX = {fax}
    URL = "https://fax.twilio.com/v1/Faxes"

    @responses.activate
    def test_it():
        responses.add("GET", FAX["url"], json=FAX)
        responses.add("DELETE", FAX["url"], status=204)
        {body}
"""
REQUESTS_MOCK = """
    import app
    import pytest
    import requests
    import requests_mock

    FAX = {fax}
    URL = "https://fax.twilio.com/v1/Faxes"

    def test_it():
        with requests_mock.Mocker({real}) as stubs:
            stubs.get(FAX["url"], json=FAX)
            stubs.delete(FAX["url"], status_code=204)
            {body}
"""


@needs_stubs
@pytest.mark.parametrize("stubs", [RESPONSES, REQUESTS_MOCK])
def test_stubs_answer(suite, stubs):
    """Once for each call, and what they were not asked is told."""
    body = "assert app.client().fax.faxes(FAX['sid']).fetch().status == 'busy'"
    if stubs is RESPONSES:
        body += "; assert len(responses.calls) == 1"
    else:
        body += "; assert stubs.call_count == 1"
    suite.test(stubs.format(fax=FAX, body=body, real=""))
    result, told = suite.report(backend="replay")

    result.assert_outcomes(passed=1)
    test = told["tests"]["test_it"]
    assert test["kind"] == "replayed"
    assert test["unreached"] == [f"DELETE /v1/Faxes/{SID}"]
    result.stdout.fnmatch_lines([f"*stub not reached by *: DELETE /v1/Faxes/{SID}"])


@needs_stubs
@pytest.mark.parametrize(
    ("stubs", "real"),
    [(RESPONSES, ""), (REQUESTS_MOCK, "real_http=True")],
)
def test_nothing_passes_through(suite, stubs, real):
    """Not even where a library was told to let requests through."""
    body = "app.client().fax.faxes.list(to='+14155550123')"
    if stubs is RESPONSES:
        body = "responses.add_passthru('https://'); " + body
    suite.test(stubs.format(fax=FAX, body=body, real=real))
    result = suite.run(backend="replay")

    result.assert_outcomes(failed=1)
    assert "no stub answers GET /v1/Faxes" in result.stdout.str()


@needs_stubs
def test_a_connection_that_fails(suite):
    """What a library raises where no stub fits is what it always raised."""
    suite.test(
        RESPONSES.format(
            fax=FAX,
            body="with pytest.raises(requests.exceptions.ConnectionError): "
            "app.client().fax.faxes.list()",
        )
    )
    suite.run(backend="replay").assert_outcomes(passed=1)


@needs_stubs
def test_a_page_that_comes_in_parts(suite):
    """Twilio's stub gives more than a page of Telnyx holds: the rest is asked of nobody."""
    body = (
        "page = [{**FAX, 'sid': 'FX%032x' % n} for n in range(300)]\n"
        "        meta = {'key': 'faxes', 'next_page_url': None}\n"
        "        responses.add('GET', URL, json={'faxes': page, 'meta': meta})\n"
        "        faxes = app.client().fax.faxes.list(page_size=1000)\n"
        "        assert [fax.sid for fax in faxes] == [fax['sid'] for fax in page]\n"
        "        assert len(responses.calls) == 1"
    )
    suite.test(RESPONSES.format(fax=FAX, body=body))

    suite.run(backend="replay").assert_outcomes(passed=1)
