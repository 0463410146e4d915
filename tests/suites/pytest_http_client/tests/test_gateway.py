from datetime import datetime, timezone
from decimal import Decimal

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.response import Response

from canned import FAXES, MEDIA, SID, answer, error, fax, media, page
from clinic.gateway import NotSent

DOCUMENT = "https://www.example.com/referral.pdf"


def test_send(gateway, holodeck):
    holodeck.mock(answer(201, fax()))

    sent = gateway.send("+15005550009", DOCUMENT)

    assert (sent.sid, sent.status, sent.quality) == (SID, "queued", "superfine")
    assert sent.date_created == datetime(2015, 7, 30, 20, tzinfo=timezone.utc)
    holodeck.assert_has_request(
        "POST",
        FAXES,
        data={
            "To": "+15005550009",
            "MediaUrl": DOCUMENT,
            "From": "+15005550006",
            "Quality": "superfine",
            "StoreMedia": True,
        },
    )


def test_credentials_are_sent(gateway, holodeck):
    holodeck.mock(answer(201, fax()))
    gateway.send("+15005550009", DOCUMENT)

    assert holodeck.requests[0][3] == ("AC" + "a" * 32, "AUTHTOKEN")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (21211, "The 'To' number 12 is not a valid phone number."),
        (21212, "The 'From' number is not a valid phone number."),
    ],
)
def test_a_refusal_has_twilios_code(gateway, holodeck, code, message):
    holodeck.mock(error(400, code, message))

    with pytest.raises(NotSent) as caught:
        gateway.send("+15005550009", DOCUMENT)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ("queued", False),
        ("processing", False),
        ("sending", False),
        ("delivered", True),
        ("busy", True),
        ("no-answer", True),
        ("failed", True),
        ("canceled", True),
    ],
)
def test_is_over(gateway, holodeck, status, over):
    holodeck.mock(answer(200, fax(status=status)))

    assert gateway.is_over(SID) is over
    holodeck.assert_has_request("GET", FAXES + "/" + SID)


def test_fetch_gives_another_instance(client, holodeck):
    delivered = fax(status="delivered", num_pages=3, duration=65, media_sid=MEDIA)
    holodeck.mock(answer(200, fax()), answer(200, delivered))
    before = client.fax.faxes(SID).fetch()
    after = before.fetch()

    assert (before.status, after.status) == ("queued", "delivered")
    assert (after.num_pages, after.duration, after.media_sid) == (3, 65, MEDIA)


def test_a_price_is_a_decimal(client, holodeck):
    holodeck.mock(answer(200, fax(status="delivered", price="-0.0140", price_unit="USD")))
    found = client.fax.faxes(SID).fetch()

    assert (found.price, found.price_unit) == (Decimal("-0.0140"), "USD")


def test_inbox_goes_on_over_pages(gateway, holodeck):
    def received(digit, **more):
        sid = "FX" + digit * 32
        came = {"from": "+15005550009", "to": "+15005550006", "num_pages": 2}
        return fax(sid, direction="inbound", status="received", **came, **more)

    following = FAXES + "?To=%2B15005550006&PageSize=50&Page=1&PageToken=PAFX1"
    holodeck.mock(
        page([received("1"), received("2")], next_page_url=following),
        page([received("3")], number=1),
    )

    assert gateway.inbox() == [("FX" + digit * 32, "+15005550009", 2) for digit in "123"]
    assert [url for _, url, _, _ in holodeck.requests] == [FAXES, following]
    holodeck.assert_has_request("GET", FAXES, params={"To": "+15005550006"})


def test_inbox_stops_at_its_limit(gateway, holodeck):
    holodeck.mock(page([fax("FX" + digit * 32, direction="inbound") for digit in "12"]))

    assert len(gateway.inbox(limit=1)) == 1
    holodeck.assert_has_request("GET", FAXES, params={"To": "+15005550006", "PageSize": 1})


def test_dates_are_written_in_iso_8601(client, holodeck):
    holodeck.mock(page([]))
    client.fax.faxes.list(date_created_after=datetime(2021, 3, 4, 5, 6, 7))

    holodeck.assert_has_request("GET", FAXES, params={"DateCreatedAfter": "2021-03-04T05:06:07Z"})


def test_document(gateway, holodeck):
    holodeck.mock(page([media()], "media", FAXES + "/" + SID + "/Media"))

    assert gateway.document(SID) == ("application/pdf", media()["url"])


def test_no_document(gateway, holodeck):
    holodeck.mock(page([], "media", FAXES + "/" + SID + "/Media"))

    assert gateway.document(SID) is None


def test_cancel(client, holodeck):
    holodeck.mock(answer(200, fax(status="canceled")))

    assert client.fax.faxes(SID).update(status="canceled").status == "canceled"
    holodeck.assert_has_request("POST", FAXES + "/" + SID, data={"Status": "canceled"})


def test_forget(gateway, holodeck):
    holodeck.mock(Response(204, None))

    assert gateway.forget(SID) is True
    holodeck.assert_has_request("DELETE", FAXES + "/" + SID)


def test_what_is_not_there(client, holodeck):
    message = "The requested resource /Faxes/" + SID + " was not found"
    holodeck.mock(error(404, 20404, message))

    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes(SID).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
    assert caught.value.uri == "/Faxes/" + SID
    assert message in caught.value.msg


def test_lists_fail_without_a_code(client, holodeck):
    holodeck.mock(error(500, 20500, "Internal Server Error"))

    with pytest.raises(TwilioException, match="Unable to fetch page") as caught:
        client.fax.faxes.list()
    assert not isinstance(caught.value, TwilioRestException)


def test_is_up(gateway, holodeck):
    holodeck.mock(page([]), error(503, 20503, "Service Unavailable"))

    assert [gateway.is_up(), gateway.is_up()] == [True, False]
