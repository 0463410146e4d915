"""The only way out to Telnyx."""
