"""Private data is found in every value, and replaced by the same thing everywhere."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from twilio_fax_compat._core.cassettes.nested_text import Unreadable
from twilio_fax_compat._core.cassettes.scrubbing import SCRUBBED, Scrubber

NUMBER = "+14155550123"
SECRET = "5up3rs3cr3t-0123"
ACCOUNT = "ACd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_bytes_in_any_encoding(encoding):
    """The result has the same encoding."""
    data = json.dumps({"to": NUMBER, "name": "Zo\xeb"}, ensure_ascii=False).encode(encoding)

    scrubbed = json.loads(Scrubber().scrub(data).decode(encoding))

    assert scrubbed["to"].startswith("+1500555")
    assert scrubbed["name"] == "Zo\xeb"


def test_bytes_in_latin_1():
    """As old servers wrote them."""
    assert Scrubber().scrub(f"Zo\xeb {NUMBER}".encode("latin-1")) == b"Zo\xeb +15005550100"


@pytest.mark.parametrize(
    "document",
    [
        b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n",
        b"II*\0\x08\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"%!PS-Adobe-3.0\n(+14155550123) show",
        b"--x\r\n\r\n\x00\x01\x02",
        {"content": b64encode(b"%PDF-1.4\n\xff\xfe\x00 a document of pages").decode()},
    ],
)
def test_documents_are_unreadable(document):
    """Their text cannot be found, so it cannot be replaced."""
    with pytest.raises(Unreadable):
        Scrubber().scrub(document)


@pytest.mark.parametrize(
    "value",
    [
        {"auth_token": SECRET},
        {"secret": {"value": [SECRET]}},
        {"headers": [["X-Api-Key", [SECRET]]]},
        {"uri": f"https://example.com/x?auth={SECRET}"},
        {"uri": f"/x?auth={SECRET}&a=b"},
        {"uri": f"https://example.com/x#access_token={SECRET}"},
        {"uri": f"https://me:{SECRET}@example.com/"},
        {"body": f"see https://example.com/x?auth={SECRET} for more"},
        {"body": f"password={SECRET}"},
        {"body": json.dumps({"a": json.dumps({"token": SECRET})})},
        {"body": f'{{"token": "{SECRET}", "token": "other"}}'},
        {"body": f'{{"token": "{SECRET}"}}\n{{"token": "{SECRET}"}}'},
        {"body": f"<AuthToken>{SECRET}</AuthToken>"},
        {"body": b64encode(json.dumps({"token": SECRET}).encode()).decode()},
        {"base64_string": b64encode(f"token={SECRET}".encode()).decode()},
        {b"Authorization": [b"Digest " + SECRET.encode()]},
        {"note": f"Authorization: Bearer {SECRET}"},
    ],
)
def test_secrets_by_name(value):
    """Wherever the name stands, and then wherever the secret stands."""
    scrubber = Scrubber()
    scrubbed = scrubber.scrub(value)

    assert SECRET not in str(scrubbed)
    assert b64encode(SECRET.encode()).decode()[:12] not in str(scrubbed)
    if "me:" not in str(value):
        assert scrubber.scrub({"path": f"/x/{SECRET}/y"}) == {"path": f"/x/{SCRUBBED}/y"}


def test_numbers_are_the_same_everywhere():
    """Also without a country code, as a number of JSON, and as a key."""
    scrubber = Scrubber()
    scrubber.observe({"From": NUMBER})

    assert scrubber.scrub("4155550123") == "5005550100"
    assert scrubber.scrub({"x": 14155550123}) == {"x": 15005550100}
    assert scrubber.scrub({"x": 14155550123.0}) == {"x": "15005550100"}
    assert scrubber.scrub({NUMBER: 1, 14155550123: 2}) == {"+15005550100": 1, "15005550100": 2}
    assert scrubber.scrub("To=%2B14155550123&x=(415)+555-0123") == (
        "To=%2B15005550100&x=%28500%29%20555-0100"
    )
    assert scrubber.scrub_text("test_send[+14155550123].yaml") == "test_send[+15005550100].yaml"


def test_a_national_number_is_the_international_one():
    """If both are known."""
    scrubber = Scrubber()
    scrubber.observe(["call 020 7183 8750", "+442071838750"])

    assert scrubber.scrub("+442071838750") == "+15005550100"
    assert scrubber.scrub("020 7183 8750") == "5005550100"


@pytest.mark.parametrize(
    "value",
    [
        {"date_created": "2021-03-04T05:06:07Z", "Date": ["Thu, 04 Mar 2021 05:06:07 GMT"]},
        {"ip": "192.168.100.200", "X-Forwarded-For": ["10.0.0.1, 10.0.0.2"]},
        {"from": "2021-03-04", "to": "20210304"},
        {"meta": {"key": "faxes", "page_size": 50}, "code": 20404},
        {"uri": "/v1/Faxes?PageToken=PAFX0123456789abcdef&PageSize=50"},
        {"sid": "FX0123456789abcdef0123456789abcdef", "price": "-0.0140"},
    ],
)
def test_other_values_stay(value):
    """Times, addresses, tokens of pages and SIDs."""
    assert Scrubber().scrub(value) == value


def test_accounts():
    """They stay different from each other."""
    other = ACCOUNT.replace("d", "e")
    scrubbed = Scrubber().scrub([ACCOUNT, other, quote(ACCOUNT)])
    assert scrubbed == [f"AC{1:032d}", f"AC{2:032d}", f"AC{1:032d}"]


def test_deep_values_are_unreadable():
    """Before the stack ends."""
    text = NUMBER
    for _ in range(14):
        text = json.dumps([text])
    deep = value = []
    for _ in range(500):
        value.append([])
        value = value[0]

    with pytest.raises(Unreadable):
        Scrubber().scrub(deep)
    assert "4155550123" not in Scrubber().scrub(text)
