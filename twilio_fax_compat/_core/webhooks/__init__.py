"""Telnyx's webhook events as Twilio's callbacks."""
