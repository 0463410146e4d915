"""What becomes of each use of Twilio's fax API, as a table."""
