"""Secrets are recognised by the name of the header, key, parameter or element that holds them."""

import pytest

from twilio_fax_compat._core.cassettes.secrets_by_name import is_secret, named_secrets


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "apikey",
        "auth",
        "auth_token",
        "AuthToken",
        "access_token",
        "id_token",
        "token",
        "client_secret",
        "webhookSecret",
        "PASSWORD",
        "new_password",
        "SipAuthPassword",
        "sip_auth_username",
        "passwd",
        "private_key",
        "X-Amz-Security-Token",
        "X-Twilio-Signature",
        "Telnyx-Signature-Ed25519",
        "X-CSRF-Token",
        "credentials",
        "pin",
        "auth[token]",
    ],
)
def test_secret_names(name):
    """However they are spelled."""
    assert is_secret(name, "anything")


@pytest.mark.parametrize(
    "name",
    [
        "PageToken",
        "next_page_token",
        "continuationToken",
        "token_type",
        "expires",
        "auth_url",
        "author",
        "password_required",
        "to",
        "connection_id",
        "client_state",
        "secretary_count",
        "max_tokens",
    ],
)
def test_other_names(name):
    """A page token says where a list continues, and a type is not a token."""
    assert not is_secret(name, "0123456789abcdef0123")


def test_names_with_two_meanings():
    """``meta.key`` of Twilio's lists is not a secret, a key of a map service is one."""
    assert not is_secret("key", "faxes")
    assert is_secret("key", "AIzaSyA0123456789abcdef")


@pytest.mark.parametrize(
    "text",
    [
        "/v1/x?auth=5up3rs3cr3t&a=b",
        "?a=b&token=5up3rs3cr3t",
        "#access_token=5up3rs3cr3t",
        "https://example.com/?a=b&amp;auth=5up3rs3cr3t",
        '{"a": 1, "auth_token": "5up3rs3cr3t", ',
        '\\"password\\": \\"5up3rs3cr3t\\"',
        "<Password>5up3rs3cr3t</Password>",
        '<login password="5up3rs3cr3t">',
        "GET / HTTP/1.1\r\nX-Api-Key: 5up3rs3cr3t\r\nA: b",
        'Content-Disposition: form-data; name="password"\r\n\r\n5up3rs3cr3t\r\n--x',
        "log: token=5up3rs3cr3t",
    ],
)
def test_secrets_in_texts(text):
    """Parameters, JSON, XML, headers and multipart forms that are a part of a text."""
    assert "5up3rs3cr3t" in {text[begin:end] for begin, end in named_secrets(text)}


def test_texts_without_secrets():
    """Nothing is found where names are not secret."""
    text = '<To>x</To> a=b {"key": "faxes", "page_token": "PT1"} ?PageToken=x\nDate: today'
    assert list(named_secrets(text)) == []
