"""Faxes and errors of clients that are Twilio-shaped, more or less."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.migration.legacy_payloads import (
    FAX_NAMES,
    answer_of_error,
    payload_of_instance,
)
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException

WHEN = datetime(2026, 7, 1, 12, 0, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "told",
    [
        WHEN,
        WHEN.replace(tzinfo=None),
        WHEN.astimezone(timezone(timedelta(hours=2))),
        "2026-07-01T12:00:05Z",
        "2026-07-01T14:00:05+02:00",
        "Wed, 01 Jul 2026 12:00:05 +0000",
    ],
    ids=str,
)
def test_a_date_however_it_is_told(told):
    payload = payload_of_instance(SimpleNamespace(date_created=told), FAX_NAMES)
    assert payload["date_created"] == "2026-07-01T12:00:05Z"


def test_a_payload_has_every_name():
    """What the instance lacks is None; the sender is `from_` there and `from` here."""
    fax = SimpleNamespace(sid="FX1", from_="+1", price=Decimal("0.07"), num_pages=3)
    payload = payload_of_instance(fax, FAX_NAMES)

    assert set(payload) == set(FAX_NAMES)
    assert (payload["sid"], payload["from"], payload["price"]) == ("FX1", "+1", "0.07")
    assert (payload["num_pages"], payload["to"]) == (3, None)


def test_properties_are_preferred():
    """Twilio's instances keep what they were made of."""
    fax = SimpleNamespace(_properties={"sid": "FX2", "from_": "+2"}, sid="FX1")
    payload = payload_of_instance(fax, FAX_NAMES)
    assert (payload["sid"], payload["from"]) == ("FX2", "+2")


@given(
    st.integers(400, 599),
    st.one_of(st.none(), st.integers(10000, 99999)),
    st.one_of(st.text(max_size=30), st.from_regex(r"[a-z ]{0,9}\+?[0-9]{4,12}", fullmatch=True)),
    st.sampled_from(["create record", "fetch record", "update record", "delete record"]),
)
def test_an_error_is_read_back(status, code, message, what):
    """Its words appear once, as the mirror says them anew; numbers in them are masked."""
    error = TwilioRestException(status, "/Faxes", f"Unable to {what}: {message}", code=code)
    answer = answer_of_error(error)

    assert answer.status == status
    assert answer.payload["code"] == (status if code is None else code)
    assert answer.payload["message"] == mask(message)
    assert answer.cause is (error if mask(message) == message else None)


def test_a_failed_page_is_an_answer_too():
    error = TwilioException("Unable to fetch page", SimpleNamespace(status_code=503))
    assert answer_of_error(error).status == 503


@pytest.mark.parametrize("error", [OSError(5), TwilioException("no"), ValueError("status")])
def test_other_errors_are_no_answer(error):
    assert answer_of_error(error) is None
