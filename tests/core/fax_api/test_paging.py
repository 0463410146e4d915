"""Twilio's pages over a list that changes while it is read."""

import itertools
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.flows import Run, answer
from twilio_fax_compat._core.fax_api.paging import (
    NEWEST_FIRST,
    OLDEST_FIRST,
    UNKNOWN_ORDER,
    Cursor,
    order_of,
    read_listing,
)
from twilio_fax_compat._core.fax_api.routes import FlowSettings, answer_request, twilio_request
from twilio_fax_compat._core.fax_api.windows import window_after
from twilio_fax_compat._core.translation.ids import MARK

SETUP = FlowSettings(account_sid="AC1", connection_id="1")
START = datetime(2026, 7, 1, tzinfo=timezone.utc)
URL = "https://fax.twilio.com/v1/Faxes"


def fax(number, seconds, digits=6):
    text = (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    text = text[: 20 + digits] if digits else text[:19]
    # Ids that differ in their first digits, as random UUIDs do.
    identifier = UUID(int=(number * 0x9E3779B97F4A7C15 % 2**64) << 64 | number)
    return {
        "id": str(identifier),
        "direction": "outbound",
        "from": "+15005550006",
        "to": "+15005550009",
        "status": "delivered",
        "created_at": text + "Z",
    }


class List:
    """Telnyx's list: filters, pages and a maximum page size."""

    def __init__(self, faxes, order=NEWEST_FIRST, maximum=250, meta=True):
        self.faxes = list(faxes)
        self.order = order
        self.maximum = maximum
        self.meta = meta
        self.requests = 0
        self.biggest = 0
        self.given = 0

    def __call__(self, request):
        self.requests += 1
        query = dict(request.query)
        faxes = self.faxes
        if self.order:
            faxes = sorted(
                faxes, key=lambda fax: fax["created_at"], reverse=self.order == NEWEST_FIRST
            )
        for name, keep in (
            ("gt", lambda created, bound: created > bound),
            ("gte", lambda created, bound: created >= bound),
            ("lte", lambda created, bound: created <= bound),
        ):
            bound = query.get(f"filter[created_at][{name}]")
            if bound:
                faxes = [fax for fax in faxes if keep(moment(fax["created_at"]), moment(bound))]
        number, size = int(query["page[number]"]), int(query["page[size]"])
        self.biggest = max(self.biggest, size)
        size = min(size, self.maximum)
        body = {"data": faxes[(number - 1) * size : number * size]}
        self.given += len(body["data"])
        if self.meta:
            pages = max(1, -(-len(faxes) // size))
            body["meta"] = {
                "page_number": number,
                "page_size": size,
                "total_pages": pages,
                "total_results": len(faxes),
            }
        return answer(200, body)


def moment(text):
    text = text.rstrip("Z")
    return datetime.strptime(text if "." in text else text + ".0", "%Y-%m-%dT%H:%M:%S.%f")


def page(telnyx, url=URL, **params):
    run = Run(answer_request(twilio_request("GET", url, params), SETUP), telnyx)
    assert run.response.status == 200, run.response.payload
    return run.response.payload


def walk(telnyx, between=lambda: None, **params):
    answers = [page(telnyx, **params)]
    while answers[-1]["meta"]["next_page_url"]:
        between()
        answers.append(page(telnyx, answers[-1]["meta"]["next_page_url"]))
        assert len(answers) < 2000
    return answers


def sids(answers):
    return [fax["sid"] for answer in answers for fax in answer["faxes"]]


MANY = st.lists(st.integers(0, 40), min_size=0, max_size=60)
CROWDED = MANY | st.lists(st.integers(0, 2), max_size=20)
ORDERS = st.sampled_from([NEWEST_FIRST, OLDEST_FIRST])


@settings(max_examples=300, deadline=None)
@given(
    MANY,
    ORDERS,
    st.integers(1, 12),
    st.sampled_from([0, 3, 6]),
    st.sampled_from([1, 2, 3, 7, 250]),
    st.booleans(),
)
def test_every_fax_is_handed_out_exactly_once(seconds, order, size, digits, maximum, meta):
    """
    Pages of any size give each fax once, whatever Telnyx's order, precision and limits.

    Also when many faxes are of the same moment, and when Telnyx tells no page count.
    """
    faxes = [fax(number, second / 3, digits) for number, second in enumerate(seconds)]
    telnyx = List(faxes, order, maximum if meta else 250, meta)
    answers = walk(telnyx, PageSize=size)

    assert len(faxes) == len(sids(answers)) == len(set(sids(answers)))
    assert all(len(answer["faxes"]) <= size for answer in answers)


@settings(max_examples=400, deadline=None)
@given(CROWDED, ORDERS, st.integers(1, 7), st.data())
def test_a_list_may_change_while_it_is_read(seconds, order, size, data):
    """Faxes that arrive or go meanwhile make none of the others appear twice or not at all."""
    faxes = [fax(number, second) for number, second in enumerate(seconds)]
    telnyx = List(faxes, order)
    gone = set()
    arrived = []

    def change():
        if telnyx.faxes and data.draw(st.booleans()):
            victim = data.draw(st.sampled_from(telnyx.faxes))
            telnyx.faxes.remove(victim)
            gone.add(victim["id"])
        if len(arrived) < 20:
            arrived.append(fax(1000 + len(arrived), 100))
            telnyx.faxes.append(arrived[-1])

    handed_out = sids(walk(telnyx, change, PageSize=size))

    assert len(handed_out) == len(set(handed_out))
    expected = {"FX" + fax["id"].replace("-", "") for fax in faxes if fax["id"] not in gone}
    assert expected <= set(handed_out)


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 7))
def test_a_list_in_no_order_is_read_by_page_number(seconds, size):
    """Where no order can be told, Telnyx's pages are counted and still none is lost."""
    faxes = [{**fax(number, second), "created_at": None} for number, second in enumerate(seconds)]
    answers = walk(List(faxes, UNKNOWN_ORDER), PageSize=size)

    assert len(faxes) == len(sids(answers)) == len(set(sids(answers)))


def test_pages_take_one_request_each():
    """A page costs one request, and a thousand faxes of one moment not many more."""
    telnyx = List([fax(number, number) for number in range(500)])
    assert 10 == len(walk(telnyx)) == telnyx.requests


@pytest.mark.parametrize("older", [0, 10])
@pytest.mark.parametrize("order", [NEWEST_FIRST, OLDEST_FIRST])
@pytest.mark.parametrize("size", [7, 50, 250, 1000])
def test_many_faxes_of_one_moment_cost_no_more(older, order, size):
    """They take as many requests as others, few are read again, and the tokens do not grow."""
    ties = min(2000, max(600, 40 * size))
    faxes = [fax(number, 100 if number < ties else 0) for number in range(ties + older)]
    telnyx = List(faxes, order)
    answers = walk(telnyx, PageSize=size)

    assert len(sids(answers)) == len(set(sids(answers))) == len(faxes)
    assert telnyx.requests <= len(answers) + 2
    assert telnyx.given <= len(faxes) * (3 if size == 7 else 2)
    assert max(len(answer["meta"]["next_page_url"] or "") for answer in answers) < 7000


@pytest.mark.parametrize("turned", [1, 8, 20])
@pytest.mark.parametrize("size", [7, 50, 250])
def test_newer_faxes_may_arrive_in_front_of_many_of_one_moment(size, turned):
    """Those that were there when the list began are returned once, whatever page had been turned to."""
    faxes = [fax(number, 100 if number < 1000 else 0) for number in range(1010)]
    telnyx = List(list(faxes), NEWEST_FIRST)
    pages = itertools.count()

    def arrive():
        if next(pages) == turned:
            telnyx.faxes += [fax(5000 + number, 200) for number in range(30)]

    found = sids(walk(telnyx, arrive, PageSize=size))

    assert len(found) == len(set(found))
    assert {"FX" + fax["id"].replace("-", "") for fax in faxes} <= set(found)


class ShuffledList(List):
    """A list that gives the faxes of one moment in another order each time, as a database may."""

    def __call__(self, request):
        self.shuffle(self.faxes)
        return super().__call__(request)


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(st.integers(1, 49), st.integers(0, 100))
    | st.tuples(st.sampled_from([50, 60, 100, 150, 250, 1000]), st.integers(0, 200)),
    st.integers(0, 300),
    st.integers(0, 60),
    ORDERS,
    st.randoms(),
)
def test_faxes_of_one_moment_need_no_order(size_and_ties, newer, older, order, random):
    """None is missed or returned twice, also if each request shows them in another order."""
    size, ties = size_and_ties
    moments = [100] * ties + [*range(200, 200 + newer), *range(older)]
    faxes = [fax(number, second) for number, second in enumerate(moments)]
    telnyx = ShuffledList(faxes, order)
    telnyx.shuffle = random.shuffle
    found = sids(walk(telnyx, PageSize=size))

    assert len(found) == len(set(found)) == len(faxes)


