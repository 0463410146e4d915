"""Python values become Twilio's wire."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import OURS, THEIRS, both, module, needs_751, outcome

EAST = dt.timezone(dt.timedelta(hours=2))


@both
@pytest.mark.parametrize(
    ("value", "day", "moment"),
    [
        (dt.datetime(2021, 3, 4, 5, 6, 7, 890), "2021-03-04", "2021-03-04T05:06:07Z"),
        (dt.datetime(2021, 3, 4, 5, 6, 7, tzinfo=EAST), "2021-03-04", "2021-03-04T05:06:07Z"),
        (dt.date(2021, 3, 4), "2021-03-04", "2021-03-04T00:00:00Z"),
        ("yesterday", "yesterday", "yesterday"),
        ("", "", ""),
        (None, None, None),
        (5, None, None),
    ],
)
def test_dates(library, value, day, moment):
    """Dates are written without a conversion of their zone, text is left, the rest is None."""
    serialize = module(library, "base.serialize")

    assert serialize.iso8601_date(value) == day
    assert serialize.iso8601_datetime(value) == moment


@both
def test_what_was_not_given_stays_so(library):
    """The sentinel goes through each function, and is an empty map."""
    serialize, unset = module(library, "base.serialize"), module(library, "base.values").unset

    assert serialize.iso8601_date(unset) is unset
    assert serialize.iso8601_datetime(unset) is unset
    assert serialize.object(unset) is unset
    assert serialize.map(unset, str) is unset
    assert serialize.prefixed_collapsible_map(unset, "P") == {}


@both
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, {"P.a": 1}),
        ({"a": {"b": {"c": 1}}, "d": 2}, {"P.a.b.c": 1, "P.d": 2}),
        ({"a": {"b": {}}}, {}),
        ({"a.b": 1, "a": {"b": 2}}, {"P.a.b": 2}),
        ({}, {}),
        (None, {}),
        ("text", {}),
        ([1], {}),
    ],
)
def test_maps_become_flat(library, value, expected):
    """The names of a nested map are joined by dots, and what is no map is empty."""
    assert module(library, "base.serialize").prefixed_collapsible_map(value, "P") == expected


@both
def test_objects_become_json(library):
    """A dictionary or list is JSON text, anything else itself."""
    to_json = module(library, "base.serialize").object

    assert to_json({"a": [1, None]}) == '{"a": [1, null]}'
    assert to_json([]) == "[]"
    assert to_json((1,)) == (1,)
    assert to_json("x") == "x"
    assert to_json(None) is None


@both
def test_lists_are_mapped(library):
    """A list has each element replaced, anything else is left."""
    to_list = module(library, "base.serialize").map

    assert to_list([1, 2], str) == ["1", "2"]
    assert to_list((1, 2), str) == (1, 2)
    assert to_list("ab", str.upper) == "ab"
    assert to_list(None, str) is None


NESTED = st.recursive(
    st.integers() | st.none() | st.text(max_size=2),
    lambda inner: (
        st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), inner, max_size=3)
        | st.lists(inner, max_size=2)
    ),
    max_leaves=8,
)
ANYTHING = st.datetimes(timezones=st.none() | st.just(EAST)) | st.dates() | st.floats() | NESTED


@needs_751
@pytest.mark.parametrize("name", ["iso8601_date", "iso8601_datetime", "object"])
@given(value=ANYTHING)
def test_anything_is_written_as_twilio_writes_it(name, value):
    """Both libraries write any value alike."""
    theirs = outcome(lambda: getattr(module(THEIRS, "base.serialize"), name)(value))

    assert theirs == outcome(lambda: getattr(module(OURS, "base.serialize"), name)(value))


@needs_751
@given(value=NESTED, prefix=st.text(max_size=2) | st.none())
def test_any_map_becomes_as_flat_as_twilios(value, prefix):
    """Both libraries make the same of any map, in the same order."""
    made = [
        list(module(library, "base.serialize").prefixed_collapsible_map(value, prefix).items())
        for library in (OURS, THEIRS)
    ]

    assert made[0] == made[1]
