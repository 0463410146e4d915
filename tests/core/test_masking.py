"""What errors and logs show of numbers, credentials and URLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.masking import is_public, mask, mask_number

UUID = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True), st.text("abc :,.()'\"\n", max_size=9))
def test_numbers_are_masked_anywhere(number, around):
    """No full number is left of a text, the last four digits are."""
    masked = mask(around + " " + number + " " + around)

    assert number[1:] not in masked
    assert number[-4:] in masked
    assert mask_number(number) == "..." + number[-4:]


@given(
    st.from_regex(r"\+?[1-9][0-9]{7,14}", fullmatch=True),
    st.sampled_from(
        ["%2B", "%2b", "\\u002b", "a", "to", "FX", "tel:", "-", "x-", "_", "=", "u+", "é"]
    ),
)
def test_numbers_are_masked_after_anything(number, before):
    """An encoded plus sign ends in a letter, and so may a name before a number."""
    masked = mask(f"{before}{number}&x")

    assert number.lstrip("+") not in masked
    assert number[-4:] in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("sip:kate@example.com", "sip:...@example.com"),
        ("https://u:p@x.example/a?token=1 failed", "https://x.example/... failed"),
        ("Bearer KEY0123_secret", "Bearer ***"),
        ("key KEY0123456_secret is wrong", "key *** is wrong"),
        ("+1 (415) 555-0100", "...0100"),
        ("HTTP 503, code 90080 in 12 ms", "HTTP 503, code 90080 in 12 ms"),
        ("FX6ddd26420dab4bcf9c5f45dd5f0a2d2e", "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e"),
        (UUID, UUID),
        ("FX" + "1" * 32, "FX" + "1" * 32),
        ("12345678-1234-4567-8901-123456789012", "12345678-1234-4567-8901-123456789012"),
        ("0a12345678901234567890", "0a12345678901234567890"),
        ("object at 0x7f1234567890>", "object at 0x7f1234567890>"),
        ("to 192.168.10.25:8080, 127.0.0.1", "to 192.168.10.25:8080, 127.0.0.1"),
        ("http://10.0.0.1:3128/x", "http://10.0.0.1:3128/..."),
        ("at 2021-03-04T05:06:07Z", "at 2021-03-04T05:06:07Z"),
        ("2021-03-04 05:06:07.123, 2021-03-04", "2021-03-04 05:06:07.123, 2021-03-04"),
        ("Thu, 04 Mar 2021 05:06:07 GMT", "Thu, 04 Mar 2021 05:06:07 GMT"),
        ("+1 415 555 0100 2021-03-04", "...0304"),
        ("2021-03-0412", "...0412"),
        ("415.555.0100", "...0100"),
        ("01.42.68.53.00", "...5300"),
        ("331.42.68.53", "...6853"),
    ],
)
def test_what_is_masked_and_what_is_not(text, masked):
    """Credentials, SIP users and paths of URLs go; codes and ids stay."""
    assert mask(text) == masked


@pytest.mark.parametrize("value", [None, 1234, "", "12", ["+15005550009"]])
def test_short_numbers_show_nothing(value):
    """What has no more than four digits is not shown at all."""
    assert mask_number(value) in ("...", "...0009")


PRIVATE = ["POST %2B15005550009", "https://www.example.com/private/fax.pdf", "secret"]


def linked(text, link):
    """Return an exception whose traceback shows *text* in the way that *link* says."""
    error, other = ValueError("boom"), RuntimeError(text)
    if link == "itself":
        return other
    if link == "note":
        error.__notes__ = [text]
    elif link == "hidden context":
        error.__context__, error.__suppress_context__ = other, True
    elif link == "far":
        error.__cause__ = KeyError("x")
        error.__cause__.__context__ = other
    elif link == "member":
        error.exceptions = (other,)
    else:
        setattr(error, f"__{link}__", other)
    other.__context__ = other.__context__ or error  # a ring
    return error


@pytest.mark.parametrize("text", PRIVATE)
@pytest.mark.parametrize(
    "link", ["itself", "cause", "context", "hidden context", "far", "note", "member"]
)
def test_a_traceback_shows_more_than_the_message(text, link):
    """Python prints causes, contexts, notes and members of groups too."""
    assert is_public(linked(text, link), "secret") is False
    assert is_public(linked("Connection refused", link), "secret", "") is True


def test_an_error_that_cannot_be_printed_may_be_private():
    class Unprintable(Exception):
        def __getattribute__(self, name):
            if name == "__notes__":
                raise OSError
            return super().__getattribute__(name)

    assert is_public(Unprintable()) is False