@pytest.mark.parametrize("kept", [0, 1, 10])
@pytest.mark.parametrize("order", [NEWEST_FIRST, OLDEST_FIRST])
@pytest.mark.parametrize("size", [7, 50, 250])
@pytest.mark.parametrize("older", [0, 10])
def test_a_program_may_delete_what_it_reads(kept, order, size, older):
    """Also if all are of one moment: each page moves the others to the front of the list."""
    faxes = [fax(number, 100 if number < 1000 else 0) for number in range(1000 + older)]
    telnyx = List(list(faxes), order)
    found = []
    answer = page(telnyx, PageSize=size)
    while True:
        found += sids([answer])
        gone = set(found[: len(found) - kept])
        telnyx.faxes = [one for one in faxes if "FX" + one["id"].replace("-", "") not in gone]
        url = answer["meta"]["next_page_url"]
        if not url:
            break
        answer = page(telnyx, url)

    assert len(found) == len(set(found)) == len(faxes)


@given(st.integers(1, 5000), st.integers(1, 250), st.sampled_from([3, 50, 250]))
def test_a_page_has_the_last_known_item_and_new_ones(passed, wanted, most):
    window = window_after(passed, wanted, most)

    assert 1 <= window.size <= most
    assert passed < window.end
    assert window.start < passed or most == 3
    if passed + wanted <= most:
        assert window.end >= passed + wanted


