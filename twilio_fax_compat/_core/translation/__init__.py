"""Twilio's words and Telnyx's, as tables and the functions that read them."""
