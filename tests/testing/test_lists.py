"""Lists have Telnyx's filters and pages."""

from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.testing.helpers import NUMBER, OTHER, code_of, connect, post
from twilio_fax_compat.testing import TelnyxEmulator

NUMBERS = ["+15005550001", "+15005550002", "+15005550003"]


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [fax["id"] for fax in answer.json()["data"]]


def plus(moment, seconds):
    later = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ") + timedelta(seconds=seconds)
    return later.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture(name="crowd", scope="module")
def _crowd():
    """Run an emulator with faxes of both directions, some deleted, and a client of it."""
    with TelnyxEmulator() as telnyx, connect(telnyx) as http:
        for number in range(40):
            if number % 3:
                post(http, telnyx, to=NUMBERS[number % 2], **{"from": NUMBERS[number % 3]})
            else:
                telnyx.receive(NUMBERS[number % 2], NUMBERS[number % 3])
            telnyx.advance(number % 4)
        for fax in telnyx.faxes[::7]:
            http.delete(f"/faxes/{fax['id']}")
        yield telnyx, http


@given(data=st.data())
@settings(max_examples=200)
def test_a_list_is_what_its_filters_say(crowd, data):
    """Any filters, in any combination and with their brackets encoded or not, choose rightly."""
    telnyx, http = crowd
    faxes = telnyx.faxes
    moments = st.sampled_from(faxes).map(lambda fax: fax["created_at"])
    near = st.builds(plus, moments, st.sampled_from([0, 0, -1e-6, 1e-6, 1]))
    filters = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "[direction][eq]": st.sampled_from(["inbound", "outbound"]),
                "[from][eq]": st.sampled_from([*NUMBERS, NUMBER]),
                "[to][eq]": st.sampled_from([*NUMBERS, NUMBER]),
                "[created_at][gt]": near,
                "[created_at][gte]": near,
                "[created_at][lt]": near,
                "[created_at][lte]": near,
            },
        )
    )
    query = {"page[size]": "100", **{f"filter{name}": value for name, value in filters.items()}}
    encoded = data.draw(st.sampled_from(["", "[]"]))
    text = urlencode(query, safe=encoded, quote_via=quote)

    assert ids(http.get("/faxes?" + text)) == [
        fax["id"] for fax in reversed(faxes) if all(is_met(fax, *one) for one in filters.items())
    ]


def is_met(fax, name, value):
    subject, operator = name[1:-1].split("][")
    given_value = fax[subject]
    return {
        "eq": given_value == value,
        "gt": given_value > value,
        "gte": given_value >= value,
        "lt": given_value < value,
        "lte": given_value <= value,
    }[operator]


