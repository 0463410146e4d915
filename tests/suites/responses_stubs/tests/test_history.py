"""Twilio is stubbed with requests_mock."""

import re
from datetime import datetime

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from notices import history
from twilio_answers import ACCOUNT, FAXES, fax, page

WHO = (ACCOUNT, "token")


def test_sent_to(requests_mock):
    requests_mock.get(FAXES, json=page([fax("2", status="busy"), fax("1", status="delivered")]))

    assert history.sent_to("+15005550009", *WHO) == [
        ("FX" + "2" * 32, "busy"),
        ("FX" + "1" * 32, "delivered"),
    ]
    assert requests_mock.call_count == 1
    assert requests_mock.last_request.qs == {"to": ["+15005550009"]}


def test_sent_since(requests_mock):
    requests_mock.get(FAXES + "?DateCreatedAfter=2021-03-01T00:00:00Z", json=page([fax()]))

    assert len(history.sent_to("+15005550009", *WHO, since=datetime(2021, 3, 1))) == 1


def test_two_pages(requests_mock):
    following = FAXES + "?PageSize=50&Page=1&PageToken=PAFX2"
    requests_mock.get(
        FAXES,
        [
            {"json": page([fax("3"), fax("2")], next_page_url=following)},
            {"json": page([fax("1")], page=1)},
        ],
    )

    sids = [sid for sid, _ in history.sent_to("+15005550009", *WHO)]
    assert sids == ["FX" + digit * 32 for digit in "321"]
    assert [request.method for request in requests_mock.request_history] == ["GET", "GET"]


def test_a_list_that_fails(requests_mock):
    requests_mock.get(FAXES, status_code=500, json={"code": 20500, "message": "x", "status": 500})

    with pytest.raises(TwilioException, match="Unable to fetch page"):
        history.sent_to("+15005550009", *WHO)


def test_clear(requests_mock):
    requests_mock.delete(re.compile("^" + FAXES + "/FX"), status_code=204)

    assert history.clear(["FX" + "1" * 32, "FX" + "2" * 32], *WHO) == 2
    assert requests_mock.call_count == 2


def test_clear_what_is_gone(requests_mock):
    gone = {"code": 20404, "message": "The requested resource was not found", "status": 404}
    requests_mock.delete(FAXES + "/FX" + "1" * 32, status_code=404, json=gone)

    with pytest.raises(TwilioRestException) as caught:
        history.clear(["FX" + "1" * 32], *WHO)
    assert caught.value.code == 20404


def test_media_links(requests_mock):
    url = "{}/FX{}/Media".format(FAXES, "1" * 32)
    media = {
        "sid": "ME" + "1" * 32,
        "account_sid": ACCOUNT,
        "fax_sid": "FX" + "1" * 32,
        "content_type": "application/pdf",
        "date_created": "2021-03-04T05:06:07Z",
        "date_updated": "2021-03-04T05:06:07Z",
        "url": url + "/ME" + "1" * 32,
    }
    requests_mock.get(url, json={"media": [media], "meta": {"key": "media", "page": 0}})

    assert history.media_links("FX" + "1" * 32, *WHO) == [media["url"]]
