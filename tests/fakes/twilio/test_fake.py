"""The fake answers as Twilio did: as its OpenAPI file, its own client and its documents say."""

import gzip
import json
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from tests import openapi
from tests.base.libraries import needs_751
from tests.fakes.twilio import FINAL, FakeTwilio, client_of_fake, judge, lead_requests
from tests.fakes.twilio.faxes import signature
from tests.webhooks import apps
from tests.webhooks.serving import listening

FROM, TO, MEDIA_URL = "+15005550006", "+15005550009", "https://www.example.com/fax.pdf"
NOON = datetime(2021, 3, 4, 12, tzinfo=timezone.utc)
ORDER = {"From": FROM, "To": TO, "MediaUrl": MEDIA_URL}

needs_file = pytest.mark.skipif(not openapi.is_available(), reason=judge.WHERE)


@pytest.fixture(name="twilio")
def _twilio():
    with FakeTwilio(now=NOON) as fake:
        yield fake


@pytest.fixture(name="client")
def _client(twilio):
    return client_of_fake(twilio)


def ask(twilio, method, target, form=None, auth=True, **headers):
    """Return the status, body and headers of an answer."""
    if auth:
        pair = f"{twilio.account_sid}:{twilio.auth_token}".encode()
        headers["Authorization"] = "Basic " + b64encode(pair).decode()
    data = None if form is None else urlencode(form).encode()
    request = Request(twilio.url + target, data, headers, method=method)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        return error.code, error.read(), error.headers


def answer_json(twilio, *args, **kwargs):
    status, body, _ = ask(twilio, *args, **kwargs)
    return status, json.loads(body)


@needs_file
def test_every_operation_answers_as_the_file_says(twilio):
    """All eight operations are there, and their answers are those of Twilio's file."""
    sid = answer_json(twilio, "POST", "/v1/Faxes", ORDER)[1]["sid"]
    other = twilio.send(FROM, TO)
    twilio.complete(sid, pages=3)
    media = f"/v1/Faxes/{sid}/Media/{twilio.fax(sid)['media_sid']}"
    said = [
        ("POST", "/v1/Faxes", ORDER),
        ("GET", "/v1/Faxes?PageSize=1", None),
        ("GET", f"/v1/Faxes/{sid}", None),
        ("POST", f"/v1/Faxes/{other}", {"Status": "canceled"}),
        ("GET", f"/v1/Faxes/{sid}/Media", None),
        ("GET", media, None),
        ("DELETE", media, None),
        ("DELETE", f"/v1/Faxes/{sid}", None),
    ]
    for method, target, form in said:
        status, body, _ = ask(twilio, method, target, form)
        judge.check_answer(method, urlsplit(target).path, status, body)

    seen = {judge.operation_of(method, urlsplit(target).path) for method, target, _ in said}
    assert seen == judge.operations()


@needs_file
def test_the_final_statuses_are_of_the_file():
    """The final statuses are the remaining ones of Twilio's file."""
    fax = judge.document()["components"]["schemas"]["fax.v1.fax"]["properties"]
    assert set(fax["status"]["enum"]) - FINAL == {
        "queued",
        "processing",
        "sending",
        "receiving",
        None,
    }


@pytest.mark.parametrize(
    ("method", "target", "form", "expected"),
    [
        ("GET", "/v1/Faxes/FX" + "0" * 32, None, (404, 20404)),
        ("GET", "/v1/Letters", None, (404, 20404)),
        ("PUT", "/v1/Faxes", {}, (405, 20004)),
        ("GET", "/v1/Faxes?PageSize=0", None, (400, 20001)),
        ("GET", "/v1/Faxes?DateCreatedAfter=yesterday", None, (400, 20001)),
        ("POST", "/v1/Faxes", {**ORDER, "To": ""}, (400, 21201)),
        ("POST", "/v1/Faxes", {**ORDER, "To": "12"}, (400, 21211)),
        ("POST", "/v1/Faxes", {"To": TO, "MediaUrl": MEDIA_URL}, (400, 21213)),
        ("POST", "/v1/Faxes", {**ORDER, "From": "me"}, (400, 21212)),
        ("POST", "/v1/Faxes", {**ORDER, "MediaUrl": "fax.pdf"}, (400, 21620)),
        ("POST", "/v1/Faxes", {**ORDER, "StatusCallback": "/status"}, (400, 21609)),
        ("POST", "/v1/Faxes", {**ORDER, "Quality": "best"}, (400, 20001)),
        ("POST", "/v1/Faxes", {**ORDER, "Ttl": "soon"}, (400, 20001)),
    ],
)
def test_errors_have_twilios_format(twilio, method, target, form, expected):
    """An error has a code, a message, a link, and its HTTP status again."""
    status, error = answer_json(twilio, method, target, form)

    assert (status, error["code"]) == expected
    assert error["status"] == status
    assert error["more_info"] == f"https://www.twilio.com/docs/errors/{error['code']}"
    assert error["message"]
    assert twilio.faxes == []


