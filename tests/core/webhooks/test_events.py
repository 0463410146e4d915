"""Telnyx's fax events as Twilio's callback parameters."""

from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.facts import Facts, merged
from twilio_fax_compat._core.translation.failure_reasons import (
    ERROR_MESSAGES,
    FAILURE_REASONS,
    SOURCES,
)
from twilio_fax_compat._core.webhooks.events import (
    EVENT_STATUSES,
    event_name,
    facts_of,
    incoming_fax,
    read_event,
    to_twilio_callback,
)
from twilio_fax_compat._core.webhooks.multipart import encode_multipart
from twilio_fax_compat._core.webhooks.twilio_requests import form_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
JSONS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
)
FIELDS = (
    "fax_id id direction from to status failure_reason page_count call_duration_secs media_url "
    "original_media_url client_state partial_content caller_id unknown"
).split()
PAYLOADS = st.dictionaries(st.sampled_from(FIELDS), JSONS)
FAX = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"


def event_of(name="fax.queued", direction="outbound", **payload):
    payload = {"fax_id": FAX, "direction": direction, "from": "+1", "to": "+2", **payload}
    body = {
        "data": {"event_type": name, "id": "e", "payload": payload},
        "meta": {"delivered_to": "https://x"},
    }
    return read_event(body)


@given(JSONS | st.fixed_dictionaries({"data": JSONS, "meta": JSONS}))
def test_any_json_is_read(body):
    """Whatever a webhook holds, reading it does not raise."""
    assert read_event(body) is None
    assert event_name(body) is None or isinstance(event_name(body), str)


@given(st.sampled_from(sorted(EVENT_STATUSES)), PAYLOADS, st.booleans())
def test_any_payload_is_a_callback(name, payload, flat):
    """Any payload with a fax gives Twilio's parameters, all of them text."""
    data = {"event_type": name, "id": "e1", "payload": {**payload, "fax_id": FAX}}
    event = read_event(data if flat else {"data": data, "meta": {"delivered_to": 7}})
    fields = to_twilio_callback(event, "AC1")

    assert set(incoming_fax(event, "AC1")) == {"FaxSid", "AccountSid", "From", "To", "ApiVersion"}
    assert all(isinstance(value, str) for value in fields.values())
    assert fields["FaxStatus"] == fields["Status"] != ""
    assert isinstance(facts_of(event), Facts)


@pytest.mark.parametrize("name", sorted(EVENT_STATUSES))
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_every_event_has_its_status(name, direction):
    """Each event reads as the status it announces, an inbound ``fax.delivered`` as received."""
    event = event_of(name, direction)
    expected = EVENT_STATUSES[name]

    assert event.status == (
        "received" if (expected, direction) == ("delivered", "inbound") else expected
    )
    assert event.is_inbound == (direction == "inbound")


@pytest.mark.parametrize(
    "name", ["fax.receiving.started", "fax.media.processing.started", "fax.received"]
)
def test_a_direction_that_is_missing_is_told_by_the_event(name):
    """Events that only inbound faxes have tell the direction."""
    assert event_of(name, direction=None).is_inbound


def test_every_reason_is_whole():
    """Each row has one of Twilio's four codes, a text and a source."""
    assert {row.code for row in FAILURE_REASONS.values()} == {34002, 34003, 34004, 34108}
    assert set(ERROR_MESSAGES) == {34002, 34003, 34004, 34108}
    for row in FAILURE_REASONS.values():
        assert row.text
        assert row.source
        assert set(row.source.split()) <= set(SOURCES)


@pytest.mark.parametrize("reason", sorted(FAILURE_REASONS))
def test_codes_and_statuses_agree(reason):
    """34002 is busy, 34003 no-answer; a cancellation has no code, other failures have one."""
    fields = to_twilio_callback(event_of("fax.failed", failure_reason=reason), "AC1")
    expected = {"busy": "34002", "no-answer": "34003", "canceled": None}
    if fields["FaxStatus"] == "failed":
        assert fields["ErrorCode"] in ("34004", "34108")
    else:
        assert fields.get("ErrorCode") == expected[fields["FaxStatus"]]


def test_a_cancelled_fax_is_canceled():
    """A failure after our cancellation is told as canceled."""
    event = event_of("fax.failed")

    assert to_twilio_callback(event, "AC1", cancel_asked=True)["FaxStatus"] == "canceled"
    assert to_twilio_callback(event, "AC1")["FaxStatus"] == "failed"


@given(st.text(min_size=1))
def test_the_callers_url_comes_back_as_it_was(url):
    """``OriginalMediaUrl`` is what the caller gave, character for character."""
    assert to_twilio_callback(event_of(original_media_url=url), "AC1")["OriginalMediaUrl"] == url


def test_the_link_can_be_replaced():
    """A link of ours takes the place of Telnyx's."""
    event = event_of("fax.received", "inbound", media_url="https://theirs")

    assert to_twilio_callback(event, "AC1")["MediaUrl"] == "https://theirs"
    assert to_twilio_callback(event, "AC1", media_url="https://ours")["MediaUrl"] == "https://ours"


def test_events_without_a_subject_are_none():
    """An event needs an id, a known kind and a fax."""
    good = {"event_type": "fax.queued", "id": "e", "payload": {"id": str(uuid4())}}

    assert read_event(good).fax_id == good["payload"]["id"]
    for wrong in ({"event_type": "fax.email.delivered"}, {"id": None}, {"id": ""}, {"payload": {}}):
        assert read_event({**good, **wrong}) is None


def test_facts_are_kept_of_the_end_only():
    """What only webhooks tell is remembered when the fax is over."""
    assert facts_of(event_of("fax.queued", page_count=3)) == Facts()
    told = event_of("fax.delivered", page_count="3", call_duration_secs=31.0)
    assert facts_of(told) == Facts(status="delivered", page_count=3, duration=31)


FACTS = st.builds(
    Facts,
    cancel_asked=st.booleans(),
    status=st.none() | st.sampled_from(["delivered", "failed"]),
    failure_reason=st.none() | st.just("user_busy"),
    page_count=st.none() | st.integers(),
    duration=st.none() | st.integers(),
    action=st.none() | st.just({"verb": "Reject"}),
)


@given(FACTS, FACTS, FACTS)
def test_facts_add_up(one, other, third):
    """Adding nothing changes nothing, and facts can be added in groups."""
    assert merged(one, Facts()) == one == merged(None, one) == merged(one, one)
    assert merged(merged(one, other), third) == merged(one, merged(other, third))


@given(
    st.dictionaries(st.sampled_from(["FaxSid", "From"]), st.text("abc+ü", max_size=9)), st.binary()
)
def test_a_form_with_a_file(fields, content):
    """Other parsers read back the fields and the file."""
    from io import BytesIO

    from werkzeug.formparser import parse_form_data

    kind, body = encode_multipart(fields, "Media", "fax.pdf", "application/pdf", content)
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    _, form, files = parse_form_data(environ)

    assert form.to_dict() == fields
    file = files["Media"]
    try:
        assert (file.filename, file.content_type) == ("fax.pdf", "application/pdf")
        assert file.read() == content
    finally:
        file.close()


@given(st.dictionaries(st.sampled_from(["FaxSid", "From", "To"]), st.text(max_size=9)))
def test_a_form_is_read_back(fields):
    """Any values survive being a form."""
    assert dict(parse_qsl(form_text(fields), keep_blank_values=True)) == fields
    assert form_text(fields) == urlencode(fields)
