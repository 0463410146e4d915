"""Twilio's signatures, made from a key, a URL and the fields of a form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.webhooks.signatures import (
    HASHES,
    HMAC_SHA256,
    body_hash,
    is_same,
    twilio_signature,
)

TOKEN = "12345"
FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
PATH = "/myapp.php?foo=1&bar=2"
BODY = b'{"property": "value", "boolean": true}'
BODY_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
REPEATED = [("Sid", "CA123"), ("SidAccount", "AC123")] + [
    ("Digits", digits) for digits in ("5678", "1234", "1234")
]

SIGNED = [
    ("https://mycompany.com" + PATH, FIELDS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ("https://mycompany.com:443" + PATH, FIELDS, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ("http://mycompany.com:80" + PATH, FIELDS, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ("http://mycompany.com:1234" + PATH, FIELDS, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    (
        f"https://mycompany.com{PATH}&bodySHA256={BODY_HASH}",
        [],
        "a9nBmqA0ju/hNViExpshrM61xv4=",
    ),
    ("https://mycompany.com" + PATH, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
]
"""URL, fields and signature, with the key `TOKEN`: the vectors of Twilio's own libraries."""

FORMS = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=6)
FORMS = FORMS.filter(lambda form: "".join(map("".join, form)).isprintable())


@pytest.mark.parametrize(("url", "fields", "signature"), SIGNED)
def test_a_signature_is_twilios(url, fields, signature):
    """Each published vector comes out, with the key as text or as bytes."""
    assert signature == twilio_signature(TOKEN, url, fields)
    assert signature == twilio_signature(TOKEN.encode(), url, iter(fields))


@given(FORMS.flatmap(lambda form: st.tuples(st.just(form), st.permutations(form * 2))))
def test_order_and_repetition_do_not_count(forms):
    """The same distinct fields have the same signature, however they arrive."""
    form, shuffled = forms

    assert twilio_signature(TOKEN, "u", form) == twilio_signature(TOKEN, "u", shuffled)


@given(FORMS, st.text("ab", min_size=1, max_size=4))
def test_all_that_is_signed_counts(form, more):
    """Another key, another URL or another algorithm make another signature."""
    signature = twilio_signature(TOKEN, "u", form)

    assert signature != twilio_signature(TOKEN + more, "u", form)
    assert signature != twilio_signature(TOKEN, more + "u", form)
    assert signature != twilio_signature(TOKEN, "u", form, HMAC_SHA256)


def test_names_are_sorted_by_code_point():
    """Upper case comes before lower case, and a name's values are sorted too."""
    fields = [("b", "1"), ("a", "2"), ("B", "4"), ("a", "1")]

    assert twilio_signature(TOKEN, "u") != twilio_signature(TOKEN, "u", fields)
    assert twilio_signature(TOKEN, "uB4a1a2b1") == twilio_signature(TOKEN, "u", fields)


def test_text_is_signed_as_utf_8():
    """A signature of other letters than ASCII is that of their UTF-8, as the key's is."""
    assert (
        twilio_signature("schlüssel", "https://mycompany.com/ä", [("Name", "Zoë ☎")])
        == "lxneEXT0GUsCqOilVL+TdoXkg6w="
    )


@pytest.mark.parametrize("value", [None, 5, b"5", ["5"]])
def test_a_value_is_text(value):
    """A value that is no text raises TypeError, as in Twilio's library."""
    with pytest.raises(TypeError):
        twilio_signature(TOKEN, "u", [("Name", value)])


def test_the_hashes_have_twilios_names():
    """Auth tokens sign with SHA-1, shared keys may sign with SHA-256."""
    assert list(HASHES) == ["HMAC_SHA1", "HMAC_SHA256"]


def test_a_body_hash_is_the_hex_of_sha_256():
    """The hash of the published body is that of the published URL."""
    assert body_hash(BODY) == BODY_HASH


@given(st.text() | st.binary(), st.text() | st.binary())
def test_same_is_equal(one, other):
    """Two texts are the same when their bytes are, whatever they hold."""
    raw = [
        text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        for text in (one, other)
    ]

    assert is_same(one, one)
    assert is_same(one, other) is (raw[0] == raw[1])
