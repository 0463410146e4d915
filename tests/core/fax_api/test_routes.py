"""The routes of Twilio's fax API, and the conversations behind them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.flows import Run, answer, lost, refused
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.fax_api.routes import FlowSettings, answer_request, twilio_request
from twilio_fax_compat._core.messages import TwilioResponse

ID = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"
SID, ME = "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e", "ME6ddd26420dab4bcf9c5f45dd5f0a2d2e"
SETUP = FlowSettings(account_sid="AC1", connection_id="1", retry=RetryPolicy())
LINK = "https://s3.example/fax.pdf?X-Amz-Date=20260701T115900Z&X-Amz-Expires=7200"
FRESH = "https://s3.example/fax.pdf?X-Amz-Date=20260701T121000Z&X-Amz-Expires=7200"
LATER = "Wed, 01 Jul 2026 12:10:00 GMT"


def run(method, path, answers=(), facts=None, **fields):
    params, data = (None, fields) if method == "POST" else (fields, None)
    url = "https://fax.twilio.com/v1" + path
    return Run(answer_request(twilio_request(method, url, params, data), SETUP), answers, facts)


def shown(status=200, date=None, **changes):
    fax = {"id": ID, "direction": "outbound", "status": "queued", **changes}
    return answer(status, {"data": fax}, **({"date": date} if date else {}))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Faces", 404),
        ("GET", "/", 404),
        ("GET", f"/Faxes/{SID}/Medium", 404),
        ("GET", f"/Faxes/{SID}/Media/{ME}/more", 404),
        ("PUT", "/Faxes", 405),
        ("PUT", f"/Faxes/{SID}", 405),
        ("POST", f"/Faxes/{SID}/Media", 405),
        ("POST", f"/Faxes/{SID}/Media/{ME}", 405),
        ("DELETE", f"/Faxes/{SID}/Media/{ME}", 405),
        ("GET", "/Faxes/FX1", 404),
        ("GET", f"/Faxes/{SID}/Media/ME1", 404),
        ("GET", f"/Faxes/{SID}/Media/ME{'0' * 32}", 404),
        ("GET", "/Faxes/%2e%2e", 404),
    ],
)
def test_what_is_not_there_is_answered_without_a_request(method, path, status):
    """Paths, methods and SIDs that do not exist are Twilio's 404 and 405."""
    response = run(method, path).response

    assert (status, status) == (response.status, response.payload["status"])


@given(st.sampled_from(["GET", "POST", "DELETE", "HEAD", "x"]), st.text(max_size=60))
def test_no_path_raises(method, path):
    """Any path is answered, without a request unless it names something."""
    response = run(method, "/Faxes/x" + path).response

    assert isinstance(response, TwilioResponse)
    assert response.status in (404, 405)


def test_a_query_in_the_url_and_parameters_are_one():
    """``get_page`` passes a URL with a query, ``page`` passes parameters."""
    request = twilio_request("GET", "https://fax.twilio.com/v1/Faxes?From=%2B1&Page=1", {"Page": 2})

    assert (request.path, request.fields) == ("/Faxes", {"From": "+1", "Page": 2})


@pytest.mark.parametrize("failure", [lost(), refused(), answer(429), answer(502), answer(504)])
def test_a_fetch_is_repeated(failure):
    """Connection errors, 429, 502, 503 and 504 are tried again."""
    tried = run("GET", f"/Faxes/{SID}", [failure, failure, shown()])

    assert tried.response.payload["sid"] == SID
    assert len(tried.pauses) == 2


@pytest.mark.parametrize("failure", [answer(500), answer(400), answer(403), answer(404)])
def test_other_errors_are_not_repeated(failure):
    """An answer that will not change is an error at once."""
    tried = run("GET", f"/Faxes/{SID}", [failure])

    assert tried.response.status == failure.status
    assert tried.pauses == []


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (lost(), 504, 20503),
        (refused(), 503, 20503),
        (answer(503), 503, 20503),
        (answer(429), 429, 20429),
    ],
)
def test_repeating_ends(failure, status, code):
    """After the last attempt the failure is Twilio's."""
    tried = run("GET", f"/Faxes/{SID}", lambda _request: failure)

    assert (status, code) == (tried.response.status, tried.response.payload["code"])
    assert sum(tried.pauses) <= SETUP.retry.budget


def test_a_cancelled_fax_that_failed_is_canceled():
    """What is remembered of a fax tells how it ended."""
    told = run("GET", f"/Faxes/{SID}", [shown(status=200)], {ID: Facts(cancel_asked=True)})
    assert told.response.payload["status"] == "queued"

    failed = answer(200, {"data": {"id": ID, "direction": "outbound", "status": "failed"}})
    told = run("GET", f"/Faxes/{SID}", [failed], {ID: Facts(cancel_asked=True)})
    assert told.response.payload["status"] == "canceled"


