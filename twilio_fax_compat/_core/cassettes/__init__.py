"""Recordings of Twilio, answered by Telnyx."""
