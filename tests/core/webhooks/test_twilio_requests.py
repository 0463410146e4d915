"""The requests that Twilio would make."""

from base64 import b64decode

import pytest

from twilio_fax_compat._core.webhooks.signatures import twilio_signature
from twilio_fax_compat._core.webhooks.twilio_requests import CallbackSettings, _call

RULES = CallbackSettings(account_sid="AC1", auth_token="token")


@pytest.mark.parametrize(
    ("credentials", "text"), [("user:p%40ss", "user:p@ss"), ("user", "user:"), ("u:a:b", "u:a:b")]
)
def test_credentials_become_a_header_and_are_not_signed(credentials, text):
    """As at Twilio, the signed URL has neither credentials nor a fragment."""
    call = _call("POST", f"https://{credentials}@a.example/done#x", {"a": "1"}, RULES)

    scheme, _, encoded = call.headers["Authorization"].partition(" ")
    assert (scheme, b64decode(encoded).decode()) == ("Basic", text)
    signature = twilio_signature("token", "https://a.example/done", [("a", "1")])
    assert call.headers["X-Twilio-Signature"] == signature


def test_without_credentials_there_is_no_header():
    assert "Authorization" not in _call("GET", "https://a.example/done", {}, RULES).headers
