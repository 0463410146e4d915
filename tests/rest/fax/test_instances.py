"""Instances of faxes and media: what they hold and show, whatever a payload is."""

import copy
import datetime as dt
import inspect
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import (
    AC,
    FAX,
    FX,
    ME,
    MEDIA,
    OURS,
    THEIRS,
    answer,
    both,
    fax_domain,
    module,
    needs_751,
    outcome,
)

UTC = dt.timezone.utc


# A fax that was just sent, whose pages, duration and price are not known.
QUEUED = {"sid": FX, "status": "queued", "price": None, "date_created": "2021-03-04T05:06:07Z"}
each_payload = pytest.mark.parametrize(
    "payload", [FAX, QUEUED, {}], ids=["whole", "queued", "none"]
)


def fax_of(library, payload, version=None, **options):
    return module(library, "rest.fax.v1.fax").FaxInstance(version, payload, **options)


def media_of(library, payload, fax_sid=FX, **options):
    media = module(library, "rest.fax.v1.fax.fax_media").FaxMediaInstance
    return media(None, payload, fax_sid, **options)


@both
def test_a_fax_has_eighteen_properties(library):
    """Numbers, prices and dates become Python's own, anything else stays what it was."""
    expected = {
        "sid": FX,
        "account_sid": AC,
        "from_": "+15005550006",
        "to": "+15005550009",
        "quality": "fine",
        "media_sid": ME,
        "media_url": "https://media.example/1.pdf",
        "num_pages": 3,
        "duration": 65,
        "status": "delivered",
        "direction": "outbound",
        "api_version": "v1",
        "price": Decimal("-0.0140"),
        "price_unit": "USD",
        "date_created": dt.datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC),
        "date_updated": dt.datetime(2021, 3, 4, 5, 16, 7, tzinfo=UTC),
        "links": FAX["links"],
        "url": FAX["url"],
    }
    fax = fax_of(library, FAX)

    assert expected == fax._properties
    assert list(expected) == list(fax._properties)
    assert expected == {name: getattr(fax, name) for name in expected}


@both
def test_a_media_has_seven_properties(library):
    """A media has what Twilio's has, its dates being moments."""
    expected = {
        **MEDIA,
        "date_created": dt.datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC),
        "date_updated": dt.datetime(2021, 3, 4, 5, 16, 7, tzinfo=UTC),
    }
    media = media_of(library, MEDIA)

    assert expected == media._properties
    assert expected == {name: getattr(media, name) for name in expected}


@both
@pytest.mark.parametrize("make", [fax_of, media_of])
def test_what_a_payload_lacks_is_none(library, make):
    """Tests build instances by hand from a part of a payload."""
    properties = make(library, {"account_sid": AC})._properties

    assert properties.pop("account_sid") == AC
    assert set(properties.values()) == {None}


@both
@pytest.mark.parametrize("name", ["error_code", "error_message", "telnyx", "from"])
def test_what_twilio_lacks_is_absent(library, name):
    """Names beyond Twilio's are not attributes, though a payload may have them."""
    assert not hasattr(fax_of(library, {**FAX, name: 1}), name)
    assert not hasattr(media_of(library, {**MEDIA, name: 1}), name)


@both
def test_a_property_cannot_be_set(library):
    """An instance is what was read; its properties cannot be assigned."""
    fax = fax_of(library, FAX)

    for name in fax._properties:
        with pytest.raises(AttributeError):
            setattr(fax, name, "x")


@both
def test_the_properties_can_be_changed_from_below(library):
    """A test changes what a fax says through its ``_properties``, in part or whole."""
    for payload in (FAX, QUEUED):
        fax = fax_of(library, payload)
        fax._properties["status"] = "busy"
        assert fax.status == "busy"
    fax = fax_of(library, QUEUED)
    fax._properties = {"status": "failed"}
    assert fax.status == "failed"


@both
@each_payload
def test_a_payload_is_read_once(library, payload):
    """A payload that changes later leaves the instance as it is."""
    used = dict(payload)
    fax = fax_of(library, used)
    used.update(status="failed", date_created=None, sid="FXother")

    assert fax._properties == fax_of(library, payload)._properties
    assert fax.status == payload.get("status")


