"""Sends notices to those who still have a fax machine."""

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client


class Sender:
    def __init__(self, account_sid, auth_token, number):
        self._client = Client(account_sid, auth_token)
        self._number = number

    def send(self, to, url):
        """Send a document and return its SID, or None if Twilio refuses it."""
        try:
            fax = self._client.fax.faxes.create(from_=self._number, to=to, media_url=url)
        except TwilioRestException as error:
            if error.status == 400:
                return None
            raise
        return fax.sid

    def status(self, sid):
        return self._client.fax.faxes.get(sid).fetch().status

    def withdraw(self, sid):
        return self._client.fax.faxes(sid).update(status="canceled").status
