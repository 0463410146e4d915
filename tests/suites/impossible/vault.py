"""Faxes whose documents must not stay, to partners on SIP trunks."""

import time

from twilio.rest import Client

NUMBER = "+15005550006"
FINAL = {"delivered", "no-answer", "busy", "failed", "canceled"}


class Vault:
    def __init__(self):
        self.client = Client()

    def send(self, to, document, **options):
        return self.client.fax.faxes.create(to, document, from_=NUMBER, **options)

    def send_by_trunk(self, address, document, user, password):
        return self.send(address, document, sip_auth_username=user, sip_auth_password=password)

    def finished(self, fax, every=0.05, patience=30):
        give_up = time.time() + patience
        while fax.status not in FINAL and time.time() < give_up:
            time.sleep(every)
            fax = fax.fetch()
        return fax

    def shred_documents(self, fax):
        """Delete the documents of a fax and keep its record; return how many there were."""
        return sum(media.delete() for media in fax.media.list())

    def cost(self, fax):
        """Return what a fax cost, a positive number."""
        return -fax.price
