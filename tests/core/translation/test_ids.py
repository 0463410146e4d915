"""SIDs and fax ids are two spellings of one UUID."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.translation.ids import fax_id, fax_sid, media_sid

UUIDS = st.uuids().map(str)


@given(UUIDS)
def test_a_fax_id_survives_being_a_sid(telnyx_id):
    """A fax id is found again from its SID, which is 34 characters long."""
    sid = fax_sid(telnyx_id)

    assert telnyx_id == fax_id(sid)
    assert (len(sid), sid[:2]) == (34, "FX")


@given(st.text("0123456789abcdefABCDEF", min_size=32, max_size=32))
def test_every_sid_is_a_fax_id_and_back(digits):
    """Any 32 hexadecimal digits make a SID, in either case, and come back in lower case."""
    telnyx_id = fax_id("FX" + digits)

    assert UUID(digits) == UUID(telnyx_id)
    assert "FX" + digits.lower() == fax_sid(telnyx_id)


@given(UUIDS)
def test_a_media_sid_names_the_same_fax(telnyx_id):
    """The SID of a fax's media tells the fax, and is never taken for a fax SID."""
    sid = media_sid(telnyx_id)

    assert telnyx_id == fax_id(sid, "ME")
    assert fax_id(sid) is None
    assert fax_id(fax_sid(telnyx_id), "ME") is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "FX",
        "FX" + "0" * 31,
        "FX" + "0" * 33,
        "FX" + "g" * 32,
        "fx" + "0" * 32,
        "ME" + "0" * 32,
        "FX" + "\u0660" * 32,
        "FX" + "0" * 32 + "\n",
        b"FX" + b"0" * 32,
    ],
)
def test_what_is_no_sid_is_no_fax_id(value):
    """Anything but FX and 32 hexadecimal digits names no fax."""
    assert fax_id(value) is None


@given(st.one_of(st.none(), st.integers(), st.text(max_size=40), st.binary()))
def test_what_is_no_uuid_has_no_sid(value):
    """Anything but a UUID has neither a fax SID nor a media SID."""
    try:
        UUID(value if isinstance(value, str) else "")
    except ValueError:
        assert fax_sid(value) is None
        assert media_sid(value) is None
