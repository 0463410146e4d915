"""Lists: full pages, their links, and dates in filters."""

import re

import pytest


@pytest.fixture(name="many", scope="module")
def _many(emulator, shared):
    """Return the SIDs of 1100 faxes, the newest first."""
    emulator.reset()
    for number in range(1100):
        emulator.receive(from_="+15005550001", to="+15005550006")
        if number % 3 == 0:
            emulator.advance(1)
    return ["FX" + fax["id"].replace("-", "") for fax in reversed(emulator.faxes)]


@pytest.mark.parametrize("size", [1500, 1000, 400, 300, 250, 99])
def test_pages_are_full_and_complete(shared, many, size):
    url, sids, sizes = f"{shared.url}/v1/Faxes?PageSize={size}", [], []
    while url:
        status, _, page = shared.request("GET", url[len(shared.url) :])
        assert status == 200
        assert page["meta"]["page_size"] == min(size, 1000)
        sizes.append(len(page["faxes"]))
        sids += [fax["sid"] for fax in page["faxes"]]
        url = page["meta"]["next_page_url"]
        assert url is None or re.fullmatch(r"http://[\w.:/?=&%-]+", url)
    assert set(sizes[:-1]) <= {min(size, 1000)}
    assert sizes[-1] > 0
    assert sids == many


def test_the_previous_page_is_the_one_before(shared, many):
    _, _, first = shared.request("GET", "/v1/Faxes?PageSize=300")
    _, _, second = shared.request("GET", first["meta"]["next_page_url"][len(shared.url) :])
    assert [fax["sid"] for fax in second["faxes"]] == many[300:600]
    _, _, third = shared.request("GET", second["meta"]["next_page_url"][len(shared.url) :])
    _, _, back = shared.request("GET", third["meta"]["previous_page_url"][len(shared.url) :])
    assert [fax["sid"] for fax in back["faxes"]] == many[300:600]
    _, _, back = shared.request("GET", second["meta"]["previous_page_url"][len(shared.url) :])
    assert [fax["sid"] for fax in back["faxes"]] == many[:300]


@pytest.mark.parametrize(
    "date",
    [
        "2021-03-04",
        "2021-03-04T05:06:07",
        "2021-03-04T05:06:07Z",
        "2021-03-04T05:06:07%2B02:00",
        "2021-03-04T05:06:07+02:00",
        "2021-03-04T05:06:07.123456789Z",
        "2021-03-04T05:06:07.1Z",
    ],
)
def test_dates_in_filters(server, telnyx, date):
    for name in ("DateCreatedAfter", "DateCreatedOnOrBefore"):
        status, _, page = server.request("GET", f"/v1/Faxes?{name}={date}")
        assert status == 200, page
