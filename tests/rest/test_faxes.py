"""Sending, reading, listing, cancelling and deleting faxes, over HTTP against the emulator."""

import logging
import warnings
from datetime import datetime, timedelta, timezone

import httpx
import pytest

from tests.helpers import ACCOUNT, BUSY, FAST, FROM, MEDIA_URL, TO, fax_id, make_client, send
from twilio_fax_compat import TelnyxCompatibilityWarning
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.testing import TelnyxEmulator, faults


def test_a_new_fax_is_as_twilios_were(client, telnyx):
    """Queued, with the numbers and quality it was given, and nothing known of media or pages."""
    fax = client.fax.faxes.create(
        to=TO, media_url=MEDIA_URL, from_=FROM, quality="superfine", store_media=False
    )

    assert fax._properties == {
        "sid": fax.sid,
        "account_sid": ACCOUNT,
        "from_": FROM,
        "to": TO,
        "quality": "superfine",
        "media_sid": None,
        "media_url": None,
        "num_pages": None,
        "duration": None,
        "status": "queued",
        "direction": "outbound",
        "api_version": "v1",
        "price": None,
        "price_unit": None,
        "date_created": fax.date_created,
        "date_updated": fax.date_created,
        "links": {"media": f"https://fax.twilio.com/v1/Faxes/{fax.sid}/Media"},
        "url": f"https://fax.twilio.com/v1/Faxes/{fax.sid}",
    }
    assert abs(fax.date_created - telnyx.now) < timedelta(seconds=2)
    resource = telnyx.faxes[0]
    assert (resource["quality"], resource["store_media"]) == ("very_high", False)


def test_a_program_polls_a_fax_to_its_end(client, telnyx):
    """``fetch`` gives new instances whose status goes the way Twilio's went."""
    fax = send(client)
    seen = [fax.status]
    while seen[-1] in ("queued", "processing", "sending"):
        telnyx.step(fax_id(fax))
        seen.append(client.fax.faxes(fax.sid).fetch().status)

    assert seen == ["queued", "processing", "processing", "sending", "delivered"]
    assert fax.status == "queued"
    assert fax.fetch() is not fax


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("user_busy", "busy"),
        ("receiver_no_answer", "no-answer"),
        ("sender_canceled", "canceled"),
        ("file_download_failed", "failed"),
    ],
)
def test_failures_are_told_apart(client, telnyx, reason, status):
    """A fax that failed reads by its reason."""
    telnyx.outcome(TO, reason)
    fax = send(client)
    telnyx.settle()

    assert fax.fetch().status == status


def test_older_answers_tell_no_reason():
    """Where Telnyx tells no reason, a failure is failed, unless we cancelled it."""
    with TelnyxEmulator(resource_failure_reason=False, outcomes={BUSY: "user_busy"}) as telnyx:
        client = make_client(telnyx)
        busy, other = send(client, BUSY), send(client)
        telnyx.settle()
        assert busy.fetch().status == "failed"
        assert other.fetch().status == "delivered"
        assert send(client).update(status="canceled").status == "canceled"


def test_media_url_is_the_stored_copy_and_opens(client, telnyx):
    """After sending, ``media_url`` leads to the provider's PDF, not to what the caller passed."""
    fax = send(client)
    telnyx.settle()
    fax = fax.fetch()

    assert fax.media_url != MEDIA_URL
    assert httpx.get(fax.media_url).content.startswith(b"%PDF")
    assert fax.media_sid == "ME" + fax.sid[2:]


def test_a_fax_without_stored_media_has_none(client, telnyx):
    """``store_media=False`` leaves no media, and no link."""
    fax = send(client, store_media=False)
    telnyx.settle()
    fax = fax.fetch()

    assert (fax.media_url, fax.media_sid, fax.media.list()) == (None, None, [])


@pytest.mark.parametrize("inbound", [True, False])
def test_an_expired_link_is_renewed(client, telnyx, inbound):
    """``fetch`` gives a link that opens, however old the fax is; ``list`` asks for none."""
    if inbound:
        telnyx.receive("+15005550002", FROM)
    else:
        send(client)
    telnyx.settle()
    old = client.fax.faxes.list()[0]
    telnyx.advance(601)
    telnyx.clear_journal()
    assert client.fax.faxes.list()[0].media_url == old.media_url
    assert len(telnyx.journal) == 1
    fresh = old.fetch()

    assert httpx.get(old.media_url).status_code == 403
    assert httpx.get(fresh.media_url).status_code == 200
    assert [exchange.path.rpartition("/")[2] for exchange in telnyx.journal[1:4]] == [
        fax_id(old),
        "refresh",
        fax_id(old),
    ]


