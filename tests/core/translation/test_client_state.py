"""What travels with a fax through Telnyx and back."""

import json
from base64 import b64encode

import pytest

from twilio_fax_compat._core.translation.client_state import (
    account_of,
    keeps_media,
    pack,
    token_of,
)

TOKEN, ACCOUNT = "0a" * 16, "AC" + "1" * 32


@pytest.mark.parametrize("stores_media", [False, True])
@pytest.mark.parametrize("account", [None, ACCOUNT])
def test_what_is_packed_is_read(stores_media, account):
    state = pack(TOKEN, stores_media, account)

    assert (token_of(state), keeps_media(state), account_of(state)) == (
        TOKEN,
        stores_media,
        account,
    )
    assert len(state) < 220


def test_states_of_earlier_versions_are_read():
    """They name no account."""
    state = b64encode(b'{"twilio_fax_compat":1,"token":"t","media":1}').decode()

    assert (token_of(state), keeps_media(state), account_of(state)) == ("t", True, None)


@pytest.mark.parametrize(
    "state",
    [
        None,
        "",
        7,
        "not base64!",
        "aGk=",
        b64encode(b"[]").decode(),
        b64encode(b'{"account": "AC"}').decode(),
    ],
)
def test_what_is_not_ours_has_no_account(state):
    assert account_of(state) is None


@pytest.mark.parametrize("account", ["", 7, None, ["AC"], {}])
def test_a_strange_account_is_none(account):
    state = b64encode(json.dumps({"twilio_fax_compat": 1, "account": account}).encode()).decode()
    assert account_of(state) is None
