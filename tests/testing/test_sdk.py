"""Telnyx's own SDK, which knows nothing of us, works against the emulator."""

import pytest

from tests.testing.helpers import NUMBER, OTHER, Inbox
from twilio_fax_compat.testing import faults

telnyx_sdk = pytest.importorskip("telnyx", reason="needs Telnyx's SDK: pip install telnyx")


@pytest.fixture(name="sdk")
def _sdk(telnyx):
    with telnyx_sdk.Telnyx(api_key=telnyx.api_key, base_url=telnyx.base_url, max_retries=0) as sdk:
        yield sdk


def send(sdk, telnyx):
    return sdk.faxes.create(
        connection_id=telnyx.connection_id,
        from_="+15005550006",
        to="+15005550009",
        media_url="https://x.example/a.pdf",
        store_media=True,
    ).data


def test_the_six_operations(sdk, telnyx):
    """Create, retrieve, list, cancel, refresh and delete, as the SDK makes and reads them."""
    fax = send(sdk, telnyx)
    assert (fax.status, fax.from_, fax.direction) == ("queued", "+15005550006", "outbound")
    assert sdk.faxes.retrieve(fax.id).data == fax
    assert sdk.faxes.actions.cancel(fax.id).data.result == "ok"
    assert sdk.faxes.retrieve(fax.id).data.status == "failed"
    assert sdk.faxes.actions.refresh(fax.id).data.result == "ok"
    sdk.faxes.delete(fax.id)
    with pytest.raises(telnyx_sdk.NotFoundError):
        sdk.faxes.retrieve(fax.id)


def test_pages_and_filters(sdk, telnyx):
    """The SDK's iteration reads all pages, and its filters are understood."""
    ids = [send(sdk, telnyx).id for _ in range(45)]
    listed = [fax.id for fax in sdk.faxes.list()]
    assert listed == ids[::-1]
    assert list(sdk.faxes.list(filter={"direction": {"eq": "inbound"}})) == []
    bound = telnyx.faxes[9]["created_at"]
    assert len(list(sdk.faxes.list(filter={"created_at": {"lte": bound}}))) == 10


def test_errors(sdk, telnyx):
    """The SDK raises its own exceptions for the emulator's errors."""
    with pytest.raises(telnyx_sdk.UnprocessableEntityError):
        sdk.faxes.create(connection_id=telnyx.connection_id, from_="x", to="y", media_url="z")
    with pytest.raises(telnyx_sdk.AuthenticationError):
        sdk.with_options(api_key="wrong").faxes.list()


def test_received_faxes(sdk, telnyx):
    """The SDK reads what arrived, refreshes its link, and is told that it cannot be cancelled."""
    fax = telnyx.receive(OTHER, NUMBER)
    telnyx.settle()
    listed = sdk.faxes.list(filter={"direction": {"eq": "inbound"}, "to": {"eq": NUMBER}})

    assert [one.id for one in listed] == [fax]
    telnyx.advance(601)
    old = sdk.faxes.retrieve(fax).data.media_url
    sdk.faxes.actions.refresh(fax)
    assert sdk.faxes.retrieve(fax).data.media_url != old
    with pytest.raises(telnyx_sdk.UnprocessableEntityError) as caught:
        sdk.faxes.actions.cancel(fax)
    assert caught.value.body["errors"][0]["code"] == "90081"


def test_fax_applications(sdk, telnyx):
    """The SDK makes, finds, changes and deletes applications."""
    fields = {"application_name": "Mine", "webhook_event_url": "https://x.example/hook"}
    mine = sdk.fax_applications.create(**fields).data
    assert [one.application_name for one in sdk.fax_applications.list()] == ["Mine", "emulator"]
    found = sdk.fax_applications.list(filter={"application_name": {"contains": "emu"}})
    assert [one.id for one in found] == [telnyx.connection_id]
    changed = sdk.fax_applications.update(mine.id, **fields, active=False).data
    assert (mine.active, changed.active) == (True, False)
    assert sdk.fax_applications.retrieve(mine.id).data == changed
    assert sdk.fax_applications.delete(mine.id).data == changed
    with pytest.raises(telnyx_sdk.NotFoundError):
        sdk.fax_applications.retrieve(mine.id)


def test_signatures(sdk, telnyx):
    """Telnyx's own check of signatures accepts the webhooks, and no altered one."""
    verification = pytest.importorskip("telnyx.lib.webhook_verification")
    with Inbox() as inbox:
        telnyx.webhook_url = inbox.url
        send(sdk, telnyx)
        telnyx.flush_webhooks()
    headers, body = inbox.requests[0]
    verification.verify_webhook_signature(body, headers, telnyx.public_key)

    with pytest.raises(verification.WebhookVerificationError):
        verification.verify_webhook_signature(body + b" ", headers, telnyx.public_key)


def test_the_sdk_sends_twice_when_an_answer_is_lost(sdk, telnyx):
    """Faults show what a client does: the SDK's own retries make two faxes of one."""
    telnyx.inject(faults.answer_lost(accepted=True, how="close"), method="POST")
    send(sdk.with_options(max_retries=1), telnyx)

    assert len(telnyx.faxes) == 2


def test_webhook_deliveries(sdk, telnyx):
    """The SDK lists the deliveries that failed, reads them and their attempts, and finds each again."""
    fax = sdk.faxes.create(
        connection_id=telnyx.connection_id,
        from_=NUMBER,
        to=OTHER,
        media_url="https://x.example/a.pdf",
        webhook_url="http://127.0.0.1:1/",
    ).data
    telnyx.flush_webhooks()
    assert list(sdk.webhook_deliveries.list(filter={"status": {"eq": "delivered"}})) == []
    (record,) = sdk.webhook_deliveries.list(filter={"status": {"eq": "failed"}})

    assert record.webhook.payload["fax_id"] == fax.id
    assert record.attempts[0].http.request.url == "http://127.0.0.1:1/"
    assert record.attempts[0].started_at.tzinfo is not None
    assert sdk.webhook_deliveries.retrieve(record.id).data == record
