"""Events are told to webhooks as Telnyx tells them: signed, repeated, and not always in order."""

import json
from base64 import b64decode
from time import monotonic

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from tests.testing import _openapi
from tests.testing.helpers import NUMBER, OTHER, Inbox, connect, post
from twilio_fax_compat.testing import TelnyxEmulator, faults

ALWAYS = {"fax_id", "connection_id", "direction", "from", "to", "status", "user_id"}
SENT = ALWAYS | {"client_state", "original_media_url"}
RECEIVED = ALWAYS | {"caller_id"}


@pytest.fixture(name="inbox")
def _inbox():
    with Inbox() as inbox:
        yield inbox


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
def test_webhooks_are_signed(http, telnyx, inbox, direction):
    """The signature is over the timestamp, a pipe and the raw body, in both directions."""
    telnyx.webhook_url = inbox.url
    if direction == "outbound":
        post(http, telnyx)
    else:
        telnyx.receive(OTHER, NUMBER)
    telnyx.settle()
    telnyx.flush_webhooks()
    key = VerifyKey(b64decode(telnyx.public_key))

    assert inbox.events == [event["event_type"] for event in telnyx.events]
    assert len(inbox.events) == (4 if direction == "outbound" else 3)
    for headers, body in inbox.requests:
        signature = b64decode(headers["telnyx-signature-ed25519"])
        stamp = headers["telnyx-timestamp"]
        key.verify(stamp.encode() + b"|" + body, signature)
        with pytest.raises(BadSignatureError):
            key.verify(stamp.encode() + b"|" + body + b" ", signature)
        with pytest.raises(BadSignatureError):
            key.verify(b"1" + stamp.encode() + b"|" + body, signature)
        assert abs(int(stamp) - telnyx.now.timestamp()) <= 60
        assert (headers["user-agent"], headers["content-type"]) == (
            "telnyx-webhooks",
            "application/json",
        )
    for envelope in inbox.envelopes:
        assert envelope["meta"] == {"attempt": 1, "delivered_to": inbox.url}
        if _openapi.is_available():
            _openapi.validate_telnyx_event(envelope)


def test_payloads_of_an_outbound_fax(http, telnyx):
    """Each event has the fields that Telnyx documents for it, and no other."""
    fax = post(http, telnyx, client_state="aGk=")
    telnyx.settle()
    post(http, telnyx, client_state="aGk=", to="+15005550001")
    telnyx.settle()
    fields = {event["event_type"]: set(event["payload"]) for event in telnyx.events}

    assert fields == {
        "fax.queued": SENT,
        "fax.media.processed": SENT,
        "fax.sending.started": SENT,
        "fax.delivered": SENT | {"page_count", "call_duration_secs"},
        "fax.failed": SENT | {"failure_reason"},
    }
    first = telnyx.events[0]["payload"]
    assert (first["fax_id"], first["client_state"]) == (fax, "aGk=")
    assert first["original_media_url"] == "https://x.example/a.pdf"
    assert len({event["id"] for event in telnyx.events}) == len(telnyx.events) == 7


def test_payloads_of_an_inbound_fax(telnyx):
    """Inbound events have no client state, and the last a link to the document."""
    fax = telnyx.receive(OTHER, NUMBER, pages=2, caller_id="+15005550008")
    telnyx.settle()
    telnyx.receive(OTHER, NUMBER, outcome="carrier_lost")
    telnyx.settle()
    fields = {event["event_type"]: set(event["payload"]) for event in telnyx.events}
    received = telnyx.events[2]["payload"]

    assert fields == {
        "fax.receiving.started": RECEIVED,
        "fax.media.processing.started": RECEIVED | {"page_count"},
        "fax.received": RECEIVED
        | {"page_count", "call_duration_secs", "partial_content", "media_url"},
        "fax.failed": RECEIVED | {"failure_reason"},
    }
    assert (received["page_count"], received["caller_id"]) == (2, "+15005550008")
    assert (received["from"], received["partial_content"]) == (OTHER, False)
    assert received["media_url"] == telnyx.fax(fax)["media_url"]


def test_a_named_document_has_no_url(http, telnyx):
    """With ``media_name`` the events name it and have no ``original_media_url``."""
    post(http, telnyx, media_url=None, media_name="letter")

    assert set(telnyx.events[0]["payload"]) == ALWAYS | {"media_name"}


