"""Briefs to the court, by fax."""

import time

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

FROM = "+15005550006"
PENDING = ("queued", "processing", "sending")


class Refused(Exception):
    """Twilio does not take the fax."""


def send(number, document, client=None):
    """Send a document and return its fax."""
    client = client or Client()
    try:
        return client.fax.faxes.create(
            to=number, from_=FROM, media_url=document, quality="fine", store_media=True
        )
    except TwilioRestException as error:
        if error.status == 400:
            raise Refused("{} ({})".format(error.msg, error.code)) from error
        raise


def follow(fax, every=10, patience=60):
    """Return the statuses a fax goes through, until its last or until *patience* looks."""
    seen = [fax.status]
    for _ in range(patience):
        if fax.status not in PENDING:
            break
        time.sleep(every)
        fax = fax.fetch()
        if fax.status != seen[-1]:
            seen.append(fax.status)
    return seen


def recall(fax):
    """Tell whether a fax could be stopped."""
    return fax.update(status="canceled").status == "canceled"
