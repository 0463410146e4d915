"""What came in, and where it is kept."""

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

OUR_NUMBER = "+15005550006"


def inbox(page_size=50):
    """Return the received faxes, the newest first."""
    faxes = Client().fax.faxes.list(to=OUR_NUMBER, page_size=page_size)
    return [fax for fax in faxes if fax.status == "received"]


def documents(sid):
    """Return the media of a fax."""
    return Client().fax.faxes(sid).media.list()


def shred(sid):
    """Delete a fax, unless it is gone already."""
    try:
        return Client().fax.faxes(sid).delete()
    except TwilioRestException as error:
        if error.code != 20404:
            raise
        return False


def exists(sid):
    """Tell whether a fax is still there."""
    try:
        Client().fax.faxes(sid).fetch()
    except TwilioRestException as error:
        return error.status != 404
    return True
