"""A Twilio create form, read into a Telnyx body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.messages import TwilioResponse
from twilio_fax_compat._core.translation.create_form import FaxRequest, parse_create_form
from twilio_fax_compat._core.translation.statuses import TELNYX_QUALITIES

NUMBERS = st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True)
URLS = st.from_regex(
    r"https?://[a-z]{1,10}\.example(:[1-9][0-9]{1,3})?/[a-z0-9/.]{0,20}", fullmatch=True
)
CONNECTION = "1293384261075731499"
FORM = {"To": "+15005550009", "From": "+15005550006", "MediaUrl": "https://x.example/a.pdf"}


def order_of(fields, **policies):
    order = parse_create_form(fields, CONNECTION, policies)
    assert isinstance(order, FaxRequest), order
    return order


def refusal_of(fields, **policies):
    response = parse_create_form(fields, CONNECTION, policies)
    assert isinstance(response, TwilioResponse), response
    assert response.payload["status"] == response.status == 400
    return response.payload


def test_twilios_defaults_are_kept():
    """What is left out is sent as Twilio did it: fine quality, media stored."""
    assert order_of(FORM).body == {
        "connection_id": CONNECTION,
        "to": "+15005550009",
        "from": "+15005550006",
        "media_url": "https://x.example/a.pdf",
        "quality": "high",
        "store_media": True,
    }


def test_none_is_as_good_as_absent():
    """None was never sent to Twilio, so it means the default here too."""
    form = {**FORM, "Quality": None, "StoreMedia": None, "Ttl": None, "SipAuthUsername": None}

    assert order_of(FORM) == order_of(form)


@given(NUMBERS, NUMBERS, URLS, st.sampled_from(sorted(TELNYX_QUALITIES)), st.booleans())
def test_every_valid_form_becomes_a_body(to, from_, media_url, quality, store_media):
    """Numbers, URL, quality and storing reach Telnyx as they were given."""
    form = {
        "To": to,
        "From": from_,
        "MediaUrl": media_url,
        "Quality": quality,
        "StoreMedia": store_media,
    }
    body = order_of(form).body

    assert (to, from_, media_url) == (body["to"], body["from"], body["media_url"])
    assert (TELNYX_QUALITIES[quality], store_media) == (body["quality"], body["store_media"])


@given(
    NUMBERS, NUMBERS, URLS, st.none() | st.sampled_from(sorted(TELNYX_QUALITIES)), st.none() | URLS
)
def test_the_first_positional_order_is_recognised(from_, to, media_url, quality, callback):
    """``create(from_, to, media_url, quality, status_callback)`` means what it meant."""
    form = {
        "To": from_,
        "MediaUrl": to,
        "Quality": media_url,
        "StatusCallback": quality,
        "From": callback,
    }
    today = {
        "To": to,
        "From": from_,
        "MediaUrl": media_url,
        "Quality": quality,
        "StatusCallback": callback,
    }

    assert order_of(today) == order_of(form)


def test_the_first_order_with_a_callback_by_name():
    """``create(from_, to, media_url, status_callback=url)`` keeps its callback."""
    form = {
        "To": "+15005550006",
        "MediaUrl": "sip:fax@example.com",
        "Quality": "https://x.example/a.pdf",
        "StatusCallback": "https://x.example/done",
    }
    request = order_of(form)
    body = request.body

    assert request.status_callback == "https://x.example/done"
    assert (body["from"], body["to"]) == ("+15005550006", "sip:fax@example.com")


@pytest.mark.parametrize(
    "extra",
    [
        {"From": "+15005550001"},
        {"StatusCallback": "https://x.example/a", "From": "https://x.example/b"},
    ],
)
def test_a_contradictory_order_is_refused(extra):
    """A form that is neither today's order nor the first one is an error, not a guess."""
    form = {"To": "+15005550006", "MediaUrl": "+15005550009", "Quality": "https://x.example/a"}

    assert refusal_of({**form, **extra})["code"] in (21620, 21213, 21212, 20422)


