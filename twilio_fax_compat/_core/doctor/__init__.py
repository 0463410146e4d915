"""What a check of the settings and the Telnyx account finds, from the answers that it got."""
