"""Values of the wire become Python's own, or stay what they are."""

import datetime as dt
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.base.libraries import OURS, THEIRS, both, module, needs_751, outcome
from twilio_fax_compat.base import deserialize, serialize

UTC = dt.timezone.utc
MOMENT = "2021-03-04T05:06:07Z"


@both
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MOMENT, (2021, 3, 4, 5, 6, 7)),
        ("0001-01-01T00:00:00Z", (1, 1, 1)),
        ("9999-12-31T23:59:59Z", (9999, 12, 31, 23, 59, 59)),
        ("2020-02-29T23:59:59Z", (2020, 2, 29, 23, 59, 59)),
        ("2021-3-4T5:6:7Z", (2021, 3, 4, 5, 6, 7)),
        ("2021-03-04t05:06:07z", (2021, 3, 4, 5, 6, 7)),
        ("٢٠٢١-03-04T05:06:07Z", (2021, 3, 4, 5, 6, 7)),
    ],
)
def test_a_moment_is_aware_and_utc(library, text, expected):
    """What Twilio takes for a moment is one, in UTC."""
    found = module(library, "base.deserialize").iso8601_datetime(text)

    assert found == dt.datetime(*expected, tzinfo=UTC)
    assert found.utcoffset() == dt.timedelta(0)


@both
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        5,
        b"2021-03-04T05:06:07Z",
        dt.datetime(2021, 3, 4, tzinfo=UTC),
        "2021-03-04T05:06:07.000Z",
        "2021-03-04T05:06:07+00:00",
        "2021-03-04T05:06:07",
        "2021-03-04 05:06:07Z",
        "2021-03-04",
        "2021-02-29T05:06:07Z",
        "2021-13-04T05:06:07Z",
        "2021-00-04T05:06:07Z",
        "0000-03-04T05:06:07Z",
        "2021-03-04T24:00:00Z",
        "2021-03-04T05:60:07Z",
        "2021-03-04T05:06:60Z",
        "2021-03-04T05:06:61Z",
        "2021-03-04T05:06:07Z ",
        " 2021-03-04T05:06:07Z",
        "2021-03-04T05:06:07Z\n",
        "2021-W09-4T05:06:07Z",
        "20210304T05:06:07ZZZ",
        "2021-03-04T+5:06:07Z",
        "2021-03-04T05:06: 7Z",
        "-021-03-04T05:06:07Z",
    ],
)
def test_what_is_no_moment_stays_as_it_is(library, value):
    """Anything else, a fraction or another zone too, comes back untouched."""
    assert module(library, "base.deserialize").iso8601_datetime(value) is value


def test_the_zone_is_pythons_own():
    """The zone is ``datetime.timezone.utc`` itself, on the fast way and the slow."""
    assert deserialize.iso8601_datetime(MOMENT).tzinfo is UTC
    assert deserialize.iso8601_datetime("2021-3-4T5:6:7Z").tzinfo is UTC
    assert deserialize.rfc2822_datetime("Thu, 04 Mar 2021 05:06:07 +0000").tzinfo is UTC


@st.composite
def nearly_moments(draw):
    """Draw a moment as text, some of whose characters are others."""
    text = draw(st.datetimes()).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    characters = list(text)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(characters) - 1))
        characters[place] = draw(st.sampled_from("0123456789-:TZtzW+ .٣\n_"))
    return "".join(characters)


def by_strptime(text):
    try:
        return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return text


@given(nearly_moments() | st.text("0123456789-:TZtz", max_size=22) | st.text())
@example("2021-03-04T24:00:00Z")
def test_moments_are_those_of_strptime(text):
    """The fast way reads as ``strptime``, in every version of Python."""
    assert deserialize.iso8601_datetime(text) == by_strptime(text)


@given(st.datetimes(min_value=dt.datetime(1000, 1, 1)))
def test_moments_survive_the_wire(moment):
    """A moment of whole seconds that is written and read is the same."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)

    assert deserialize.iso8601_datetime(serialize.iso8601_datetime(moment)) == moment


@both
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-03-04", dt.date(2021, 3, 4)),
        ("2021-3-4", dt.date(2021, 3, 4)),
        ("2021-02-29", "2021-02-29"),
        (MOMENT, MOMENT),
        (None, None),
        (5, 5),
    ],
)
def test_dates(library, value, expected):
    """A day is a date, anything else what it was."""
    assert module(library, "base.deserialize").iso8601_date(value) == expected


@both
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Thu, 04 Mar 2021 05:06:07 +0000", dt.datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)),
        ("Thu, 04 Mar 2021 05:06:07 +0200", dt.datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)),
        ("no date", None),
        (None, None),
    ],
)
def test_mail_dates(library, value, expected):
    """A mail's date is a moment whose zone is not heeded, and anything else is None."""
    assert module(library, "base.deserialize").rfc2822_datetime(value) == expected


@both
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("-3", -3),
        (3.9, 3),
        (True, 1),
        (0, 0),
        ("3.9", "3.9"),
        ("", ""),
        (None, None),
        ([], []),
    ],
)
def test_integers(library, value, expected):
    """What ``int`` reads is an int, anything else what it was."""
    found = module(library, "base.deserialize").integer(value)

    assert found == expected
    assert type(found) is type(expected)


@both
@pytest.mark.parametrize("value", [None, "", 0, 0.0, False, []])
def test_an_empty_decimal_stays_as_it_is(library, value):
    """What is empty is no number."""
    assert module(library, "base.deserialize").decimal(value) is value


@both
def test_decimals(library):
    """Text keeps its digits, a float shows its binary ones, and garbage raises."""
    decimal = module(library, "base.deserialize").decimal

    assert str(decimal("-0.0140")) == "-0.0140"
    assert str(decimal("1234567890.123456789")) == "1234567890.123456789"
    assert decimal(0.5) == Decimal("0.5")
    assert decimal(-0.014) != Decimal("-0.014")
    with pytest.raises(InvalidOperation):
        decimal("free")


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=22),
    nearly_moments(),
    st.binary(max_size=4),
    st.lists(st.integers(), max_size=2),
    st.dates().map(str),
    st.decimals().map(str),
)


@needs_751
@pytest.mark.parametrize("name", ["iso8601_date", "iso8601_datetime", "decimal", "integer"])
@given(value=ANYTHING)
def test_anything_is_read_as_twilio_reads_it(name, value):
    """Both libraries read or refuse any value alike."""
    theirs = outcome(lambda: getattr(module(THEIRS, "base.deserialize"), name)(value))

    assert theirs == outcome(lambda: getattr(module(OURS, "base.deserialize"), name)(value))
