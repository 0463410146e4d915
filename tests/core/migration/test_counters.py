"""The names of counters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.migration.counters import (
    ACCEPTED,
    CREATE,
    DETAIL_LIMIT,
    SHADOW,
    SHADOW_KINDS,
    SHADOW_OK,
    SHADOW_REFUSED,
    CounterName,
    counter_name,
    read_counter_name,
    refused,
)
from twilio_fax_compat._core.translation.create_form import ADVICE

NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ((CREATE, "telnyx", ACCEPTED), "create/telnyx/accepted"),
        ((CREATE, "legacy", refused(21211)), "create/legacy/refused:21211"),
        ((SHADOW, SHADOW_OK), "shadow/ok/"),
        ((SHADOW, SHADOW_REFUSED, "a/b: c"), "shadow/refused/a/b: c"),
    ],
)
def test_a_name_is_read_as_it_was_written(told, name):
    """Each part comes back."""
    assert counter_name(*told) == name
    assert read_counter_name(name) == CounterName(*told, *[""] * (3 - len(told)))


@pytest.mark.parametrize("parameter", ADVICE)
def test_advice_stays_whole(parameter):
    """What an operator is to read is not cut."""
    detail = f"{parameter}: {ADVICE[parameter]}"
    assert read_counter_name(counter_name(SHADOW, "warned", detail)).detail == detail


@given(st.sampled_from(SHADOW_KINDS), st.text(max_size=400), NUMBERS)
def test_any_detail_makes_a_name(kind, text, number):
    """It can be stored anywhere, is not too long, and is read back; numbers are left out."""
    detail = f"{text} to ({number}) is neither"
    name = counter_name(SHADOW, kind, detail)
    assert name.isprintable()
    assert number[1:] not in name
    read = read_counter_name(name)
    assert (read.kind, read.group) == (SHADOW, kind)
    assert len(read.detail) <= DETAIL_LIMIT
    assert counter_name(*read) == name


@given(NUMBERS, NUMBERS)
def test_the_same_finding_is_one(one, other):
    """Faxes to different numbers are refused for the same reason."""
    assert (
        len({counter_name(SHADOW, "refused", f"to ({number}) is wrong") for number in (one, other)})
        == 1
    )
    assert re.search(r"/to is wrong$", counter_name(SHADOW, "refused", f"to ({one}) is wrong"))


@pytest.mark.parametrize("name", ["", "create", "create/telnyx", "other/a/b"])
def test_other_names_are_none_of_these(name):
    """A counter of something else is left alone."""
    assert read_counter_name(name) is None