@both
@each_payload
def test_the_inside_of_an_instance(library, payload):
    """An instance that was read has the attributes that Twilio's has, and no other."""
    fax, media = fax_of(library, payload, version="v"), media_of(library, MEDIA)
    properties = vars(fax)["_properties"]

    assert fax._properties is properties
    assert vars(fax) == {
        "_version": "v",
        "_properties": properties,
        "_context": None,
        "_solution": {"sid": payload.get("sid")},
    }
    assert set(vars(media)) == set(vars(fax))
    assert media._solution == {"fax_sid": FX, "sid": ME}


@both
@pytest.mark.parametrize(
    ("payload_sid", "sid", "expected"),
    [("FXa", None, "FXa"), ("FXa", "FXb", "FXb"), ("FXa", "", "FXa"), (None, None, None)],
)
def test_the_given_sid_comes_first(library, payload_sid, sid, expected):
    """Calls of an instance go to the SID it was asked for, else to that of its payload."""
    fax = fax_of(library, {"sid": payload_sid}, sid=sid)
    media = media_of(library, {"sid": payload_sid}, sid=sid)

    assert fax.sid == media.sid == payload_sid
    assert fax._solution == {"sid": expected}
    assert fax._proxy._solution == {"sid": expected}
    assert fax._proxy._uri == f"/Faxes/{expected}"
    assert media._proxy._solution == {"fax_sid": FX, "sid": expected}
    assert media._proxy._uri == f"/Faxes/{FX}/Media/{expected}"


@both
def test_the_context_of_an_instance_is_made_once(library):
    """An instance keeps the context that does its calls."""
    fax, media = fax_of(library, FAX), media_of(library, MEDIA)

    assert fax._context is media._context is None
    assert fax._proxy is fax._proxy is fax._context
    assert media._proxy is media._proxy is media._context
    assert fax.media is fax._proxy.media


@both
@each_payload
def test_instances_survive_pickles(library, payload):
    """Caches and job queues take an instance whole, by any protocol."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        fax = fax_of(library, payload)
        twin = pickle.loads(pickle.dumps(fax, protocol))

        assert type(twin) is type(fax)
        assert vars(twin) == vars(fax)
        assert twin._properties == fax_of(library, payload)._properties


@both
@each_payload
def test_a_copy_shares_what_a_deep_copy_does_not(library, payload):
    """A change from below is seen through a copy, and not through a deep copy."""
    fax = fax_of(library, payload)
    twin, other = copy.copy(fax), copy.deepcopy(fax)
    fax._properties["status"] = "changed"

    assert twin.status == "changed"
    assert other.status == payload.get("status")
    assert vars(twin) == vars(fax)


@both
def test_an_instance_can_be_made_without_its_constructor(library):
    """A test that makes a bare instance fills in the properties it needs."""
    cls = module(library, "rest.fax.v1.fax").FaxInstance
    bare = cls.__new__(cls)

    assert vars(copy.copy(bare)) == {}
    with pytest.raises(AttributeError, match="_properties"):
        _ = bare.status
    bare._properties = {"status": "busy"}
    assert bare.status == "busy"


@both
def test_a_payload_needs_no_more_than_a_get(library):
    """A payload is anything that can be asked for a field."""

    class Fields:
        def get(self, name):
            return {"sid": FX, "to": "+1"}.get(name)

    fax = fax_of(library, Fields())

    assert (fax.sid, fax.to, fax.status) == (FX, "+1", None)


@both
def test_instances_are_told_apart_by_identity(library):
    """Two reads of one fax are not equal, as at Twilio."""
    assert fax_of(library, FAX) != fax_of(library, FAX)
    assert len({fax_of(library, FAX), fax_of(library, FAX)}) == 2


@both
@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (None, AttributeError),
        ([], AttributeError),
        ("text", AttributeError),
        ({"price": "free"}, ArithmeticError),
        ({"price": [1]}, (TypeError, ValueError)),
        ({"num_pages": float("inf")}, OverflowError),
        ({"duration": float("inf")}, OverflowError),
    ],
)
def test_garbage_is_refused_at_once(library, payload, error):
    """What cannot be read raises where the instance is made, not where it is used."""
    for sid in (None, FX):
        with pytest.raises(error):
            fax_of(library, payload, sid=sid)


@both
@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("-0.0140", "Decimal('-0.0140')"),
        ("0", "Decimal('0')"),
        (0, "0"),
        ("", "''"),
        (None, "None"),
        (-1.5, "Decimal('-1.5')"),
        (7, "Decimal('7')"),
    ],
)
def test_a_price_is_exact(library, price, expected):
    """A price that is text keeps each digit; what is empty stays as it is."""
    assert expected == repr(fax_of(library, {"price": price}).price)


@both
def test_representations_name_the_sids(library):
    """Each object shows itself as Twilio's does."""
    media_module = module(library, "rest.fax.v1.fax.fax_media")
    fax_module = module(library, "rest.fax.v1.fax")
    fax = fax_domain(library)
    context = fax.faxes(FX)
    changed = fax_of(library, FAX)
    changed._solution["more"] = 1

    assert [
        "<Twilio.Fax>",
        "<Twilio.Fax.V1>",
        "<Twilio.Fax.V1.FaxList>",
        "<Twilio.Fax.V1.FaxPage>",
        f"<Twilio.Fax.V1.FaxContext sid={FX}>",
        f"<Twilio.Fax.V1.FaxInstance sid={FX}>",
        f"<Twilio.Fax.V1.FaxInstance sid={FX} more=1>",
        "<Twilio.Fax.V1.FaxInstance sid=None>",
        "<Twilio.Fax.V1.FaxMediaList>",
        "<Twilio.Fax.V1.FaxMediaPage>",
        f"<Twilio.Fax.V1.FaxMediaContext fax_sid={FX} sid={ME}>",
        f"<Twilio.Fax.V1.FaxMediaInstance fax_sid={FX} sid={ME}>",
    ] == [
        repr(thing)
        for thing in (
            fax,
            fax.v1,
            fax.faxes,
            fax_module.FaxPage(fax.v1, answer(200, {"faxes": []}), {}),
            context,
            fax_of(library, FAX),
            changed,
            fax_of(library, {}),
            context.media,
            media_module.FaxMediaPage(fax.v1, answer(200, {"media": []}), {}),
            context.media(ME),
            media_of(library, MEDIA),
        )
    ]


