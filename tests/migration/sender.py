"""Another process that sends one fax: ``python -m tests.migration.sender URL ACCOUNT TOKEN LEDGER``."""

import sys
from types import SimpleNamespace

from tests.helpers import ACCOUNT, FROM, MEDIA_URL, TO
from tests.migration.clients import Wrapper
from twilio_fax_compat.rest import Client

if __name__ == "__main__":
    url, account_sid, auth_token, ledger = sys.argv[1:]
    fake = SimpleNamespace(url=url, account_sid=account_sid, auth_token=auth_token)
    client = Client(
        ACCOUNT, "token", environment={}, ledger=ledger, legacy=Wrapper(fake), rollout="off"
    )
    client.fax.faxes.create(TO, MEDIA_URL, from_=FROM)