@given(size=st.integers(1, 50), number=st.integers(1, 50))
def test_pages_are_slices(crowd, size, number):
    """A page is a slice of the whole, and its ``meta`` counts right."""
    telnyx, http = crowd
    everything = [fax["id"] for fax in telnyx.faxes][::-1]
    answer = http.get("/faxes", params={"page[size]": size, "page[number]": number})

    assert ids(answer) == everything[(number - 1) * size : number * size]
    assert answer.json()["meta"] == {
        "page_number": number,
        "page_size": size,
        "total_pages": -(-len(everything) // size),
        "total_results": len(everything),
    }


def test_an_empty_list(http):
    """Without faxes there are no pages."""
    assert http.get("/faxes").json() == {
        "data": [],
        "meta": {"page_number": 1, "page_size": 20, "total_pages": 0, "total_results": 0},
    }


def test_page_sizes_have_a_default_and_a_limit():
    """More than the maximum is cut to it, and both can be chosen."""
    with TelnyxEmulator() as telnyx, connect(telnyx) as http:
        for _ in range(251):
            telnyx.receive(OTHER, NUMBER)
        assert len(ids(http.get("/faxes"))) == 20
        assert len(ids(http.get("/faxes?page[size]=1000"))) == 250
        assert http.get("/faxes?page[size]=1000").json()["meta"]["page_size"] == 250
    with TelnyxEmulator(page_size_default=2, page_size_max=3) as telnyx, connect(telnyx) as http:
        for _ in range(4):
            telnyx.receive(OTHER, NUMBER)
        assert len(ids(http.get("/faxes"))) == 2
        assert len(ids(http.get("/faxes?page[size]=50"))) == 3


def test_oldest_first_is_possible():
    """The order of Telnyx's list is not published, so a test can have the other one."""
    with TelnyxEmulator(newest_first=False) as telnyx, connect(telnyx) as http:
        arrived = [telnyx.receive(number, NUMBER) for number in NUMBERS]

        assert ids(http.get("/faxes")) == arrived
        assert ids(http.get("/faxes?page[size]=2&page[number]=2")) == arrived[2:]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2020-05-05T09:59:12.500000Z", 1),
        ("2020-05-05T09:59:12.500001Z", 0),
        ("2020-05-05T09:59:12.5000009Z", 1),
        ("2020-05-05T09:59:12.5Z", 1),
        ("2020-05-05T09:59:12.6Z", 0),
        ("2020-05-05T09:59:12Z", 1),
        ("2020-05-05T09:59:12", 1),
        ("2020-05-05T09:59:13", 0),
        ("2020-05-05 09:59:12", 1),
        ("2020-05-05", 1),
        ("2020-05-06", 0),
        ("2020-05-05T11:59:12%2B02:00", 1),
        ("2020-05-05T11:59:12+02:00", 1),
        ("2020-05-05T11:59:13%2B0200", 0),
        ("2020-05-05T04:59:12-05:00", 1),
    ],
)
def test_times_are_read(text, found):
    """Filters take ISO 8601 with or without fraction and zone, which is UTC when there is none."""
    start = datetime.strptime("2020-05-05T09:59:12.5+0000", "%Y-%m-%dT%H:%M:%S.%f%z")
    with TelnyxEmulator(now=start - timedelta(seconds=1)) as telnyx, connect(telnyx) as http:
        telnyx.advance(1)
        telnyx.receive(OTHER, NUMBER)

        assert telnyx.faxes[0]["created_at"] == "2020-05-05T09:59:12.500000Z"
        assert len(ids(http.get("/faxes?filter[created_at][gte]=" + text))) == found


def test_a_plus_must_be_encoded(http, telnyx):
    """A plus that is not percent-encoded is a space, which no number has."""
    fax = telnyx.receive(OTHER, NUMBER)

    assert ids(http.get("/faxes?filter[to][eq]=%2B15005550006")) == [fax]
    assert ids(http.get("/faxes?filter%5Bto%5D%5Beq%5D=%2B15005550006")) == [fax]
    assert ids(http.get("/faxes?filter[to][eq]=+15005550006")) == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("filter[status][eq]=failed", "filter[status][eq]"),
        ("filter[to][contains]=5", "filter[to][contains]"),
        ("filter[direction][eq]=sideways", "filter[direction][eq]"),
        ("filter[created_at][eq]=2020-05-05T00:00:00Z", "filter[created_at][eq]"),
        ("filter[created_at][gt]=soon", "filter[created_at][gt]"),
        ("filter[created_at][gt]=", "filter[created_at][gt]"),
        ("filter[created_at][lt]=2026-02-30T00:00:00Z", "filter[created_at][lt]"),
        ("filter[created_at][lt]=%D9%A2020-02-03", "filter[created_at][lt]"),
        ("filter=x", "filter"),
        ("filter[to]=x", "filter[to]"),
        ("page[number]=0", "page[number]"),
        ("page[number]=-1", "page[number]"),
        ("page[size]=x", "page[size]"),
        ("page[size]=0", "page[size]"),
        ("page[size]=1e3", "page[size]"),
    ],
)
def test_a_bad_filter_is_refused(http, query, parameter):
    """422 with Telnyx's code for filters and the name of the parameter."""
    answer = http.get("/faxes?" + query)

    assert code_of(answer) == (422, "10031")
    assert answer.json()["errors"][0]["source"] == {"parameter": parameter}
