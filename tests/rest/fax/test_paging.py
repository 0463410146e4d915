"""Lists that go on over many pages."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import OURS, THEIRS, answer, both, module, needs_751

FIRST = "https://fax.twilio.com/v1/Faxes"
MEDIA = "https://fax.twilio.com/v1/Faxes/FXa/Media"


class Server:
    """A client that serves *total* records on pages of *size*, whatever size is asked for."""

    def __init__(self, total=5, size=2, key="faxes"):
        self.total, self.size, self.key = total, size, key
        self.asked = []

    def request(self, method, url, params=None, **_):
        self.asked.append((method, url, params))
        page = int(parse_qs(urlsplit(url).query).get("Page", ["0"])[0])
        start = page * self.size
        records = range(start, min(start + self.size, self.total))
        more = start + self.size < self.total
        base = url.partition("?")[0]
        meta = {
            "key": self.key,
            "page": page,
            "page_size": self.size,
            "next_page_url": f"{base}?Page={page + 1}" if more else None,
            "previous_page_url": f"{base}?Page={page - 1}" if page else None,
        }
        return answer(200, {self.key: [{"sid": f"FX{n}"} for n in records], "meta": meta})


def faxes_of(library, server):
    return module(library, "rest.fax").Fax(server).faxes


def sids(records):
    return [int(record.sid[2:]) for record in records]


@both
@pytest.mark.parametrize(
    ("options", "page_size", "records", "pages"),
    [
        ({}, None, 5, 3),
        ({"limit": None}, None, 5, 3),
        ({"limit": 0}, None, 5, 3),
        ({"limit": 1}, 1, 1, 1),
        ({"limit": 2}, 2, 2, 1),
        ({"limit": 3}, 3, 3, 2),
        ({"limit": 5}, 5, 5, 3),
        ({"limit": 6}, 6, 5, 3),
        ({"limit": 5000}, 5000, 5, 3),
        ({"limit": -1}, -1, 1, 1),
        ({"limit": 2.5}, 2.5, 2, 1),
        ({"limit": True}, True, 1, 1),
        ({"page_size": 7}, 7, 5, 3),
        ({"page_size": 0}, None, 5, 3),
        ({"page_size": 5000}, 5000, 5, 3),
        ({"limit": 3, "page_size": 1}, 1, 3, 2),
        ({"limit": 3, "page_size": 0}, None, 3, 2),
        ({"limit": 0, "page_size": 4}, 4, 5, 3),
    ],
)
@pytest.mark.parametrize("kind", ["faxes", "media"])
def test_limits(library, options, page_size, records, pages, kind):
    """A limit bounds the records and is the page size sent, uncapped; 0 is none."""
    server = Server(key=kind)
    faxes = faxes_of(library, server)
    found = (faxes if kind == "faxes" else faxes("FXa").media).list(**options)
    url = FIRST if kind == "faxes" else MEDIA
    sent = {} if page_size is None else {"PageSize": page_size}

    assert sids(found) == list(range(records))
    assert server.asked == [
        ("GET", url, sent),
        *(("GET", f"{url}?Page={page}", None) for page in range(1, pages)),
    ]


@both
def test_a_stream_reads_pages_as_it_goes(library):
    """The first page is read when a stream is made, each other when its first record is due."""
    server = Server()
    stream = faxes_of(library, server).stream()
    read = [len(server.asked)]
    for _ in stream:
        read.append(len(server.asked))

    assert read == [1, 1, 1, 2, 2, 3]
    assert len(server.asked) == 3


@both
def test_a_stream_that_is_dropped_reads_no_more(library):
    """A program that breaks out of its loop causes no further request."""
    server = Server()
    for fax in faxes_of(library, server).stream():
        if fax.sid == "FX1":
            break

    assert len(server.asked) == 1


@both
def test_a_limit_met_at_the_end_of_a_page_reads_no_more(library):
    """The next page is not read for nothing."""
    server = Server()

    assert sids(faxes_of(library, server).stream(limit=2)) == [0, 1]
    assert len(server.asked) == 1


@both
def test_a_stream_can_fail_late(library):
    """A page that fails raises where its first record is due; what came before stays good."""

    class Failing(Server):
        def request(self, method, url, params=None, **options):
            good = super().request(method, url, params, **options)
            return good if len(self.asked) == 1 else answer(500)

    stream = faxes_of(library, Failing()).stream()

    assert [next(stream).sid, next(stream).sid] == ["FX0", "FX1"]
    with pytest.raises(module(library, "base.exceptions").TwilioException, match="fetch page"):
        next(stream)


@both
def test_pages_know_their_neighbours(library):
    """A page turns to the next and the previous, and to None beyond either end."""
    server = Server()
    faxes = faxes_of(library, server)
    first = faxes.page()
    second = first.next_page()
    third = second.next_page()

    assert first.previous_page_url is None
    assert first.previous_page() is None
    assert first.next_page_url == f"{FIRST}?Page=1"
    assert third.next_page_url is None
    assert third.next_page() is None
    assert third.previous_page_url == f"{FIRST}?Page=1"
    assert sids(third.previous_page()) == sids(second) == [2, 3]
    assert type(second) is type(first) is module(library, "rest.fax.v1.fax").FaxPage
    assert sids(faxes.get_page(f"{FIRST}?Page=2")) == sids(third) == [4]


@both
def test_pages_of_media_keep_their_fax(library):
    """The records of a later page of media belong to the same fax."""
    server = Server(key="media")
    page = faxes_of(library, server)("FXa").media.page().next_page()

    assert page._solution == {"fax_sid": "FXa"}
    assert [media._solution["fax_sid"] for media in page] == ["FXa", "FXa"]


@both
def test_a_page_is_read_once(library):
    """A page is an iterator: it ends, and stays at its end."""
    page = faxes_of(library, Server(total=2)).page()

    assert iter(page) is page
    assert page.next().sid == "FX0"
    assert next(page).sid == "FX1"
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(page)
    assert list(page) == []


@both
def test_an_empty_account_has_no_faxes(library):
    """An empty list is a list."""
    assert faxes_of(library, Server(total=0)).list() == []


LIMITS = st.none() | st.integers(-2, 12)


@given(
    total=st.integers(0, 9), size=st.integers(1, 4), limit=LIMITS, page_size=LIMITS, data=st.data()
)
def test_any_limits_are_kept(total, size, limit, page_size, data):
    """Never more than a limit is given, in the order of the pages, and no page for nothing."""
    server = Server(total, size)
    taken = data.draw(st.integers(0, 12))
    stream = faxes_of(OURS, server).stream(limit=limit, page_size=page_size)
    found = sids(fax for _, fax in zip(range(taken), stream))
    most = min(total, max(1, limit) if limit else total)

    assert found == list(range(min(taken, most)))
    assert len(server.asked) == max(1, -(-len(found) // size))


@needs_751
@given(total=st.integers(0, 9), size=st.integers(1, 4), limit=LIMITS, page_size=LIMITS)
def test_any_limits_read_as_twilio_reads(total, size, limit, page_size):
    """Both libraries ask the same pages and find the same faxes."""
    servers = {library: Server(total, size) for library in (OURS, THEIRS)}
    found = {
        library: sids(faxes_of(library, server).list(limit=limit, page_size=page_size))
        for library, server in servers.items()
    }

    assert found[THEIRS] == found[OURS]
    assert servers[THEIRS].asked == servers[OURS].asked
