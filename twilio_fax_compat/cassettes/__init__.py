"""
Converts recordings of Twilio's fax API to recordings of Telnyx's.

The recordings are cassettes of vcrpy (https://vcrpy.readthedocs.io).
"""
