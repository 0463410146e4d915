"""
Twilio's fax API as it was, on loopback: an independent opinion, which knows nothing of Telnyx.

Written from Twilio's OpenAPI file and its documents, never from this library's own tables.
"""

from tests.fakes.twilio.client import lead_requests, standin_client
from tests.fakes.twilio.faxes import FINAL
from tests.fakes.twilio.server import Failure, Request, TwilioStandIn

__all__ = ["FINAL", "Failure", "Request", "TwilioStandIn", "lead_requests", "standin_client"]