def test_a_live_link_is_not_renewed(client, telnyx):
    """A link that still opens for a while costs no further request."""
    send(client)
    telnyx.settle()
    telnyx.clear_journal()
    client.fax.faxes.list()[0].fetch()

    assert len(telnyx.journal) == 2


def test_a_link_that_cannot_be_renewed_is_warned_about(client, telnyx):
    """The fax is still read, and the developer is told that the link does not open."""
    send(client)
    telnyx.settle()
    telnyx.advance(601)
    telnyx.inject(faults.error(404), method="POST", times=None)

    with pytest.warns(TelnyxCompatibilityWarning, match="media_url"):
        fax = client.fax.faxes.list()[0].fetch()
    assert fax.status == "delivered"


def test_reading_a_property_makes_no_request(client, telnyx):
    """Properties are what was read."""
    fax = send(client)
    telnyx.clear_journal()
    for name in fax._properties:
        getattr(fax, name)
    _ = fax.media

    assert telnyx.journal == []


def test_a_received_fax(client, telnyx):
    """An inbound fax has Twilio's inbound statuses and its media."""
    telnyx.receive("+15005550002", FROM, pages=3)
    seen = []
    for _ in range(4):
        fax = client.fax.faxes.list()[0]
        seen.append(fax.status)
        telnyx.step(fax_id(fax))

    assert seen == ["receiving", "receiving", "processing", "received"]
    assert (fax.direction, fax.from_, fax.to) == ("inbound", "+15005550002", FROM)
    assert [media.content_type for media in fax.media.list()] == ["application/pdf"]


def test_a_cancelled_fax_is_canceled(client):
    """``update`` cancels, and tells what became of the fax."""
    fax = send(client)

    assert fax.update(status=fax.UpdateStatus.CANCELED).status == "canceled"
    assert fax.fetch().status == "canceled"
    assert [fax.status for fax in client.fax.faxes.list()] == ["canceled"]


def test_a_cancellation_takes_its_time():
    """Until it takes hold the fax goes on, and is canceled later even without a reason."""
    with TelnyxEmulator(cancel_delay=5, resource_failure_reason=False) as telnyx:
        client = make_client(telnyx)
        fax = send(client)
        assert fax.update(status="canceled").status == "queued"
        telnyx.advance(6)
        assert fax.fetch().status == "canceled"


@pytest.mark.parametrize("when", ["delivered", "inbound"])
def test_a_late_cancellation_is_twilios_400(client, telnyx, when):
    """A fax that cannot be cancelled is an error with Telnyx's detail, and stays what it is."""
    if when == "inbound":
        telnyx.receive("+15005550002", FROM)
    else:
        send(client)
        telnyx.settle()
    fax = client.fax.faxes.list()[0]
    with pytest.raises(TwilioRestException) as caught:
        fax.update(status="canceled")

    assert caught.value.status == 400
    assert caught.value.details["errors"][0]["code"] in ("90080", "90081")
    assert "Unable to update record" in str(caught.value)


def test_only_canceled_can_be_set(client):
    """Any other status is refused before anything is asked; without one it is a fetch."""
    fax = send(client)
    with pytest.raises(TwilioRestException, match="canceled") as caught:
        fax.update(status="delivered")

    assert caught.value.status == 400
    assert fax.update().sid == fax.sid


def test_a_lost_answer_to_a_cancellation(client, telnyx):
    """When the answer is lost the cancellation is repeated, and its effect is told."""
    fax = send(client)
    telnyx.inject(faults.answer_lost(), path="/v2/faxes/*", method="POST")

    assert fax.update(status="canceled").status == "canceled"


def test_a_deleted_fax_is_gone(client, telnyx):
    """``delete`` is True, and the fax and its media are gone."""
    fax = send(client)
    telnyx.settle()
    url = fax.fetch().media_url

    assert fax.delete() is True
    assert telnyx.faxes == []
    assert httpx.get(url).status_code == 403
    with pytest.raises(TwilioRestException) as caught:
        fax.fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


@pytest.mark.parametrize("fault", [faults.answer_lost(), faults.error(503, accepted=True)])
def test_a_lost_answer_to_a_deletion(client, telnyx, fault):
    """A deletion is repeated, and a fax that is gone by then was deleted."""
    fax = send(client)
    telnyx.inject(fault, method="DELETE")

    assert fax.delete() is True
    assert telnyx.faxes == []