def test_cancelling_watches_until_it_took_hold():
    """The cancellation is remembered before anything else, and its effect waited for."""
    failed = answer(200, {"data": {"id": ID, "direction": "outbound", "status": "failed"}})
    told = run(
        "POST",
        f"/Faxes/{SID}",
        [answer(202), shown(), failed],
        {ID: Facts(True)},
        Status="canceled",
    )

    assert told.remembered == {ID: Facts(cancel_asked=True)}
    assert told.response.payload["status"] == "canceled"
    assert told.pauses == [0.25]


def test_a_repeated_cancellation_that_is_too_late_worked():
    """When an answer was lost and the fax then cannot be cancelled, the first try did it."""
    refusal = answer(422, {"errors": [{"code": "90080", "title": "no"}]})
    failed = answer(200, {"data": {"id": ID, "direction": "outbound", "status": "failed"}})
    told = run(
        "POST", f"/Faxes/{SID}", [lost(), refusal, failed], {ID: Facts(True)}, Status="canceled"
    )
    assert told.response.payload["status"] == "canceled"

    told = run("POST", f"/Faxes/{SID}", [refusal], Status="canceled")
    assert (told.response.status, told.remembered) == (400, {})


def test_a_cancellation_without_an_answer_is_remembered():
    """It may have been accepted, so a failure of the fax reads as canceled later."""
    told = run("POST", f"/Faxes/{SID}", lambda _request: lost(), Status="canceled")
    assert (told.response.status, told.remembered) == (504, {ID: Facts(cancel_asked=True)})

    told = run("POST", f"/Faxes/{SID}", lambda _request: refused(), Status="canceled")
    assert told.remembered == {}


def test_an_expired_link_is_judged_by_the_servers_clock():
    """Telnyx's ``Date`` decides, and without one our own clock."""
    fax = {"store_media": True, "stored_media_url": LINK}
    assert (
        len(
            run(
                "GET", f"/Faxes/{SID}", [shown(date="Wed, 01 Jul 2026 12:00:00 GMT", **fax)]
            ).requests
        )
        == 1
    )
    assert len(run("GET", f"/Faxes/{SID}", [shown(**fax)]).requests) == 1

    renewed = [shown(date=LATER, **fax), answer(200), shown(date=LATER, stored_media_url=FRESH)]
    told = run("GET", f"/Faxes/{SID}", renewed)
    assert told.said[1:] == [f"POST /faxes/{ID}/actions/refresh", f"GET /faxes/{ID}"]
    assert told.response.payload["media_url"] == FRESH


def test_a_link_is_waited_for():
    """A refreshed link may take a moment to show."""
    old = shown(date=LATER, stored_media_url=LINK)
    told = run(
        "GET",
        f"/Faxes/{SID}",
        [old, answer(200), old, old, shown(date=LATER, stored_media_url=FRESH)],
    )

    assert told.response.payload["media_url"] == FRESH
    assert told.pauses == [0.25, 0.5]
    assert told.warnings == []


def test_a_link_that_stays_dead_is_warned_about():
    """The fax is returned with what there is, and a warning says so."""
    old = shown(date=LATER, stored_media_url=LINK)
    told = run("GET", f"/Faxes/{SID}", [old, answer(200), old, old, old, old])

    assert told.response.payload["media_url"] == LINK
    assert [warning.parameter for warning in told.warnings] == ["media_url"]


def test_errors_on_the_way_to_a_link_are_told():
    """A fax that goes away meanwhile is a 404."""
    old = shown(date=LATER, stored_media_url=LINK)
    told = run("GET", f"/Faxes/{SID}", [old, answer(200), answer(404)])

    assert told.response.status == 404


@pytest.mark.parametrize(
    "path", [f"/Faxes/{SID}", f"/Faxes/{SID}/Media", f"/Faxes/{SID}/Media/{ME}"]
)
@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": []}', b'{"data": null}', b"\x00"])
def test_an_answer_without_a_fax_is_an_error(path, body):
    """A 200 that holds no fax is a bad gateway, not an empty fax."""
    response = run("GET", path, lambda _request: answer(200, body)).response

    assert (response.status, response.payload["code"]) == (502, 20500)


def test_media_pages():
    """The one media is on the first page."""
    stored = shown(stored_media_url=LINK)
    first = run("GET", f"/Faxes/{SID}/Media", [stored], PageSize=1).response.payload
    second = run("GET", f"/Faxes/{SID}/Media", [stored], Page=1).response.payload

    assert [media["sid"] for media in first["media"]] == [ME]
    assert first["meta"]["next_page_url"] is None
    assert second["media"] == []
    assert run("GET", f"/Faxes/{SID}/Media", PageSize=0).response.status == 400


def test_an_update_without_a_status_is_a_fetch():
    """As at Twilio, an empty update is legal."""
    assert run("POST", f"/Faxes/{SID}", [shown()]).response.payload["sid"] == SID
    assert run("POST", f"/Faxes/{SID}", Status="done").response.status == 400
