"""One list out of two: complete, in order, and nothing twice, whatever happens meanwhile."""

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from twilio_fax_compat._core.merging import Place, merged_page
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.rollout import LEGACY, TELNYX
from twilio_fax_compat._core.routing import Ask, Providers, Tell

BEGINNING = datetime(2026, 7, 1, tzinfo=timezone.utc)


def at(second):
    return (BEGINNING + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


@define
class Provider:
    """A list of faxes as a provider gives it, in pages of *most* at most."""

    faxes: list = field(factory=list)
    most: int = 1000
    is_oldest_first: bool = False
    is_down: bool = False
    asked: int = 0

    def add(self, sid, second):
        self.faxes.append({"sid": sid, "date_created": at(second), "to": "+15005550009"})

    def answer(self, request):
        self.asked += 1
        if self.is_down:
            return TwilioResponse(500, {"code": 20500, "message": "broken"})
        fields = request.fields
        before = fields.get("DateCreatedOnOrBefore", "9")
        after = fields.get("DateCreatedAfter", "0")
        found = [fax for fax in self.faxes if after < fax["date_created"] <= before]
        found.sort(key=lambda fax: fax["date_created"])
        if not self.is_oldest_first:
            found.reverse()
        size, start = min(int(fields["PageSize"]), self.most), int(fields.get("Start", 0))
        url = None
        if len(found) > start + size:
            query = f"DateCreatedOnOrBefore={before}&DateCreatedAfter={after}"
            url = f"https://x/Faxes?{query}&PageSize={size}&Start={start + size}"
        page = [dict(fax) for fax in found[start : start + size]]
        return TwilioResponse(200, {"faxes": page, "meta": {"next_page_url": url}})


def page_of(providers, fields, **options):
    talk = merged_page(TwilioRequest("GET", "/Faxes", fields), Providers(**options))
    told = []
    result = None
    try:
        while True:
            effect = talk.send(result)
            result = None
            if isinstance(effect, Ask):
                result = providers[effect.provider].answer(effect.request)
            else:
                assert isinstance(effect, Tell)
                told.append(effect.text)
    except StopIteration as end:
        return end.value, told


def walk(providers, fields, between=lambda: None):
    """Return all faxes of all pages."""
    found, sizes = [], []
    while True:
        answer, _ = page_of(providers, fields)
        assert answer.status == 200, answer.payload
        faxes = answer.payload["faxes"]
        found += faxes
        sizes.append(len(faxes))
        assert len(sizes) < 500
        url = answer.payload["meta"]["next_page_url"]
        if url is None:
            return found, sizes
        fields = dict(parse_qsl(urlsplit(url).query))
        between()


SECONDS = st.lists(st.integers(0, 12), max_size=30)


def filled(telnyx, legacy, **options):
    providers = {TELNYX: Provider(**options), LEGACY: Provider(**options)}
    number = 0
    for name, seconds in ((TELNYX, telnyx), (LEGACY, legacy)):
        for second in seconds:
            providers[name].add(f"FX{number:016}{'0' * 16}", second)
            number += 1
    return providers


@given(SECONDS, SECONDS, st.integers(1, 9), st.integers(1, 7), st.booleans())
@settings(deadline=None)
def test_the_list_is_whole(telnyx, legacy, size, most, is_oldest_first):
    """Of any dates, in pages of any size, from providers with pages of any size and order."""
    providers = filled(telnyx, legacy, most=most, is_oldest_first=is_oldest_first)
    found, sizes = walk(providers, {"PageSize": str(size)})

    assert sorted(fax["sid"] for fax in found) == sorted(
        fax["sid"] for one in providers.values() for fax in one.faxes
    )
    dates = [fax["date_created"] for fax in found]
    assert dates == sorted(dates, reverse=True)
    assert all(number == size for number in sizes[:-1])
    assert sizes[-1] > 0 or sizes == [0]


@given(SECONDS, SECONDS, st.integers(1, 5), st.integers(2, 7), st.data())
@settings(deadline=None)
def test_arrivals_move_nothing(telnyx, legacy, size, most, data):
    """Faxes that come while the list is read make none of the others appear twice, or not at all."""
    providers = filled(telnyx, legacy, most=most)
    before = {fax["sid"] for one in providers.values() for fax in one.faxes}
    arrived = iter(range(100, 1000))

    def arrive():
        for name in data.draw(st.lists(st.sampled_from([TELNYX, LEGACY]), max_size=3)):
            number = next(arrived)
            providers[name].add(f"FX{number:016}{'1' * 16}", 20 + number)

    found, _ = walk(providers, {"PageSize": str(size)}, arrive)
    sids = [fax["sid"] for fax in found]

    assert len(sids) == len(set(sids))
    assert before <= set(sids)


@given(SECONDS, SECONDS, st.integers(0, 12), st.integers(0, 12), st.integers(1, 6))
@settings(deadline=None)
def test_filters_hold_on_every_page(telnyx, legacy, after, before, size):
    providers = filled(telnyx, legacy)
    fields = {
        "PageSize": str(size),
        "DateCreatedAfter": at(after),
        "DateCreatedOnOrBefore": at(before),
    }
    found, _ = walk(providers, fields)

    assert sorted(fax["sid"] for fax in found) == sorted(
        fax["sid"]
        for one in providers.values()
        for fax in one.faxes
        if at(after) < fax["date_created"] <= at(before)
    )


def test_pages_are_read_lazily():
    """The first page costs one request of each provider."""
    providers = filled(range(100), range(100))
    answer, _ = page_of(providers, {"PageSize": "10"})

    assert len(answer.payload["faxes"]) == 10
    assert [one.asked for one in providers.values()] == [1, 1]


def test_a_page_by_its_number():
    providers = filled(range(0, 20, 2), range(1, 20, 2))
    answer, _ = page_of(providers, {"PageSize": "5", "Page": "2"})

    assert [fax["date_created"] for fax in answer.payload["faxes"]] == [
        at(second) for second in (9, 8, 7, 6, 5)
    ]


@pytest.mark.parametrize("down", [TELNYX, LEGACY])
def test_one_that_is_down(down):
    providers = filled(range(3), range(3))
    providers[down].is_down = True
    answer, _ = page_of(providers, {"PageSize": "5"})
    assert answer.status == 500
    name = "Telnyx" if down == TELNYX else "the legacy provider"
    assert answer.payload["message"] == f"{name} did not give its list: broken"

    answer, told = page_of(providers, {"PageSize": "5"}, is_partial=True)
    assert (answer.status, len(answer.payload["faxes"])) == (200, 3)
    assert told == [f"{name} did not give its list: broken"]


@pytest.mark.parametrize("token", ["", "PT1", "PX", "PX!", "PXW10", "PXWzEsMiwzXQ", 5, "PXe30"])
def test_a_token_that_is_none(token):
    answer, _ = page_of(filled([], []), {"PageToken": token})
    assert (answer.status, answer.payload["code"]) == (400, 20001)


@given(
    st.integers(0, 10**6).map(at),
    st.lists(st.text("0123456789abcdef", min_size=16, max_size=16)).map(tuple),
    st.sets(st.sampled_from([TELNYX, LEGACY])).map(tuple),
)
def test_a_token_is_read_back(bound, seen, ended):
    place = Place(bound, seen, ended)
    assert Place.of(place.token()) == place
