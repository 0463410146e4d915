"""What became of yesterday's faxes."""

import collections
from datetime import datetime, timedelta

import twilio.rest
from twilio.rest.fax.v1.fax import FaxInstance

UNDELIVERED = (
    FaxInstance.Status.FAILED,
    FaxInstance.Status.BUSY,
    FaxInstance.Status.NO_ANSWER,
)


def yesterday():
    """Return the faxes of the last day."""
    until = datetime.utcnow()
    client = twilio.rest.Client()
    return client.fax.faxes.list(
        date_created_after=until - timedelta(days=1),
        date_created_on_or_before=until,
        limit=500,
    )


def summary(faxes):
    """Return how many faxes have which status."""
    return dict(collections.Counter(fax.status for fax in faxes))


def pages(faxes):
    """Return the number of pages that went out."""
    return sum(fax.num_pages or 0 for fax in faxes if fax.direction == "outbound")


def to_send_again(faxes):
    """Return the numbers that an invoice did not reach."""
    return sorted({fax.to for fax in faxes if fax.status in UNDELIVERED})
