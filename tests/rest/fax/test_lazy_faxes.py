"""The faxes of a list are translated when a program reads them, and nobody can tell."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import BUSY, FROM, TO, make_client, send
from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL, fax_payload
from twilio_fax_compat._core.translation.lazy_faxes import LazyFax
from twilio_fax_compat.rest.fax.v1.fax import FaxInstance, FaxPage

FIELDS = {
    "sid": "sid",
    "from_": "from",
    "to": "to",
    "status": "status",
    "direction": "direction",
    "date_created": "date_created",
}

values = st.none() | st.text(max_size=8) | st.integers() | st.booleans()
faxes = st.fixed_dictionaries(
    {},
    optional={
        "id": values | st.uuids().map(str),
        "from": values,
        "to": values,
        "status": values | st.sampled_from(["failed", "delivered", "sending.started", "initiated"]),
        "direction": values | st.sampled_from(["inbound", "outbound"]),
        "failure_reason": values | st.sampled_from(["user_busy", "user_channel_destroyed"]),
        "created_at": values
        | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
        | st.datetimes().map(lambda moment: moment.isoformat() + "+02:00"),
    },
)
facts = st.just(NOTHING_KNOWN) | st.builds(
    Facts, failure_reason=st.none() | st.just("user_busy"), cancel_asked=st.booleans()
)


@given(faxes, facts)
def test_a_field_is_that_of_the_whole_payload(fax, known):
    """Each field that can be read alone has the value that the whole payload has."""
    lazy = LazyFax(fax, "AC1", known, DEFAULT_API_URL)
    whole = fax_payload(fax, "AC1", known)

    assert lazy.payload() == whole
    assert {name: getattr(lazy, own) for own, name in FIELDS.items()} == {
        name: whole[name] for name in FIELDS.values()
    }


@pytest.fixture(name="client")
def _client(telnyx):
    client = make_client(telnyx)
    for to in (TO, BUSY, TO):
        send(client, to)
    telnyx.settle()
    return client


def names():
    return [name for name, member in vars(FaxInstance).items() if isinstance(member, property)]


@pytest.mark.parametrize("whole_first", [True, False])
def test_a_listed_fax_is_the_fetched_one(client, whole_first):
    """Every property, in any order, and everything below it."""
    for fax in client.fax.faxes.stream():
        fetched = client.fax.faxes(fax.sid).fetch()
        if whole_first:
            assert fax._properties == fetched._properties
        for name in names():
            if name not in ("_proxy", "media", "media_url"):  # a link is signed at each request
                assert getattr(fax, name) == getattr(fetched, name), name
        assert repr(fax) == repr(fetched)
        assert fax.fetch().sid == fax.sid
        assert set(vars(fax)) <= {"_context", "_lazy", "_properties", "_solution", "_version"}


@pytest.mark.parametrize(
    "how", [copy.copy, copy.deepcopy, lambda fax: pickle.loads(pickle.dumps(fax))]
)
def test_a_copy_is_whole(client, how):
    """It does not need the page that it came from."""
    (fax, *_) = client.fax.faxes.list()
    twin = how(fax)

    assert twin._properties == fax._properties
    assert (twin.status, twin.date_created, repr(twin)) == (fax.status, fax.date_created, repr(fax))
    assert "_lazy" not in vars(twin)


def test_the_properties_can_be_changed(client):
    """A test may change what a listed fax says, as one of Twilio's."""
    one, other = client.fax.faxes.list(limit=2)
    one._properties["status"] = "sending"
    other._properties = {"status": "failed"}

    assert (one.status, other.status) == ("sending", "failed")


def test_many_threads_read_one_fax(client):
    """Whoever comes first makes it whole; all get the same values."""
    (fax, *_) = client.fax.faxes.list()
    reads = [
        lambda: fax.quality,
        lambda: fax.status,
        lambda: fax._properties["to"],
        lambda: fax.sid,
    ]
    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(reads[n % 4]) for n in range(400)]]

    assert all(len(set(found[start::4])) == 1 for start in range(4))


def test_a_page_has_its_payload(client):
    """Its inside and its response are whole dictionaries, its links work, and it can be copied half-read."""
    page = client.fax.faxes.page(page_size=2)
    first = next(page)
    twin = pickle.loads(pickle.dumps(page))

    assert [fax["sid"] for fax in page._payload["faxes"]] == [first.sid, next(page).sid]
    assert [fax.sid for fax in twin] == [page._payload["faxes"][1]["sid"]]
    assert page.next_page_url == twin.next_page_url
    assert [fax.sid for fax in twin.next_page()] == [fax.sid for fax in page.next_page()]
    assert client.request("GET", "https://fax.twilio.com/v1/Faxes").text.count('"sid"') == 3


@pytest.mark.parametrize("step", ["get_instance", "load_page", "next", "process_response"])
def test_a_page_whose_steps_are_replaced_gets_dictionaries(client, step, monkeypatch):
    """A program that replaces a step, or overrides it, sees what it saw with Twilio's package."""
    seen = []
    original = getattr(FaxPage, step)

    def replaced(*arguments):
        result = original(*arguments[1:]) if step == "process_response" else original(*arguments)
        seen.append((arguments[-1], result))
        return result

    wrapped = classmethod(replaced) if step == "process_response" else replaced
    monkeypatch.setattr(FaxPage, step, wrapped)
    found = client.fax.faxes.list(limit=3)

    assert [fax.to for fax in found] == [TO, BUSY, TO]
    if step == "get_instance":
        assert [type(payload) for payload, _ in seen] == [dict] * 3
    elif step == "load_page":
        assert [type(record) for record in seen[0][1]] == [dict] * 3
    else:
        assert seen


def test_a_subclass_of_a_page_gets_dictionaries(client):
    """Also one that only adds something."""

    class Page(FaxPage):
        def get_instance(self, payload):
            return payload["from"], super().get_instance(payload).to

    response = client.request("GET", "https://fax.twilio.com/v1/Faxes")
    assert list(Page(client.fax.v1, response, {})) == [(FROM, TO), (FROM, BUSY), (FROM, TO)]