def test_other_credentials_are_refused(twilio):
    """Without the account's own credentials every request is a 401."""
    status, body, headers = ask(twilio, "GET", "/v1/Faxes", auth=False)

    assert (status, json.loads(body)["code"]) == (401, 20003)
    assert headers["WWW-Authenticate"].startswith("Basic")
    twilio.auth_token = "another"
    assert ask(twilio, "GET", "/v1/Faxes")[0] == 401


def test_a_sip_destination_needs_no_number_to_send_from(twilio):
    """Both credentials are kept to those who may see them."""
    order = {"To": "sip:fax@example.com", "MediaUrl": MEDIA_URL, "SipAuthPassword": "secret"}
    status, fax = answer_json(twilio, "POST", "/v1/Faxes", order)

    assert (status, fax["from"], fax["to"]) == (201, None, "sip:fax@example.com")
    assert "secret" not in json.dumps(fax)


def test_a_test_moves_the_status(twilio):
    """The media is unknown at first and complete at the end."""
    sid = answer_json(twilio, "POST", "/v1/Faxes", ORDER)[1]["sid"]
    assert twilio.fax(sid)["media_url"] is None
    assert [twilio.step(sid) for _ in range(4)] == ["processing", "sending", *["delivered"] * 2]

    fax = twilio.fax(sid)
    assert (fax["num_pages"], fax["duration"], fax["price"]) == (1, 30, "-0.0070")
    with urlopen(fax["media_url"], timeout=10) as answer:
        assert answer.read().startswith(b"%PDF")


@pytest.mark.parametrize("status", ["failed", "busy", "no-answer", "canceled"])
def test_a_fax_fails(twilio, status):
    """A failed fax has a status and no reason."""
    sid = twilio.send(FROM, TO)
    twilio.fail(sid, status)

    assert twilio.fax(sid)["status"] == status
    assert not {name for name in twilio.fax(sid) if "error" in name}
    assert ask(twilio, "POST", f"/v1/Faxes/{sid}", {"Status": "canceled"})[0] == 409


def test_each_fetch_can_be_a_step():
    """A program that polls sees each status once, the last one as the test wants."""
    with FakeTwilio(steps_on_fetch=True, outcomes={TO: "busy"}) as twilio:
        sid = twilio.send(FROM, TO)
        seen = [answer_json(twilio, "GET", f"/v1/Faxes/{sid}")[1]["status"] for _ in range(4)]

    assert seen == ["processing", "sending", "busy", "busy"]


def test_without_a_stored_copy_there_is_no_media(twilio):
    """StoreMedia as the Python library wrote it, with a capital letter."""
    sid = answer_json(twilio, "POST", "/v1/Faxes", {**ORDER, "StoreMedia": "False"})[1]["sid"]
    twilio.complete(sid)

    assert twilio.fax(sid)["media_sid"] is None
    assert answer_json(twilio, "GET", f"/v1/Faxes/{sid}/Media")[1]["media"] == []