def test_a_page_is_found_at_once_whatever_a_token_says():
    window = window_after(10**9 - 1, 51, 250)
    assert window.start < 10**9 - 1 < window.end


def test_a_page_is_at_most_telnyxs_maximum():
    """A page size of Twilio's 1000, or above, is served in pages that Telnyx can give."""
    telnyx = List([fax(number, number) for number in range(600)])
    answers = walk(telnyx, PageSize=5000)

    assert len(sids(answers)) == 600
    assert telnyx.biggest <= 250
    assert answers[0]["meta"]["page_size"] == 1000


def test_the_envelope_is_twilios():
    """The URLs are absolute, repeat the filters percent-encoded, and say the page."""
    telnyx = List([fax(number, number) for number in range(5)])
    meta = page(telnyx, From="+15005550006", DateCreatedAfter="2026-06-01T00:00:00Z", PageSize=2)[
        "meta"
    ]

    start = URL + "?From=%2B15005550006&DateCreatedAfter=2026-06-01T00%3A00%3A00Z&PageSize=2&Page="
    assert (meta["key"], meta["page"], meta["page_size"]) == ("faxes", 0, 2)
    assert meta["first_page_url"] == meta["url"] == start + "0"
    assert meta["previous_page_url"] is None
    assert meta["next_page_url"].startswith(start + "1&PageToken=PT")


def test_the_previous_page_is_reached_by_its_number():
    """``previous_page_url`` goes back to the page before."""
    telnyx = List([fax(number, number) for number in range(6)])
    first = page(telnyx, PageSize=2)
    second = page(telnyx, first["meta"]["next_page_url"])

    back = page(telnyx, second["meta"]["previous_page_url"])
    assert sids([first]) == sids([back])
    assert sids([second]) == sids([page(telnyx, second["meta"]["url"])])


def test_a_page_can_be_asked_for_by_number():
    """``Page`` alone counts pages of the page size from 0."""
    telnyx = List([fax(number, number) for number in range(7)])

    assert len(page(telnyx, PageSize=3, Page=1)["faxes"]) == 3
    assert sids(walk(telnyx, PageSize=3))[3:] == sids(walk(telnyx, PageSize=3, Page=1))
    assert page(telnyx, PageSize=3, Page=9)["faxes"] == []