def test_media_cannot_be_deleted_alone(client, telnyx):
    """People delete for legal reasons: it is refused, says why, and names what does delete."""
    fax = send(client)
    telnyx.settle()
    telnyx.clear_journal()
    media = fax.media("ME" + fax.sid[2:])
    with pytest.raises(
        TwilioRestException, match=r"client\.fax\.faxes\('FX\w+'\)\.delete\(\)"
    ) as caught:
        media.delete()

    assert (caught.value.status, caught.value.code) == (405, 20004)
    assert telnyx.journal == []
    assert media.fetch().sid == media.fetch().fetch().sid


def test_the_media_of_a_fax(client, telnyx):
    """One FaxMedia for a fax with stored media, with Twilio's seven properties."""
    fax = send(client)
    telnyx.settle()
    fax = fax.fetch()
    media = fax.media.list()[0]

    assert media._properties == {
        "sid": fax.media_sid,
        "account_sid": ACCOUNT,
        "fax_sid": fax.sid,
        "content_type": "application/pdf",
        "date_created": fax.date_created,
        "date_updated": media.date_updated,
        "url": f"{fax.url}/Media/{fax.media_sid}",
    }
    assert media.fetch()._properties == media._properties
    assert next(fax.media.page(page_size=1)).sid == media.sid
    with pytest.raises(TwilioRestException, match="not found"):
        fax.media("ME" + "0" * 32).fetch()
    with pytest.raises(TwilioRestException, match="not found"):
        send(client).media("ME" + "0" * 32).fetch()


@pytest.mark.parametrize(
    "sid", ["FX1", "", "x" * 34, "ME" + "0" * 32, None, "FX" + "0" * 32 + "/x"]
)
def test_what_is_no_sid_is_not_found_without_a_request(client, telnyx, sid):
    """A malformed SID is Twilio's 404, and nothing is asked."""
    for call in (client.fax.faxes(sid).fetch, client.fax.faxes(sid).delete):
        if sid == "":
            continue
        with pytest.raises(TwilioRestException) as caught:
            call()
        assert caught.value.status in (404, 405)

    assert telnyx.journal == []


def test_an_unknown_fax_is_not_found(client):
    """A SID that names no fax is Twilio's 404 as well."""
    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes("FX" + "0" * 32).fetch()

    assert (caught.value.status, caught.value.code, caught.value.method) == (404, 20404, "GET")
    assert "/Faxes/FX" + "0" * 32 in caught.value.uri
    assert caught.value.details["errors"][0]["code"] == "10005"


def test_listing(client, telnyx):
    """Newest first, with filters, limits and page sizes."""
    for number in range(7):
        send(client, f"+1500555001{number}")
        telnyx.advance(60)
    faxes = client.fax.faxes

    assert [fax.to[-1] for fax in faxes.list()] == list("6543210")
    assert [fax.to[-1] for fax in faxes.list(limit=3)] == list("654")
    assert [fax.to[-1] for fax in faxes.list(limit=5, page_size=2)] == list("65432")
    assert len(faxes.list(limit=0)) == 7
    assert [fax.to for fax in faxes.list(to="+15005550013")] == ["+15005550013"]
    assert faxes.list(from_="+15005550099") == []
    moment = faxes.list()[3].date_created
    assert [fax.to[-1] for fax in faxes.list(date_created_after=moment)] == list("654")
    assert [fax.to[-1] for fax in faxes.list(date_created_on_or_before=moment)] == list("3210")
    both = faxes.list(date_created_on_or_before=moment, date_created_after=moment - timedelta(1))
    assert len(both) == 4


def test_streaming_reads_as_it_goes(client, telnyx):
    """The first page is read at the call, the others when they are needed."""
    for _ in range(7):
        send(client)
    telnyx.clear_journal()
    stream = client.fax.faxes.stream(page_size=3)
    assert len(telnyx.journal) == 1
    sids = [next(stream).sid for _ in range(3)]
    assert len(telnyx.journal) == 1
    sids += [fax.sid for fax in stream]

    assert len(set(sids)) == 7
    assert len(telnyx.journal) == 3


def test_pages_go_both_ways(client):
    """``next_page``, ``previous_page`` and ``get_page`` work with Twilio-shaped URLs."""
    sids = [send(client).sid for _ in range(5)][::-1]
    first = client.fax.faxes.page(page_size=2, from_=FROM)
    second = first.next_page()

    assert first.previous_page() is None
    assert first.next_page_url.startswith("https://fax.twilio.com/v1/Faxes?From=%2B1500555")
    assert [fax.sid for fax in first] == sids[:2]
    assert [fax.sid for fax in client.fax.faxes.get_page(first.next_page_url)] == sids[2:4]
    assert [fax.sid for fax in second] == sids[2:4]
    assert [fax.sid for fax in second.previous_page()] == sids[:2]
    third = second.next_page()
    assert third.next().sid == sids[4]
    assert third.next_page() is None