def test_pages_hold_together_while_faxes_arrive(twilio):
    """Newest first, nothing twice, and back again."""
    sids = [twilio.send(FROM, TO) for _ in range(5)]
    first = answer_json(twilio, "GET", "/v1/Faxes?PageSize=2&" + urlencode({"From": FROM}))[1]
    twilio.send(FROM, TO)
    query = urlsplit(first["meta"]["next_page_url"]).query
    second = answer_json(twilio, "GET", "/v1/Faxes?" + query)[1]
    back = urlsplit(second["meta"]["previous_page_url"]).query

    assert [fax["sid"] for fax in first["faxes"] + second["faxes"]] == sids[:0:-1]
    assert parse_qs(query)["From"] == [FROM]
    assert answer_json(twilio, "GET", "/v1/Faxes?" + back)[1]["faxes"] == first["faxes"]
    assert first["meta"]["previous_page_url"] is None
    assert (
        answer_json(twilio, "GET", "/v1/Faxes?PageSize=2&Page=2")[1]["meta"]["next_page_url"]
        is None
    )


def test_lists_are_filtered(twilio):
    """By number, and by time: one bound belongs to the range, the other does not."""
    early = twilio.send(FROM, TO)
    twilio.advance(3600)
    late = twilio.receive(TO, FROM)

    def chosen(**query):
        page = answer_json(twilio, "GET", "/v1/Faxes?" + urlencode(query))[1]
        return [fax["sid"] for fax in page["faxes"]]

    assert chosen(To=FROM) == [late]
    assert chosen(From=FROM) == [early]
    assert chosen(DateCreatedAfter="2021-03-04T12:00:00Z") == [late]
    assert chosen(DateCreatedOnOrBefore="2021-03-04T12:00:00Z") == [early]
    assert chosen(DateCreatedAfter="2021-03-04") == [late, early]


def test_failures_can_be_injected(twilio):
    """An error does nothing; with a lost answer the request took effect, with a lost request it did not."""
    twilio.inject_failure(status=500, method="POST")
    assert answer_json(twilio, "POST", "/v1/Faxes", ORDER)[1]["code"] == 20500
    twilio.inject_failure(drop="before", path="/v1/Fax*")
    with pytest.raises(OSError):
        ask(twilio, "POST", "/v1/Faxes", ORDER)
    assert twilio.faxes == []

    twilio.inject_failure(drop="after")
    with pytest.raises(OSError):
        ask(twilio, "POST", "/v1/Faxes", ORDER)
    assert len(twilio.faxes) == 1

    failure = twilio.inject_failure(delay=0.01, times=None)
    assert [ask(twilio, "GET", "/v1/Faxes")[0] for _ in range(2)] == [200, 200]
    assert failure.times is None
    assert [request.method for request in twilio.requests] == ["POST"] * 3 + ["GET"] * 2


def test_requests_are_kept_as_received(twilio):
    """Method, target, headers and body, in order."""
    ask(twilio, "POST", "/v1/Faxes?x=%2B1", ORDER)
    (request,) = twilio.requests

    assert (request.method, request.target) == ("POST", "/v1/Faxes?x=%2B1")
    assert (request.path, request.query, request.form) == ("/v1/Faxes", {"x": "+1"}, ORDER)
    assert request.credentials == (twilio.account_sid, twilio.auth_token)


def test_answers_are_compressed_on_request():
    """As Twilio did, and only for clients that accept it."""
    with FakeTwilio(compresses=True) as twilio:
        _, body, headers = ask(twilio, "GET", "/v1/Faxes", **{"Accept-Encoding": "gzip, deflate"})
        assert headers["Content-Encoding"] == "gzip"
        assert json.loads(gzip.decompress(body))["faxes"] == []
        assert answer_json(twilio, "GET", "/v1/Faxes")[1]["faxes"] == []


@pytest.fixture(name="app")
def _app():
    log = apps.Log()
    with listening(apps.flask_app(log)) as origin:
        yield origin, log


def test_status_callbacks_are_signed(app):
    """The first and the last status, or each; Twilio's own validator believes them."""
    origin, log = app
    order = {**ORDER, "StatusCallback": origin + "/fax/status"}
    with FakeTwilio(auth_token=apps.TOKEN) as twilio:
        sid = answer_json(twilio, "POST", "/v1/Faxes", order)[1]["sid"]
        twilio.fail(sid, "busy")
        twilio.flush_callbacks()
    with FakeTwilio(auth_token=apps.TOKEN, every_status=True) as twilio:
        twilio.complete(answer_json(twilio, "POST", "/v1/Faxes", order)[1]["sid"], pages=2)
        twilio.flush_callbacks()

    assert log.statuses_told == [
        *["queued", "busy"],
        *["queued", "processing", "sending", "delivered"],
    ]
    assert all(valid for *_, valid in log.seen)
    busy, delivered = log.seen[1][2], log.seen[-1][2]
    assert (busy["ErrorCode"], busy["OriginalMediaUrl"]) == ("34002", MEDIA_URL)
    assert (delivered["NumPages"], "ErrorCode" in delivered) == ("2", False)