def test_representations_show_no_numbers():
    """Numbers of faxes are confidential, and representations end up in logs."""
    shown = repr(fax_of(OURS, FAX)) + str(fax_of(OURS, FAX))

    assert "+1" not in shown
    assert "5550" not in shown


DATES = st.from_regex(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[Tt][0-9]{1,2}:[0-9]{2}:[0-9]{2}Z?", fullmatch=True
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.text("0123456789.-eEinfa_ ", max_size=8),
    st.decimals().map(str),
    DATES,
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@needs_751
@given(st.dictionaries(st.sampled_from([*FAX, "error_code"]), VALUES), st.none() | st.just("FXa"))
def test_any_payload_makes_the_same_fax(payload, sid):
    """Whatever a payload holds, both libraries make the same of it, or raise the same."""
    theirs = outcome(lambda: fax_of(THEIRS, payload, sid=sid))

    assert theirs == outcome(lambda: fax_of(OURS, payload, sid=sid))


@needs_751
@given(st.dictionaries(st.sampled_from(list(MEDIA)), VALUES), st.none() | st.just("MEa"))
def test_any_payload_makes_the_same_media(payload, sid):
    """The same is true of media."""
    theirs = outcome(lambda: media_of(THEIRS, payload, sid=sid))

    assert theirs == outcome(lambda: media_of(OURS, payload, sid=sid))


@given(st.dictionaries(st.sampled_from(list(FAX)), st.none() | st.integers() | st.text()))
def test_a_property_reads_its_own_field(payload):
    """A property and its entry in ``_properties`` are one, for each of the eighteen."""
    payload = {**payload, "price": None}
    fax = fax_of(OURS, payload)

    assert {name: getattr(fax, name) for name in fax._properties} == fax._properties
    assert {name.rstrip("_") for name in fax._properties} == set(FAX)
    for name in ("sid", "from_", "to", "status", "media_url", "links", "url"):
        assert getattr(fax, name) == payload.get(name.rstrip("_"))


def test_properties_are_documented():
    """An editor tells what each property is."""
    fax = module(OURS, "rest.fax.v1.fax").FaxInstance
    media = module(OURS, "rest.fax.v1.fax.fax_media").FaxMediaInstance

    for cls in (fax, media):
        for name, member in inspect.getmembers(cls, lambda member: isinstance(member, property)):
            assert name == "_proxy" or member.__doc__
