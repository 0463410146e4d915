"""The values of forms and queries, beside what Twilio's own client puts on the wire."""

import enum
from types import SimpleNamespace
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import FROM, MEDIA_URL, TO, make_client
from twilio_fax_compat._core.translation.wire_values import wire_fields, wire_value
from twilio_fax_compat.base.exceptions import TwilioRestException
from twilio_fax_compat.rest import Client

try:
    import requests
except ImportError:
    requests = None

needs_requests = pytest.mark.skipif(requests is None, reason="needs requests: pip install twilio")


class Named:
    """An object with a text, as phone numbers and URLs are."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class Quality(str, enum.Enum):
    FINE = "fine"


class Number(enum.Enum):
    OFFICE = FROM


class Whole(enum.IntEnum):
    FIVE = 5


class Lazy:
    """A text that is made late: it can be iterated as a text can."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text

    def __iter__(self):
        return iter(self.text)

    def __len__(self):
        return len(self.text)


def on_the_wire(value):
    """Return the texts that requests sends for *value*."""
    body = requests.Request("POST", "http://a/", data={"X": value}).prepare().body
    return parse_qs(body or "", keep_blank_values=True).get("X", [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ([], None),
        ([None], None),
        (TO, TO),
        ("", ""),
        (True, True),
        (5, 5),
        (Named(TO), TO),
        (TO.encode(), TO),
        ([TO], TO),
        ((Named(TO),), TO),
        ({TO}, TO),
        ([None, TO], TO),
        ([[TO]], TO),
        (Quality.FINE, "fine"),
        ([Quality.FINE], "fine"),
        (Lazy(TO), TO),
        (httpx.URL(MEDIA_URL), MEDIA_URL),
        ((part for part in [TO]), TO),
        ([TO, FROM], [TO, FROM]),
        (b"\xff", b"\xff"),
    ],
)
def test_a_value_becomes_its_text(value, expected):
    """What requests would encode is taken as its text; several texts stay a list."""
    result = wire_value(value)

    assert result == expected
    assert type(result) is type(expected)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SINGLE = st.one_of(
    TEXTS,
    TEXTS.map(Named),
    TEXTS.map(str.encode),
    st.binary(max_size=3),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.sampled_from([Quality.FINE, Number.OFFICE, Whole.FIVE]),
)
VALUES = st.one_of(
    st.none(),
    SINGLE,
    st.lists(st.none() | SINGLE | st.lists(SINGLE, max_size=2), max_size=3),
    st.lists(SINGLE, max_size=3).map(tuple),
    st.sets(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)


@needs_requests
@given(VALUES)
def test_a_value_is_the_same_on_twilios_wire(value):
    """A legacy client that is given our value sends what it would have sent for the program's."""
    assert on_the_wire(wire_value(value)) == on_the_wire(value)


@needs_requests
@given(SINGLE)
def test_our_text_is_what_twilio_reads(value):
    """Telnyx gets the text that Twilio got."""
    text = wire_value(value)
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)

    assert [shown] == on_the_wire(value)


@pytest.mark.parametrize(
    "form",
    [
        {"To": TO, "From": [FROM]},
        [("To", TO), ("From", FROM)],
        "To=%2B15005550009&From=%2B15005550006",
    ],
)
def test_a_form_may_have_any_shape(form):
    """A form is a mapping, pairs or text, as for requests."""
    assert wire_fields(form) == {"To": TO, "From": FROM}
    assert wire_fields([("A", "1"), (b"A", "2")]) == {"A": ["1", "2"]}
    assert wire_fields(None) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": Named(TO)},
        {"to": [TO], "media_url": (MEDIA_URL,)},
        {"to": TO.encode(), "media_url": httpx.URL(MEDIA_URL)},
        {"from_": Number.OFFICE.value, "quality": Quality.FINE},
        {"from_": Lazy(FROM)},
        {
            "quality": "",
            "status_callback": "",
            "sip_auth_username": "",
            "ttl": "",
            "store_media": "",
        },
        {"quality": [], "store_media": [True]},
    ],
)
def test_a_fax_is_sent_with_any_of_them(telnyx, arguments):
    """Objects of phone number and URL libraries need no str() in the program."""
    make_client(telnyx).fax.faxes.create(
        **{"to": TO, "from_": FROM, "media_url": MEDIA_URL, **arguments}
    )

    body = telnyx.journal[-1].json
    assert (body["to"], body["from"], body["media_url"]) == (TO, FROM, MEDIA_URL)
    assert (body["quality"], body["store_media"]) == ("high", True)


@pytest.mark.parametrize("stage", ["off", "on"])
def test_both_sides_of_a_rollout_get_the_same_text(telnyx, stage):
    """The legacy client gets the text that Telnyx gets, whatever the program passed."""
    given_values = []

    class Faxes:
        def create(self, **arguments):
            given_values.append(arguments)
            raise TwilioRestException(400, "/Faxes", "enough")

    legacy = SimpleNamespace(fax=SimpleNamespace(faxes=Faxes()))
    client = Client("AC1", "token", legacy=legacy, rollout=stage, environment=dict(telnyx.environ))
    arguments = {"to": Named(TO), "media_url": [httpx.URL(MEDIA_URL)], "from_": FROM.encode()}
    if stage == "on":
        client.fax.faxes.create(**arguments)
        body = telnyx.journal[-1].json
        given_values.append(
            {"to": body["to"], "media_url": body["media_url"], "from_": body["from"]}
        )
    else:
        with pytest.raises(TwilioRestException):
            client.fax.faxes.create(**arguments)

    assert given_values == [{"to": TO, "media_url": MEDIA_URL, "from_": FROM}]


@pytest.mark.parametrize("arguments", [{"to": [TO, FROM]}, {"to": object()}, {"to": b"\xff"}])
def test_what_has_no_single_text_is_refused(client, telnyx, arguments):
    """Several numbers are an error that sends nothing."""
    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes.create(**{"from_": FROM, "media_url": MEDIA_URL, **arguments})

    assert caught.value.code == 21211
    assert telnyx.journal == []
