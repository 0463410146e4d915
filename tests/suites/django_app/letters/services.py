from django.conf import settings
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from letters.models import Letter

client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN)


def send(letter, callback=None):
    """Send a letter; one that Twilio refuses is marked so."""
    options = {"status_callback": callback} if callback else {}
    try:
        fax = client.fax.faxes.create(
            to=letter.number, media_url=letter.document, from_=settings.FAX_NUMBER, **options
        )
    except TwilioRestException as error:
        if error.status >= 500:
            raise
        letter.status = "refused"
    else:
        letter.sid, letter.status = fax.sid, fax.status
    letter.save()
    return letter


def refresh(letter):
    """Ask what became of a letter."""
    try:
        fax = client.fax.faxes(letter.sid).fetch()
    except TwilioRestException as error:
        if error.status != 404:
            raise
        letter.status = "lost"
    else:
        letter.status, letter.pages = fax.status, fax.num_pages
    letter.save()


def refresh_all():
    """Ask about each letter that is under way, and return how many are not any more."""
    done = 0
    for letter in Letter.objects.filter(status__in=Letter.PENDING):
        refresh(letter)
        done += letter.status not in Letter.PENDING
    return done