def test_a_fax_can_have_a_url_of_its_own(http, telnyx, inbox):
    """``webhook_url`` replaces the application's URL for that fax, and the resource shows it."""
    telnyx.webhook_url = "http://127.0.0.1:1/"
    fax = post(http, telnyx, webhook_url=inbox.url)
    telnyx.flush_webhooks()

    assert inbox.events == ["fax.queued"]
    assert telnyx.fax(fax)["webhook_url"] == inbox.url
    assert telnyx.fax(post(http, telnyx))["webhook_url"] == "http://127.0.0.1:1/"


def test_a_url_can_come_later(http, telnyx, inbox):
    """A fax that was sent before there was any URL has its later events delivered."""
    post(http, telnyx)
    telnyx.webhook_url = inbox.url
    telnyx.settle()
    telnyx.flush_webhooks()

    assert inbox.events == ["fax.media.processed", "fax.sending.started", "fax.delivered"]
    telnyx.webhook_url = None
    assert telnyx.webhook_url is None


def test_without_a_url_nothing_is_delivered(http, telnyx):
    """An emulator that was told no URL makes events and posts none."""
    post(http, telnyx)
    telnyx.flush_webhooks()

    assert len(telnyx.events) == 1
    assert telnyx.deliveries == []


@pytest.mark.parametrize("status", [201, 204, 302, 400, 500])
def test_only_200_is_success(status):
    """Any other answer, 2xx included, is followed by another attempt with the next number."""
    with Inbox(status, status) as inbox, TelnyxEmulator(
        webhook_url=inbox.url, webhook_backoff=0.01
    ) as telnyx, connect(telnyx) as http:
        post(http, telnyx)
        telnyx.flush_webhooks()

        assert [delivery.attempt for delivery in telnyx.deliveries] == [1, 2, 3]
        assert [delivery.status for delivery in telnyx.deliveries] == [status, status, 200]
        assert [envelope["meta"]["attempt"] for envelope in inbox.envelopes] == [1, 2, 3]
        assert len({envelope["data"]["id"] for envelope in inbox.envelopes}) == 1
        assert json.loads(telnyx.deliveries[1].body) == inbox.envelopes[1]


def test_an_unreachable_receiver_is_given_up():
    """After the last attempt an event is dropped, and each attempt says what went wrong."""
    with TelnyxEmulator(
        webhook_url="http://127.0.0.1:1/", webhook_attempts=2, webhook_backoff=0.01
    ) as telnyx, connect(telnyx) as http:
        post(http, telnyx)
        telnyx.flush_webhooks()

        assert [delivery.status for delivery in telnyx.deliveries] == [None, None]
        assert all("ConnectError" in delivery.error for delivery in telnyx.deliveries)


def test_a_silent_receiver_is_not_waited_for(monkeypatch):
    """A receiver that does not answer in time is tried again."""
    monkeypatch.setattr("twilio_fax_compat.testing.emulator.TIMEOUT", 0.1)
    with Inbox(None) as inbox, TelnyxEmulator(
        webhook_url=inbox.url, webhook_backoff=0.01
    ) as telnyx, connect(telnyx) as http:
        post(http, telnyx)
        telnyx.flush_webhooks()

        assert [delivery.status for delivery in telnyx.deliveries] == [None, 200]
        assert "ReadTimeout" in telnyx.deliveries[0].error


def test_an_application_has_its_own_patience(monkeypatch):
    """``webhook_timeout_secs`` of the application replaces the usual two seconds."""
    monkeypatch.setattr("twilio_fax_compat.testing.emulator.TIMEOUT", 30)
    with Inbox(None) as silent, TelnyxEmulator(
        webhook_url=silent.url, webhook_attempts=1
    ) as telnyx, connect(telnyx) as http:
        path = f"/fax_applications/{telnyx.connection_id}"
        application = http.get(path).json()["data"]
        http.patch(path, json={**application, "webhook_timeout_secs": 1})
        post(http, telnyx)
        telnyx.flush_webhooks(timeout=5)

        assert "ReadTimeout" in telnyx.deliveries[0].error


