"""The status and quality vocabularies."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.translation import statuses
from twilio_fax_compat._core.translation.failure_reasons import FAILURE_REASONS
from twilio_fax_compat._core.translation.statuses import (
    QUALITIES,
    STATUSES,
    TELNYX_QUALITIES,
    TERMINAL_STATUSES,
    is_terminal,
    twilio_quality,
    twilio_status,
)

TWILIO_STATUSES = {
    "queued",
    "processing",
    "sending",
    "delivered",
    "receiving",
    "received",
    "no-answer",
    "busy",
    "failed",
    "canceled",
}

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=30))
DIRECTIONS = st.sampled_from(["inbound", "outbound", None, "sideways"])
REASONS = st.one_of(st.sampled_from(sorted(FAILURE_REASONS)), ANYTHING)


@given(st.one_of(st.sampled_from(sorted(STATUSES)), st.text()), DIRECTIONS, REASONS, st.booleans())
def test_every_fax_with_a_status_has_one_of_twilios_ten(status, direction, reason, asked):
    """Whatever Telnyx says, known or not, the status is one of the ten a program may meet."""
    assert twilio_status(status, direction, reason, asked) in TWILIO_STATUSES


@given(ANYTHING.filter(lambda value: not isinstance(value, str)))
def test_no_status_stays_no_status(status):
    """A fax without a status, as in a partial payload, gets none."""
    assert twilio_status(status) is None


def test_all_ten_statuses_can_be_reached():
    """Each of Twilio's statuses is what some Telnyx fax reads as."""
    told = {
        twilio_status(status, direction, reason, asked)
        for status in STATUSES
        for direction in ("inbound", "outbound")
        for reason in (*FAILURE_REASONS, None)
        for asked in (True, False)
    }

    assert told == TWILIO_STATUSES


@pytest.mark.parametrize(
    ("status", "twilio"),
    [
        ("queued", "queued"),
        ("media.processed", "processing"),
        ("originated", "processing"),
        ("sending", "sending"),
        ("sending.started", "sending"),
        ("sending.something", "sending"),
        ("delivered", "delivered"),
        ("initiated", "receiving"),
        ("receiving", "receiving"),
        ("media.processing", "processing"),
        ("received", "received"),
        ("failed", "failed"),
    ],
)
def test_a_published_status_reads_as_its_twilio_word(status, twilio):
    """Each status of the published list has the Twilio word of the same moment."""
    assert twilio == twilio_status(status, "outbound")


@pytest.mark.parametrize(
    ("direction", "twilio"), [("outbound", "processing"), ("inbound", "receiving")]
)
def test_an_unknown_status_is_in_progress(direction, twilio):
    """A word of next year reads as in progress, so that a polling program goes on polling."""
    assert twilio == twilio_status("paused", direction)


@pytest.mark.parametrize(
    ("reason", "twilio"),
    [
        ("user_busy", "busy"),
        ("destination_busy", "busy"),
        ("receiver_no_answer", "no-answer"),
        ("receiver_no_response", "no-answer"),
        ("sender_canceled", "canceled"),
        ("receiver_decline", "failed"),
        ("a_reason_of_next_year", "failed"),
        ("", "failed"),
        (None, "failed"),
    ],
)
def test_a_failure_reads_by_its_reason(reason, twilio):
    """A busy line, a silent one and a cancellation are told apart, all else is failed."""
    assert twilio == twilio_status("failed", "outbound", reason)


def test_a_sender_that_gave_up_on_us_is_a_failure():
    """On an inbound fax ``sender_canceled`` is the far end's doing, not a cancellation of ours."""
    assert twilio_status("failed", "inbound", "sender_canceled") == "failed"


@pytest.mark.parametrize(
    ("reason", "twilio"),
    [
        (None, "canceled"),
        ("", "canceled"),
        ("sender_canceled", "canceled"),
        ("user_busy", "busy"),
        ("file_download_failed", "failed"),
    ],
)
def test_a_failure_after_our_cancellation(reason, twilio):
    """A fax we cancelled is canceled, unless Telnyx tells another reason for its end."""
    assert twilio == twilio_status("failed", "outbound", reason, cancel_asked=True)


@pytest.mark.parametrize("status", ["delivered", "received"])
def test_a_cancellation_that_came_too_late(status):
    """A fax that was delivered before its cancellation took hold is delivered."""
    assert status == twilio_status(status, "outbound", None, cancel_asked=True)


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_terminal_statuses_agree(status):
    """A Telnyx status is final exactly if the Twilio one is."""
    final = {"delivered", "received", "no-answer", "busy", "failed", "canceled"}

    assert (twilio_status(status) in final) == is_terminal(status) == (status in TERMINAL_STATUSES)


@given(st.sampled_from(sorted(TELNYX_QUALITIES)))
def test_a_quality_round_trips(quality):
    """Each quality a program can ask for is the one it reads back."""
    assert quality == twilio_quality(TELNYX_QUALITIES[quality])


@given(ANYTHING)
def test_no_quality_raises(quality):
    """Unknown text is handed on, and what is no text is None."""
    expected = QUALITIES.get(quality, quality) if isinstance(quality, str) else None

    assert expected == twilio_quality(quality)


@pytest.fixture(name="schemas")
def _schemas():
    folder = os.environ.get("TWILIO_FAX_COMPAT_SPECS")
    if not folder:
        pytest.skip(
            "set TWILIO_FAX_COMPAT_SPECS to a folder with telnyx-fax.openapi.json, cut from the "
            "OpenAPI file of github.com/team-telnyx/openapi"
        )
    text = Path(folder, "telnyx-fax.openapi.json").read_text(encoding="utf-8")
    return json.loads(text)["components"]["schemas"]


def test_every_published_status_and_quality_is_mapped(schemas):
    """No status, quality or failure reason of the published file is left to the fallbacks."""
    fax = schemas["Fax"]["properties"]

    def values(schema):
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[-1]]
        return set(schema["enum"])

    assert values(fax["status"]) <= set(STATUSES)
    assert values(fax["quality"]) == set(QUALITIES)


def test_tables_speak_twilios_words():
    """What the tables map to are words Twilio has."""
    told = {*STATUSES.values(), *(row.status for row in FAILURE_REASONS.values())}

    assert told <= TWILIO_STATUSES
    assert set(QUALITIES.values()) == set(statuses.TELNYX_QUALITIES)
