"""Twilio's fax API on Telnyx: one flow a file."""
