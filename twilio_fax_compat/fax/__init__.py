"""The command ``fax``: what is known of one fax, and of a send whose end is not known."""
