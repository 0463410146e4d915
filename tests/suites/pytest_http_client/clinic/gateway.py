"""Referrals between clinics, by fax."""

from twilio.base.exceptions import TwilioException, TwilioRestException

FINAL = {"delivered", "received", "no-answer", "busy", "failed", "canceled"}


class NotSent(Exception):
    """A referral that did not go out; *code* is Twilio's."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


class FaxGateway:
    def __init__(self, client, number):
        self.client = client
        self.number = number

    def send(self, to, document, keep=True):
        """Send a document and return its fax."""
        try:
            return self.client.fax.faxes.create(
                to, document, from_=self.number, quality="superfine", store_media=keep
            )
        except TwilioRestException as error:
            raise NotSent(error.msg, error.code) from error

    def is_over(self, sid):
        return self.client.fax.v1.faxes(sid).fetch().status in FINAL

    def inbox(self, limit=None):
        """Return SID, sender and pages of the faxes that came in."""
        return [
            (fax.sid, fax.from_, fax.num_pages)
            for fax in self.client.fax.faxes.stream(to=self.number, limit=limit)
            if fax.direction == "inbound"
        ]

    def document(self, sid):
        """Return what kind of document a fax has, and where, or None."""
        for media in self.client.fax.faxes(sid).media.list():
            return media.content_type, media.url
        return None

    def forget(self, sid):
        return self.client.fax.faxes(sid).delete()

    def is_up(self):
        try:
            self.client.fax.faxes.page(page_size=1)
        except TwilioException:
            return False
        return True
