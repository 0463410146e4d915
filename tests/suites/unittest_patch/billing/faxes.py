"""Invoices go out by fax."""

import logging
import os
import time

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

log = logging.getLogger(__name__)

FROM_NUMBER = "+15005550006"
DOCUMENTS = "https://billing.example.com/invoices/{}.pdf"
CALLBACK = "https://billing.example.com/fax/status"
WORTH_ANOTHER_TRY = (20429, 20503)


class FaxFailed(Exception):
    """The invoice did not go out."""


def _client():
    return Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])


def send_invoice(number, invoice, attempts=3):
    """Send an invoice and return the SID of its fax."""
    client = _client()
    for attempt in range(1, attempts + 1):
        try:
            fax = client.fax.faxes.create(
                to=number,
                from_=FROM_NUMBER,
                media_url=DOCUMENTS.format(invoice),
                quality="fine",
                status_callback=CALLBACK,
            )
        except TwilioRestException as error:
            if error.code not in WORTH_ANOTHER_TRY or attempt == attempts:
                raise FaxFailed("invoice {}: {}".format(invoice, error.msg)) from error
            time.sleep(2**attempt)
        else:
            log.info("invoice %s is fax %s", invoice, fax.sid)
            return fax.sid


def cancel_invoice(sid):
    """Tell whether a fax could still be cancelled."""
    try:
        fax = _client().fax.faxes(sid).update(status="canceled")
    except TwilioRestException as error:
        if error.status == 404:
            return False
        raise
    return fax.status == "canceled"
