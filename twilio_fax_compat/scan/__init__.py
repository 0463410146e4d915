"""The command ``scan``: what a program uses of Twilio's fax API, and what becomes of it."""
