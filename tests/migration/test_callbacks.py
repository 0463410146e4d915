"""One application, called back by both providers."""

import pytest

from tests.fakes.twilio import FakeTwilio
from tests.helpers import ACCOUNT, FAST, FROM, MEDIA_URL
from tests.migration.clients import KINDS, legacy_client
from tests.webhooks.apps import TOKEN
from tests.webhooks.serving import served
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.migration import provider_of
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import TelnyxEmulator


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_both_reach_the_same_handler(kind, framework):
    """Each fax of either has its callbacks, signed as Twilio signs, and an end."""
    ledger = MemoryLedger()
    with FakeTwilio(auth_token=TOKEN) as twilio, TelnyxEmulator() as telnyx, served(
        framework, telnyx.public_key, ledger=ledger
    ) as (origin, log):
        client = Client(
            ACCOUNT,
            TOKEN,
            environment=dict(telnyx.environ),
            telnyx=TelnyxSettings(retry=FAST, unsupported={"status_callback": "ignore"}),
            ledger=ledger,
            legacy=legacy_client(kind, twilio),
            rollout="50%",
        )
        sent = {}
        for number in range(12):
            fax = client.fax.faxes.create(
                f"+1500555{number:04}",
                MEDIA_URL,
                from_=FROM,
                status_callback=origin + "/fax/status",
            )
            sent[fax.sid] = provider_of(fax)
            if sent[fax.sid] == "legacy":
                twilio.complete(fax.sid)
        telnyx.settle()
        telnyx.flush_webhooks()
        twilio.flush_callbacks()

        assert set(sent.values()) == {"legacy", "telnyx"}
        told = {sid: set() for sid in sent}
        for _, _, form, is_valid in log.seen:
            assert is_valid
            told[form["FaxSid"]].add(form["FaxStatus"])
        assert all({"queued", "delivered"} <= statuses for statuses in told.values())
        for sid in sent:
            found = client.fax.faxes(sid).fetch()
            assert (found.status, found.num_pages) == ("delivered", 1)
