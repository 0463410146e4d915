"""A program written for Twilio: it sends faxes, waits for them, cancels one, and lists them."""

import os
import time

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

FROM = os.environ["FAX_FROM"]
MEDIA_URL = os.environ["FAX_MEDIA_URL"]
POLL_SECONDS = float(os.environ.get("FAX_POLL_SECONDS", "5"))

client = Client()  # TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN


def wait_for(fax):
    seen = fax.status
    print(f"{fax.sid[:6]}.. is {seen}")
    while fax.status in ("queued", "processing", "sending"):
        time.sleep(POLL_SECONDS)
        fax = client.fax.faxes(fax.sid).fetch()
        if fax.status != seen:
            seen = fax.status
            print(f"{fax.sid[:6]}.. is {seen}")
    return fax


print("a fax")
fax = client.fax.faxes.create(
    to=os.environ["FAX_TO"], media_url=MEDIA_URL, from_=FROM, quality="fine"
)
fax = wait_for(fax)
print(f"stored: {fax.media_url is not None}")

if os.environ.get("FAX_BUSY_TO"):
    print("a fax to a busy line")
    busy = wait_for(client.fax.faxes.create(os.environ["FAX_BUSY_TO"], MEDIA_URL, from_=FROM))
    print("try later" if busy.status == "busy" else "not busy after all")

print("a fax that is cancelled")
fax = client.fax.faxes.create(os.environ["FAX_TO"], MEDIA_URL, from_=FROM)
fax = wait_for(fax.update(status="canceled"))

print("one cancellation too many")
try:
    fax.update(status="canceled")
except TwilioRestException as error:
    print(f"TwilioRestException {error.status}, code {error.code}")

print("the last three")
for fax in client.fax.faxes.list(from_=FROM, limit=3):
    print(f"{fax.sid[:6]}.. {fax.date_created:%H:%M:%S} {fax.direction} {fax.status}")
