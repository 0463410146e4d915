"""Phone numbers are found however they are written, and times and addresses are not numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twilio_fax_compat._core.cassettes.phone_numbers import (
    country_code,
    forms_of,
    number_in_field,
    numbers_in,
    replaced,
)

AMERICAN = "14155550123"
BRITISH = "442071838750"


@pytest.mark.parametrize(
    "written",
    [
        "+14155550123",
        "+1 415 555 0123",
        "+1 (415) 555-0123",
        "+1-415-555-0123",
        "+1.415.555.0123",
        "+1/415/555/0123",
        "+1\u00a0415\u00a0555\u00a00123",
        "+1\u202f415\u2009555\u20110123",
        "+1\u2013415\u2013555\u20130123",
        "+1\u2212415\u2014555\u20120123",
        "+1 \u00b7 415 \u00b7 555 \u00b7 0123",
        "\u202a+1 415\u200b555\u20600123\u202c",
        "%2B14155550123",
        "%2b1%20415%20555%200123",
        "%2B1%C2%A0415%E2%80%93555%E2%80%930123",
        "\\u002b1415\\u00a0555\\u20130123",
        "&#43;1&nbsp;415&ndash;555&#8211;0123",
        "\uff0b14155550123",
        "+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0662\u0663",
        "001 415 555 0123",
        "0014155550123",
        "011 1 415 555 0123",
        "1-415-555-0123",
        "1 (415) 555 0123",
        "(415) 555-0123",
        "415-555-0123",
        "415.555.0123",
        "415\u00a0555\u20130123",
    ],
)
def test_the_ways_to_write_a_number(written):
    """With any separator, escape or prefix; and what follows it is not a part of it."""
    for text in (written, f"call {written}, please", f'"{written}"', f"<b>{written}</b>"):
        assert AMERICAN in set(numbers_in(text)), text
    assert AMERICAN in set(numbers_in(written + " 2021"))


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+44 20 7183 8750", BRITISH),
        ("+44 (0)20 7183 8750", BRITISH),
        ("0044 20 7183 8750", BRITISH),
        ("020 7183 8750", "02071838750"),
        ("(020) 7183-8750", "02071838750"),
        ("01 42 68 53 00", "0142685300"),
        ("030/901820 12", "03090182012"),
        ("+352 26 20 33 44", "35226203344"),
    ],
)
def test_other_countries(written, digits):
    """Without a country code, the digits begin with the 0."""
    assert digits in set(numbers_in(f"call {written} now"))


@pytest.mark.parametrize(
    "text",
    [
        "2021-03-04T05:06:07Z",
        "2021-03-04 05:06:07.123456",
        "Thu, 04 Mar 2021 05:06:07 GMT",
        "04.03.2021 05:06",
        "04-03-2021 05:06:07",
        "04/03/2021 10",
        "127.0.0.1",
        "from 192.168.100.200:8080",
        "10.0.0.1, 10.0.0.2",
        "2021-03-04T05:06:07+0100",
        "version 1.10.2020",
        "1614834367",
        "FX0123456789abcdef0123456789abcdef",
        "price -0.0140",
    ],
)
def test_times_and_addresses_are_not_numbers(text):
    """Nothing is found in them, so nothing is replaced."""
    assert list(numbers_in(text)) == []


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("4155550123", "4155550123"),
        (" 14155550123", "14155550123"),
        ("(415) 555-0123", "4155550123"),
        ("020 7183 8750", "02071838750"),
        ("20210304", None),
        ("20210304050607", None),
        ("2021-03-04", None),
        ("1614834367", None),
        ("1614834367123", None),
        ("192.168.100.200", None),
        ("0123456789abcdef", None),
        ("123456", None),
        ("the reception", None),
    ],
)
def test_fields_of_numbers(text, digits):
    """A field that should hold a number holds one, unless it is a time or an address."""
    assert number_in_field(text) == digits


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("14155550123", "1"),
        ("74955550123", "7"),
        (BRITISH, "44"),
        ("33142685300", "33"),
        ("35226203344", "352"),
        ("8613912345678", "86"),
        ("85212345678", "852"),
        ("99412345678", "994"),
    ],
)
def test_country_codes(digits, code):
    """One, two or three digits."""
    assert country_code(digits) == code


@pytest.mark.parametrize(
    "written",
    [
        "+442071838750",
        "00442071838750",
        "011 44 20 7183 8750",
        "+44 (0)20 7183 8750",
        "020 7183 8750",
        "02071838750",
        "20 7183 8750",
        "2071838750",
        "020_7183_8750",
        "020~7183*8750",
        "02 0 71 83 87 50",
        "%2B44%20207183%208750",
        "x%202071838750",
        "call:020-7183-8750.",
    ],
)
def test_a_known_number_is_replaced(written):
    """With separators of any kind, and without its country."""
    scrubbed = replaced(written, dict(forms_of(BRITISH, "15005550100")))

    assert "8750" not in "".join(filter(str.isdigit, scrubbed))
    assert "5005550100" in "".join(filter(str.isdigit, scrubbed))


def test_separators_stay():
    """Where both numbers have the same length."""
    forms = dict(forms_of(AMERICAN, "15005550100"))
    assert (
        replaced("+1 (415) 555-0123 and 415.555.0123", forms)
        == "+1 (500) 555-0100 and 500.555.0100"
    )


def test_other_digits_stay():
    """A known number inside a longer one is not that number."""
    forms = dict(forms_of(AMERICAN, "15005550100"))
    for text in ("914155550123", "141555501234", "1, 415, 555, 0123", "1415 555012"):
        assert replaced(text, forms) == text


digits = st.from_regex(r"1[2-9][0-9]{9}|[2-9][0-9]{9,13}", fullmatch=True)
gaps = st.sampled_from(
    ["", " ", "-", ".", "\u00a0", "\u2013", ") ", " (", "/", "\u202f", "&nbsp;", "%20"]
)


@given(digits, st.lists(gaps, min_size=14, max_size=14), st.sampled_from(["", "+", "00", "+ "]))
@settings(deadline=None)
def test_no_digit_of_a_known_number_is_left(number, between, prefix):
    """Whatever stands between its digits."""
    text = prefix + "".join(digit + gap for digit, gap in zip(number, between))
    scrubbed = replaced(text, dict(forms_of(number, "15005550100")))

    assert number not in "".join(filter(str.isdigit, scrubbed.replace("%20", "")))