@given(st.integers(0, 20), st.integers(0, 10**6 - 1))
def test_bounds_stand_for_their_whole_second(second, microsecond):
    """Faxes up to a second and faxes after it are all faxes, as a program sees whole seconds."""
    telnyx = List([fax(number, number / 4 + microsecond / 10**6) for number in range(80)])
    bound = (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = walk(telnyx, DateCreatedOnOrBefore=bound)
    after = walk(telnyx, DateCreatedAfter=bound)

    assert len(sids(before)) + len(sids(after)) == 80
    assert all(fax["date_created"] <= bound for answer in before for fax in answer["faxes"])
    assert all(fax["date_created"] > bound for answer in after for fax in answer["faxes"])


def test_filters_are_telnyxs():
    """Each of Twilio's four filters has its Telnyx name, and a date may come without a time."""
    fields = {
        "From": "+15005550006",
        "To": "+15005550009",
        "DateCreatedOnOrBefore": "2026-07-02T00:00:00Z",
        "DateCreatedAfter": "2026-07-01",
    }
    query = dict(read_listing(fields).request().query)

    assert query == {
        "filter[from][eq]": "+15005550006",
        "filter[to][eq]": "+15005550009",
        "filter[created_at][lte]": "2026-07-02T00:00:00.999999Z",
        "filter[created_at][gt]": "2026-07-01T00:00:00.999999Z",
        "page[number]": "1",
        "page[size]": "51",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"PageSize": 0},
        {"PageSize": "many"},
        {"PageSize": True},
        {"Page": -1},
        {"PageToken": "PTnonsense"},
        {"PageToken": "x"},
        {"PageToken": 7},
        {"DateCreatedAfter": "yesterday"},
        {"DateCreatedOnOrBefore": "2026-02-30T00:00:00Z"},
        {"Status": "failed"},
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(fields):
    """A filter or page that does not exist is an error, not an empty or a full list."""
    response = read_listing(fields)

    assert (response.status, response.payload["code"]) == (400, 20001)


@given(
    st.sampled_from([NEWEST_FIRST, OLDEST_FIRST, UNKNOWN_ORDER]),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.integers(1, 10**6),
    st.lists(st.text("0123456789abcdef-", min_size=MARK, max_size=MARK), max_size=5),
)
def test_a_cursor_round_trips(order, bound, number, seen):
    """A page token holds all that its cursor does, in characters an URL keeps."""
    cursor = Cursor(
        order, bound.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), number, tuple(seen), number if seen else 0
    )

    assert cursor == Cursor.of(cursor.token())
    assert dict(parse_qsl(urlsplit("?PageToken=" + cursor.token()).query)) == {
        "PageToken": cursor.token()
    }


@given(st.text())
def test_no_page_token_raises(text):
    """Any text is a cursor or it is not."""
    for token in (text, "PT" + text):
        assert Cursor.of(token) is None or isinstance(Cursor.of(token), Cursor)


@pytest.mark.parametrize(
    ("moments", "order"),
    [
        ([], UNKNOWN_ORDER),
        (["2026-07-01T00:00:00Z"], UNKNOWN_ORDER),
        (["2026-07-01T00:00:00Z"] * 2, UNKNOWN_ORDER),
        (["2026-07-01T00:00:01Z", "2026-07-01T00:00:00Z"], NEWEST_FIRST),
        (["2026-07-01T00:00:00Z", "2026-07-01T00:00:01Z"], OLDEST_FIRST),
        (["2026-07-01T00:00:00.9Z", "2026-07-01T00:00:01Z"], OLDEST_FIRST),
        (["2026-07-01T00:00:00", "2026-07-01T00:00:01"], OLDEST_FIRST),
        (["2026-07-01T01:00:00+02:00", "2026-07-01T00:00:00Z"], OLDEST_FIRST),
        (["2026-07-01T00:00:00Z", "x"], UNKNOWN_ORDER),
        (["2026-07-01T00:00:00Z", None], UNKNOWN_ORDER),
        (["2026-07-01T00:00:00Z", "2026-07-01T00:00:02Z", "2026-07-01T00:00:01Z"], UNKNOWN_ORDER),
    ],
)
def test_the_order_is_read_off_the_page(moments, order):
    """Only a page that is sorted, and not of one moment, tells the order of the list."""
    assert order == order_of([{"created_at": moment} for moment in moments])
