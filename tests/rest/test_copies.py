"""Pickles, copies and deep copies of clients and of what they return."""

import copy
import os
import pickle

import httpx
import pytest

from tests.base.libraries import FAX, FX, ME, MEDIA, answer, both, module
from tests.helpers import ACCOUNT, make_client, send
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.rest import Client

HOW = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "old pickle": lambda thing: pickle.loads(pickle.dumps(thing, 2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
each_way = pytest.mark.parametrize("how", HOW.values(), ids=HOW)


def things(library):
    """Return a client and one of each object that it gives."""
    client = module(library, "rest").Client(ACCOUNT, "token")
    v1 = client.fax.v1
    fax_module = module(library, "rest.fax.v1.fax")
    media_module = module(library, "rest.fax.v1.fax.fax_media")
    faxes = {"faxes": [FAX, FAX], "meta": {"key": "faxes", "next_page_url": "https://a/2"}}
    fax = fax_module.FaxInstance(v1, FAX)
    return {
        "client": client,
        "domain": client.fax,
        "list": client.fax.faxes,
        "fax": fax,
        "used fax": (fax._proxy, fax)[1],
        "context": client.fax.faxes(FX),
        "media list": client.fax.faxes(FX).media,
        "media context": client.fax.faxes(FX).media(ME),
        "media": media_module.FaxMediaInstance(v1, MEDIA, fax_sid=FX),
        "page": fax_module.FaxPage(v1, answer(200, faxes), {"a": 1}),
    }


def client_of(thing):
    if hasattr(thing, "twilio"):
        return thing.twilio
    return thing._version.domain.twilio if hasattr(thing, "_version") else thing


@both
@each_way
@pytest.mark.parametrize("name", things("twilio_fax_compat"))
def test_a_copy_is_what_it_was(library, how, name):
    """Caches, job queues and tests copy every object of the client, as they can with Twilio's."""
    thing = things(library)[name]
    twin = how(thing)
    client, other = client_of(thing), client_of(twin)

    assert type(twin) is type(thing)
    assert repr(twin) == repr(thing)
    assert set(vars(twin)) == set(vars(thing))
    assert (other.username, other.auth, other.account_sid) == (
        client.username,
        client.auth,
        client.account_sid,
    )
    assert type(other.http_client) is type(client.http_client)
    assert (other is client) == (how is copy.copy and name != "client")


@both
@each_way
def test_a_page_goes_on_where_it_was(library, how):
    """A copy of a page gives the records that were not read yet."""
    page = things(library)["page"]
    next(page)
    twin = how(page)

    assert [fax.sid for fax in twin] == [FX]
    assert twin.next_page_url == "https://a/2"


@pytest.mark.parametrize(
    ("how", "options"),
    [
        *((how, {}) for how in HOW.values()),
        (copy.copy, {"ledger": MemoryLedger()}),
        (copy.deepcopy, {"ledger": MemoryLedger()}),
    ],
    ids=[*HOW, "copy with a ledger", "deepcopy with a ledger"],
)
def test_a_copy_makes_calls(telnyx, monkeypatch, how, options):
    """A client that made calls can be copied, and its copy makes calls of its own."""
    for name, value in telnyx.environ.items():
        monkeypatch.setenv(name, value)
    client = Client(ACCOUNT, "token", **options)
    fax = send(client)
    twin, same_fax = how(client), how(fax)

    assert twin._environment is os.environ
    assert twin._ledger is client._ledger
    assert [fax.sid] == [listed.sid for listed in twin.fax.faxes.list()]
    assert same_fax.fetch().sid == fax.sid


def test_a_deep_copy_shares_an_httpx_client(telnyx):
    """An httpx client cannot be copied, so both clients use it."""
    with httpx.Client() as http_client:
        client = make_client(telnyx, http_client)
        twin = copy.deepcopy(client)
        twin.account_sid = "other"

        assert twin.http_client is http_client
        assert client.account_sid == ACCOUNT
        assert twin.fax.faxes.list() == []
