"""What many tests need."""

import time

from twilio_fax_compat import RetryPolicy, TelnyxSettings
from twilio_fax_compat.rest import Client

ACCOUNT = "AC00000000000000000000000000000001"
MEDIA_URL = "https://www.example.com/fax.pdf"
FROM, TO, BUSY = "+15005550006", "+15005550009", "+15005550001"
FAST = RetryPolicy(backoff=0.002, backoff_max=0.01, lookups=(0.005, 0.01, 0.02), budget=2)


def make_client(telnyx, http_client=None, ledger=None, **settings):
    """Return a client of the emulator *telnyx*."""
    return Client(
        ACCOUNT,
        "token",
        http_client=http_client,
        environment=dict(telnyx.environ),
        telnyx=TelnyxSettings(**settings),
        ledger=ledger,
    )


def send(client, to=TO, **options):
    """Send a fax."""
    return client.fax.faxes.create(to, MEDIA_URL, from_=FROM, **options)


def fax_id(fax):
    """Return the Telnyx id of a fax instance."""
    digits = fax.sid[2:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def wait_until(is_true, seconds=30):
    """Return as soon as *is_true* returns a true value; an AssertionError after *seconds*."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