def test_other_events_do_not_wait_for_a_retry():
    """While one event waits for its next attempt the following are delivered."""
    with Inbox(500) as inbox, TelnyxEmulator(
        webhook_url=inbox.url, webhook_backoff=0.5
    ) as telnyx, connect(telnyx) as http:
        post(http, telnyx)
        telnyx.settle()
        telnyx.flush_webhooks()

    assert inbox.events == [
        "fax.queued",
        "fax.media.processed",
        "fax.sending.started",
        "fax.delivered",
        "fax.queued",
    ]


def test_the_failover_url_comes_second(inbox):
    """When the primary URL has had its attempts the application's failover URL gets the event."""
    with Inbox(500, 500) as primary, TelnyxEmulator(
        webhook_url=primary.url, webhook_attempts=2, webhook_backoff=0.01
    ) as telnyx, connect(telnyx) as http:
        path = f"/fax_applications/{telnyx.connection_id}"
        application = http.get(path).json()["data"]
        http.patch(path, json={**application, "webhook_event_failover_url": inbox.url})
        fax = post(http, telnyx)
        telnyx.flush_webhooks()

        assert telnyx.fax(fax)["webhook_failover_url"] == inbox.url
        assert primary.events == ["fax.queued"] * 2
        assert inbox.envelopes[0]["meta"] == {"attempt": 3, "delivered_to": inbox.url}


def test_events_can_be_doubled(http, telnyx, inbox):
    """A duplicated event arrives twice with one id."""
    telnyx.webhook_url = inbox.url
    telnyx.inject(faults.duplicated(), path="fax.queued")
    post(http, telnyx)
    telnyx.flush_webhooks()

    assert inbox.events == ["fax.queued"] * 2
    assert inbox.envelopes[0] == inbox.envelopes[1]


def test_events_can_be_lost(http, telnyx, inbox):
    """A lost event happened and is never delivered."""
    telnyx.webhook_url = inbox.url
    telnyx.inject(faults.lost(), path="fax.media.processed")
    post(http, telnyx)
    telnyx.settle()
    telnyx.flush_webhooks()

    assert inbox.events == ["fax.queued", "fax.sending.started", "fax.delivered"]
    assert len(telnyx.events) == 4


def test_events_can_change_places(http, telnyx, inbox):
    """A reordered event arrives after the one that follows it."""
    telnyx.webhook_url = inbox.url
    telnyx.inject(faults.reordered(), path="fax.media.processed")
    post(http, telnyx)
    telnyx.settle()
    telnyx.flush_webhooks()

    assert inbox.events == [
        "fax.queued",
        "fax.sending.started",
        "fax.media.processed",
        "fax.delivered",
    ]


def test_a_reordered_event_alone_arrives(http, telnyx, inbox):
    """Flushing delivers an event that was held back for one that never came."""
    telnyx.webhook_url = inbox.url
    telnyx.inject(faults.reordered())
    post(http, telnyx)
    assert inbox.events == []
    telnyx.flush_webhooks()

    assert inbox.events == ["fax.queued"]


def test_faults_of_webhooks_are_not_of_requests(http, telnyx):
    """A webhook's fault waits for an event, and a request's for a request."""
    telnyx.inject(faults.lost())
    telnyx.inject(faults.error(503))
    telnyx.webhook_url = "http://127.0.0.1:1/"
    telnyx.receive(OTHER, NUMBER)
    telnyx.settle()

    assert http.get("/faxes").status_code == 503
    assert http.get("/faxes").status_code == 200
    assert "fax.receiving.started" not in {d.event["event_type"] for d in telnyx.deliveries}


def test_undelivered_webhooks_do_not_hold_up_the_end():
    """Stopping gives up what is not delivered, and flushing says when it takes too long."""
    with TelnyxEmulator(webhook_url="http://127.0.0.1:1/", webhook_backoff=30) as telnyx, connect(
        telnyx
    ) as http:
        post(http, telnyx)
        with pytest.raises(TimeoutError):
            telnyx.flush_webhooks(timeout=0.05)
        began = monotonic()
    assert monotonic() - began < 1
    telnyx.flush_webhooks(timeout=0)


def test_webhooks_go_on_after_a_restart(inbox):
    """An emulator that was stopped and started delivers again."""
    telnyx = TelnyxEmulator(webhook_url=inbox.url)
    for _ in range(2):
        with telnyx, connect(telnyx) as http:
            post(http, telnyx)
            telnyx.flush_webhooks()

    assert inbox.events == ["fax.queued"] * 2
