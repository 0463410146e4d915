"""What travels with a fax through Telnyx and back."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.text("0123456789abcdef", min_size=1, max_size=64))
def test_a_token_round_trips(token):
    """A token is found again in the client_state it was packed into."""
    assert token_of(pack(token)) == token


@given(st.text() | st.binary().map(lambda raw: b64encode(raw).decode()) | st.none() | st.integers())
def test_another_programs_client_state_has_no_token(state):
    """What is not ours is None, whatever it holds."""
    assert token_of(state) is None


@pytest.mark.parametrize("value", [{}, [], 7, {"token": "x"}, {"twilio_fax_compat": 1, "token": 7}])
def test_json_that_is_not_ours_has_no_token(value):
    """JSON of another shape is not taken for ours."""
    assert token_of(b64encode(json.dumps(value).encode()).decode()) is None
