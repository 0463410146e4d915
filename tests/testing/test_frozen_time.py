"""Tests that freeze the clock with freezegun still get their webhooks."""

import logging
import time

import pytest

from tests.helpers import make_client, send
from tests.testing.helpers import Inbox, connect, post
from tests.webhooks.serving import served
from twilio_fax_compat.testing import TelnyxEmulator, faults
from twilio_fax_compat.testing.clock import monotonic

freezegun = pytest.importorskip("freezegun", reason="needs freezegun")

LONG_AGO = "2021-03-04 09:00:00"
IGNORED = {"status_callback": "ignore"}


@pytest.mark.parametrize("emulator_is_frozen", [True, False])
@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_an_application_with_a_frozen_clock_gets_its_callbacks(emulator_is_frozen, framework):
    """The middleware in the frozen process accepts the signatures, also those of a second attempt."""
    # Without `real_asyncio` the application's own server would wait for ever.
    frozen = freezegun.freeze_time(LONG_AGO, real_asyncio=True)
    if emulator_is_frozen:
        frozen.start()
    try:
        with TelnyxEmulator(webhook_backoff=0.05) as telnyx:
            if not emulator_is_frozen:
                frozen.start()
            with served(framework, telnyx.public_key) as (origin, log):
                log.statuses.append(500)
                send(
                    make_client(telnyx, unsupported=IGNORED), status_callback=origin + "/fax/status"
                )
                telnyx.flush_webhooks()
                telnyx.settle()
                telnyx.flush_webhooks()
                statuses = [form["FaxStatus"] for _, _, form, _ in log.seen]
    finally:
        frozen.stop()

    # The callback that was answered with 500 was tried again.
    assert statuses == ["queued", "queued", "delivered"]
    assert all(valid for *_, valid in log.seen)


def test_a_receiver_in_another_process_has_the_real_time():
    """After a refusal of the frozen time the next attempt is signed at the real time."""
    with freezegun.freeze_time(LONG_AGO), Inbox(401) as inbox, TelnyxEmulator(
        webhook_backoff=0.01
    ) as telnyx, connect(telnyx) as http:
        post(http, telnyx, webhook_url=inbox.url)
        telnyx.flush_webhooks()
    first, second = (int(headers["telnyx-timestamp"]) for headers, _ in inbox.requests)

    assert first == 1614848400
    assert abs(second - time.time()) < 60


def test_the_emulator_itself_keeps_real_time():
    """Delays end and virtual time runs while the clock of the process is frozen."""
    with freezegun.freeze_time(LONG_AGO), TelnyxEmulator(
        speed=1000, latency=0.01
    ) as telnyx, connect(telnyx) as http:
        telnyx.inject(faults.delay(0.05))
        fax = post(http, telnyx)
        deadline = monotonic() + 5
        while telnyx.fax(fax)["status"] != "delivered" and monotonic() < deadline:
            time.sleep(0.01)

        assert telnyx.fax(fax)["status"] == "delivered"
        assert telnyx.fax(fax)["created_at"].startswith("2021-03-04")


def test_what_cannot_be_delivered_is_logged(caplog):
    """A refusal of every attempt is a warning, with the frozen clock as a possible cause."""
    with freezegun.freeze_time(LONG_AGO), Inbox(*[401] * 3) as inbox, TelnyxEmulator(
        webhook_backoff=0.01
    ) as telnyx, connect(telnyx) as http, caplog.at_level(logging.WARNING):
        fax = post(http, telnyx, webhook_url=inbox.url)
        telnyx.flush_webhooks()
    (record,) = [each for each in caplog.records if each.name == "twilio_fax_compat.testing"]

    assert f"fax.queued of fax {fax} was not delivered in 3 attempts" in record.getMessage()
    assert "HTTP 401, and freezegun holds the clock" in record.getMessage()


def test_signatures_carry_the_real_time_whatever_the_virtual_time_is():
    """A middleware accepts webhooks of an emulator whose virtual time is days ahead."""
    with TelnyxEmulator() as telnyx, served("flask", telnyx.public_key) as (origin, log):
        telnyx.advance(86400 * 3)
        send(make_client(telnyx, unsupported=IGNORED), status_callback=origin + "/fax/status")
        telnyx.settle()
        telnyx.flush_webhooks()

    assert log.statuses_told == ["queued", "delivered"]
