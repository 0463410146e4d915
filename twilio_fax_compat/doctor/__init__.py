"""The command ``doctor``: what is missing before the first fax."""
