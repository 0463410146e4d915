"""
A fake of Twilio's fax API on loopback, which knows nothing of Telnyx.

It is written from Twilio's OpenAPI file and documents, never from this library's own tables.
"""

from tests.fakes.twilio.client import client_of_fake, lead_requests
from tests.fakes.twilio.faxes import FINAL
from tests.fakes.twilio.server import Failure, FakeTwilio, Request

__all__ = ["FINAL", "Failure", "FakeTwilio", "Request", "client_of_fake", "lead_requests"]
