"""Timestamps of both APIs."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.translation.times import (
    last_moment_of,
    parse_http_date,
    parse_timestamp,
    twilio_timestamp,
    utc_text,
)

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=timezone.utc)
)


@given(MOMENTS, st.sampled_from(["Z", "+00:00", "", "z", "-0000"]), st.sampled_from(["T", " "]))
def test_a_timestamp_round_trips(moment, zone, separator):
    """A moment is found again from its text, with or without a zone."""
    text = moment.strftime("%Y-%m-%d{}%H:%M:%S.%f").format(separator) + zone

    assert parse_timestamp(text) == moment == parse_timestamp(utc_text(moment))
    assert twilio_timestamp(text) == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@given(MOMENTS, st.integers(-23 * 60, 23 * 60))
def test_a_zone_is_heeded(moment, minutes):
    """A timestamp of another zone is the same moment."""
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))

    assert parse_timestamp(local.isoformat()) == moment


@given(st.text() | st.none() | st.integers())
def test_no_timestamp_raises(text):
    """Text that is not a timestamp is None."""
    assert parse_timestamp(text) is None or isinstance(text, str)
    assert twilio_timestamp(text) is None or isinstance(text, str)
    assert parse_http_date(text) is None or isinstance(text, str)


@pytest.mark.parametrize(
    "text",
    [
        "2021-02-30T00:00:00Z",
        "2021-01-01T25:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "2021-01-01T00:00:00٣Z",
    ],
)
def test_impossible_moments_are_none(text):
    """A date that does not exist, or falls out of the calendar, is None."""
    assert parse_timestamp(text) is None


@given(MOMENTS, st.integers(0, 6))
def test_the_last_moment_of_a_text(moment, digits):
    """No moment that is written so is later, and the next microsecond is written otherwise."""
    full = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    text = (full[: 20 + digits] if digits else full[:19]) + "Z"
    last = last_moment_of(text)

    assert last >= moment
    assert last - parse_timestamp(text) == timedelta(microseconds=10 ** (6 - digits) - 1)


def test_http_dates():
    """A ``Date`` header is a moment in UTC."""
    expected = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)

    assert parse_http_date("Wed, 01 Jul 2026 12:00:00 GMT") == expected
    assert parse_http_date("Wed, 01 Jul 2026 12:00:00 -0000") == expected
    assert parse_http_date("soon") is None
