"""Converts recorded Twilio responses to the Telnyx responses that produce them."""
