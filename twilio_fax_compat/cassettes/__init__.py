"""
Recordings of Twilio's fax API, made into recordings of Telnyx's.

Recordings are those of vcrpy (https://vcrpy.readthedocs.io), which is needed to read and write them.
"""
