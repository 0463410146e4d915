"""Converts Telnyx's webhook events to Twilio's callbacks."""