def test_a_failing_list_is_a_plain_exception(client, telnyx):
    """As at Twilio, a list that fails has no code, and its response is the second argument."""
    telnyx.inject(faults.error(401), times=None)
    with pytest.raises(TwilioException) as caught:
        client.fax.faxes.list()

    assert not isinstance(caught.value, TwilioRestException)
    message, response = caught.value.args
    assert (message, response.status_code) == ("Unable to fetch page", 401)
    assert '"code": 20003' in response.text


def test_dates_have_no_fraction_and_a_zone(client):
    """Twilio's dates are whole seconds in UTC."""
    moment = send(client).date_created

    assert isinstance(moment, datetime)
    assert (moment.microsecond, moment.tzinfo) == (0, timezone.utc)


def test_a_warning_points_at_the_caller_and_is_given_once(client):
    """The developer sees which line to change, once."""
    with pytest.warns(TelnyxCompatibilityWarning, match="ttl") as caught:
        send(client, ttl=5)
    assert caught[0].filename == __file__.replace("test_faxes.py", "../helpers.py") or (
        caught[0].filename.endswith("helpers.py")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        send(client, ttl=5)


def test_a_warning_made_an_error_sends_nothing(client, telnyx):
    """With warnings as errors, the fax is not sent."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TelnyxCompatibilityWarning):
            send(client, ttl=5)

    assert telnyx.faxes == []


def test_policies_are_settings(telnyx):
    """What is refused or warned about can be chosen."""
    client = make_client(telnyx, unsupported={"ttl": "refuse", "sip_auth_username": "ignore"})
    with pytest.raises(TwilioRestException, match="ttl"):
        send(client, ttl=5)

    assert send(client, sip_auth_username="x").status == "queued"
    with pytest.raises(TwilioRestException, match="sip_auth_password"):
        send(client, sip_auth_password="x")


def test_a_status_callback_reaches_telnyx(client, telnyx):
    """The callback URL gets the webhooks, and the developer learns that they are Telnyx's."""
    with pytest.warns(TelnyxCompatibilityWarning, match="status_callback"):
        send(client, status_callback="https://x.example/done")

    assert telnyx.faxes[0]["webhook_url"] == "https://x.example/done"


def test_the_first_argument_order_is_understood(client, telnyx):
    """``create(from_, to, media_url)`` of Twilio's first releases sends the same fax."""
    fax = client.fax.faxes.create(FROM, TO, MEDIA_URL)

    assert (fax.from_, fax.to) == (FROM, TO)
    assert telnyx.faxes[0]["media_url"] == MEDIA_URL


@pytest.mark.parametrize(
    ("status", "raised", "code"),
    [
        (400, 400, 20001),
        (401, 401, 20003),
        (403, 403, 20003),
        (404, 404, 20404),
        (409, 409, 20409),
        (422, 400, 20422),
        (429, 429, 20429),
        (500, 500, 20500),
        (503, 503, 20503),
        (302, 502, 20500),
    ],
)
def test_telnyxs_errors_are_twilios(telnyx, status, raised, code):
    """Each status has Twilio's status and code, with the whole array in the details."""
    client = make_client(telnyx, retry=FAST)
    telnyx.inject(faults.error(status), times=None)
    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes("FX" + "0" * 32).fetch()

    assert (raised, code) == (caught.value.status, caught.value.code)
    assert caught.value.details["telnyx_status"] == status


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{", b'{"errors": 7}', b"\xff"])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_unreadable_answers_are_errors(client, telnyx, body, status):
    """Whatever a gateway answers in Telnyx's place, the program meets Twilio's exception."""
    telnyx.inject(faults.error(status, body=body), times=None)
    for call in (client.fax.faxes("FX" + "0" * 32).fetch, client.fax.faxes.list):
        with pytest.raises(TwilioException):
            call()


def test_nothing_private_is_logged_or_shown(client, telnyx, caplog):
    """Neither the log nor an error has a full number, the document's address or the key."""
    caplog.set_level(logging.DEBUG)
    telnyx.inject(faults.error(422, {"errors": [{"code": "1", "title": f"{TO} {MEDIA_URL}"}]}))
    with pytest.raises(TwilioRestException) as caught:
        send(client)
    send(client)
    client.fax.faxes.list(to=TO)
    ours = [record for record in caplog.records if record.name.startswith("twilio_fax_compat")]
    text = " ".join(record.getMessage() for record in ours)

    assert ours
    assert text.count("POST /v2/faxes -> 422") == text.count("POST /v2/faxes -> 202") == 1
    for secret in (TO, FROM, TO[1:], "fax.pdf", telnyx.api_key):
        assert secret not in text
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
