"""What went out in the past."""

from twilio.rest import Client


def sent_to(number, account_sid, auth_token, since=None):
    """Return pairs of SID and status, the newest first."""
    filters = {"to": number}
    if since is not None:
        filters["date_created_after"] = since
    faxes = Client(account_sid, auth_token).fax.faxes.list(**filters)
    return [(fax.sid, fax.status) for fax in faxes]


def clear(sids, account_sid, auth_token):
    """Delete faxes and return how many were there."""
    client = Client(account_sid, auth_token)
    return sum(client.fax.faxes(sid).delete() for sid in sids)


def media_links(sid, account_sid, auth_token):
    """Return where the documents of a fax are."""
    return [media.url for media in Client(account_sid, auth_token).fax.faxes(sid).media.list()]