@pytest.mark.parametrize(
    "to", ["sip:fax@example.com", "sips:fax@10.0.0.7:5061;transport=TCP", "SIP:kate@x?hatchkey=1"]
)
def test_a_sip_destination_is_accepted(to):
    """A destination may be a SIP URI with whatever options it has."""
    order = order_of({**FORM, "To": to})

    assert to == order.body["to"]
    assert order.is_to_sip


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("To", None, 21201),
        ("To", "", 21201),
        ("To", "5005550009", 21211),
        ("To", "+05005550009", 21211),
        ("To", "+1500555000912345", 21211),
        ("To", "+1 500 555 0009", 21211),
        ("To", "+15005550009\n", 21211),
        ("To", "+1500555000\u0669", 21211),
        ("To", 15005550009, 21211),
        ("To", "sip:", 21211),
        ("To", "tel:+15005550009", 21211),
        ("From", None, 21213),
        ("From", "", 21213),
        ("From", "kate", 21212),
        ("From", "sip:kate@example.com", 21212),
        ("MediaUrl", None, 21620),
        ("MediaUrl", "", 21620),
        ("MediaUrl", "/a.pdf", 21620),
        ("MediaUrl", "ftp://x.example/a.pdf", 21620),
        ("MediaUrl", "https:///a.pdf", 21620),
        ("MediaUrl", "https://x.example/a b.pdf", 21620),
        ("MediaUrl", "https://x.example:port/a.pdf", 21620),
        ("MediaUrl", "https://[::1/a.pdf", 21620),
        ("MediaUrl", "https://x.example/" + "a" * 2000, 21620),
        ("MediaUrl", ["https://x.example/a.pdf"], 21620),
        ("StatusCallback", "nowhere", 21609),
        ("Quality", "best", 20422),
        ("StoreMedia", "perhaps", 20422),
        ("Colour", "red", 20001),
    ],
)
def test_bad_input_is_refused_with_twilios_code(field, value, code):
    """Each argument that cannot be right has its Twilio code, and no full number in the text."""
    refusal = refusal_of({**FORM, field: value})

    assert code == refusal["code"]
    assert str(code) in refusal["more_info"]
    assert "5005550009" not in refusal["message"]
    assert "x.example" not in refusal["message"]


@given(
    st.dictionaries(
        st.sampled_from([*FORM, "Quality", "Ttl", "StatusCallback"]),
        st.text() | st.integers() | st.none(),
    )
)
def test_no_form_raises(form):
    """Whatever a form holds, the outcome is an order or Twilio's error."""
    assert isinstance(parse_create_form(form, CONNECTION, {}), (FaxRequest, TwilioResponse))


@pytest.mark.parametrize(
    ("field", "name"),
    [("SipAuthUsername", "sip_auth_username"), ("SipAuthPassword", "sip_auth_password")],
)
def test_sip_credentials_are_refused(field, name):
    """Leaving out credentials would change where the fax goes, so it is refused by name."""
    form = {**FORM, "To": "sip:fax@example.com", field: "s3cret"}

    assert refusal_of(form)["message"].startswith(name + ": ")
    assert "s3cret" not in refusal_of(form)["message"]
    assert [name] == [warning.parameter for warning in order_of(form, **{name: "warn"}).warnings]
    assert order_of(form, **{name: "ignore"}).warnings == []


def test_a_time_to_live_is_warned_about():
    """``ttl`` only loses a nicety: the fax is sent and the developer is told what to do."""
    order = order_of({**FORM, "Ttl": 5})

    assert [warning.parameter for warning in order.warnings] == ["ttl"]
    assert "update(status='canceled')" in order.warnings[0].text
    assert "ttl" not in order.body
    assert refusal_of({**FORM, "Ttl": 5}, ttl="refuse")["message"].startswith("ttl: ")


@pytest.mark.parametrize("value", [False, "False", "false", 0, "0"])
def test_storing_is_switched_off_in_any_spelling(value):
    """The wire had ``False`` with a capital letter, other clients write it small."""
    assert order_of({**FORM, "StoreMedia": value}).body["store_media"] is False
