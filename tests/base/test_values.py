"""The sentinel of an argument that was not given."""

from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import both, module, needs_twilio
from twilio_fax_compat.base import values
from twilio_fax_compat.rest.fax.v1.fax import FaxList


@both
def test_what_was_not_given_is_left_out(library):
    """Only the sentinel is dropped; None, False and empty text are values."""
    of, unset = module(library, "base.values").of, module(library, "base.values").unset
    given_ = {"a": None, "b": False, "c": "", "d": 0}

    assert of({**given_, "e": unset}) == given_
    assert list(of({"b": 1, "x": unset, "a": 2})) == ["b", "a"]
    assert of({}) == {}


@given(st.dictionaries(st.text(), st.integers() | st.none() | st.just(values.unset)))
def test_a_map_is_split_by_the_sentinel(mapping):
    """What is left and what was the sentinel make the whole, and the map itself stays."""
    before = dict(mapping)
    left = values.of(mapping)

    assert values.unset not in left.values()
    assert {**dict.fromkeys(mapping, values.unset), **left} == mapping == before


def test_the_sentinel_is_the_default_of_each_argument():
    """A program may pass the sentinel to say that it gives nothing."""
    defaults = FaxList.create.__defaults__ + FaxList.page.__defaults__

    assert len(defaults) == 14
    assert all(default is values.unset for default in defaults)


@needs_twilio
def test_the_sentinel_is_twilios():
    """Where twilio is installed its own sentinel says the same to our functions."""
    from twilio.base import values as theirs

    assert values.unset is theirs.unset