def test_a_fax_comes_in(app):
    """The fake requests TwiML from the application, follows it, and requests the action."""
    origin, log = app
    with FakeTwilio(auth_token=apps.TOKEN) as twilio:
        sid = twilio.receive(TO, FROM, fax_url=origin + "/fax")
        twilio.flush_callbacks()
        log.twiml = "<Response><Reject/></Response>"
        rejected = twilio.receive(TO, FROM, fax_url=origin + "/fax")
        twilio.flush_callbacks()
        log.twiml = "<Response/>"
        failed = twilio.receive(TO, FROM, fax_url=origin + "/fax")
        twilio.flush_callbacks()

        assert [twilio.fax(one)["status"] for one in (sid, rejected, failed)] == [
            "received",
            "canceled",
            "failed",
        ]
    assert log.paths == ["/fax", "/fax/received", "/fax", "/fax"]
    assert log.statuses_told == [None, "received", None, None]
    assert all(valid for *_, valid in log.seen)


def test_signatures_are_those_of_twilios_documents():
    """The vector of https://www.twilio.com/docs/usage/webhooks/webhooks-security."""
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert signature("12345", url, params) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signature("12345", url + "#rc=3", params) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@needs_751
def test_twilios_own_client_sends_tracks_and_deletes(twilio, client):
    """The real library's whole life of a fax."""
    fax = client.fax.faxes.create(TO, MEDIA_URL, from_=FROM, store_media=True, ttl=5)
    assert (fax.status, fax.date_created, fax.media_url) == ("queued", NOON, None)
    assert twilio.requests[0].form == {**ORDER, "StoreMedia": "True", "Ttl": "5"}
    twilio.complete(fax.sid, pages=2)

    fax = fax.fetch()
    assert (fax.status, fax.num_pages, str(fax.price)) == ("delivered", 2, "-0.0140")
    (media,) = fax.media.list()
    assert (media.sid, media.content_type) == (fax.media_sid, "application/pdf")
    assert media.fetch().date_created == NOON
    assert media.delete() is True
    assert fax.fetch().media_sid is None
    assert fax.delete() is True
    assert twilio.faxes == []


@needs_751
def test_twilios_own_client_lists_page_after_page(twilio, client):
    """The next page's URL is requested from the fake."""
    sids = [twilio.send(FROM, TO) for _ in range(5)]
    before = NOON + timedelta(seconds=1)

    found = client.fax.faxes.list(from_=FROM, date_created_on_or_before=before, page_size=2)
    assert [fax.sid for fax in found] == sids[::-1]
    assert len(twilio.requests) == 3
    page = client.fax.faxes.page(page_size=2).next_page()
    assert [fax.sid for fax in page.previous_page()] == sids[:2:-1]


@needs_751
def test_twilios_own_client_raises_its_errors(twilio, client):
    """Errors of one record have the code, those of lists have none."""
    from twilio.base.exceptions import TwilioException, TwilioRestException

    with pytest.raises(TwilioRestException, match="was not found") as caught:
        client.fax.faxes("FX" + "0" * 32).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)

    fax = client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)
    assert fax.update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as caught:
        fax.update(status="canceled")
    assert (caught.value.status, caught.value.code) == (409, 20409)

    twilio.inject_failure(status=503)
    with pytest.raises(TwilioException, match="Unable to fetch page"):
        client.fax.faxes.list()


@needs_751
def test_requests_of_any_program_can_be_redirected(twilio):
    """What a program of this process sends to Twilio's fax host arrives at the fake."""
    from twilio.rest import Client

    with lead_requests(twilio):
        fax = Client(twilio.account_sid, twilio.auth_token).fax.faxes.create(
            TO, MEDIA_URL, from_=FROM
        )

    assert [one["sid"] for one in twilio.faxes] == [fax.sid]
    assert twilio.requests[0].headers["User-Agent"].startswith("twilio-python/7.5.1")
