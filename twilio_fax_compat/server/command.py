"""``twilio-fax-compat serve``: Twilio's fax REST API for programs in any language."""
