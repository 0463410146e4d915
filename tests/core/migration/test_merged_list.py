"""One list out of two: complete, in order, and nothing twice, whatever happens meanwhile."""

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX
from twilio_fax_compat._core.migration.effects import Ask, Providers, WarnDeveloper
from twilio_fax_compat._core.migration.merged_list import merged_page
from twilio_fax_compat._core.migration.provider_list import NEXT, PageToken

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
    is_anchored: bool = False
    asked: list = field(factory=list)

    def add(self, sid, second):
        self.faxes.append({"sid": sid, "date_created": at(second), "to": "+15005550009"})

    def answer(self, request):
        self.asked.append(dict(request.fields))
        if self.is_down:
            return TwilioResponse(500, {"code": 20500, "message": "broken"})
        fields = request.fields
        if NEXT in fields:
            fields = dict(parse_qsl(urlsplit(fields[NEXT]).query))
        before = fields.get("DateCreatedOnOrBefore", "9")
        after = fields.get("DateCreatedAfter", "0")
        found = [fax for fax in self.faxes if after < fax["date_created"] <= before]
        found.sort(key=lambda fax: fax["date_created"])
        if not self.is_oldest_first:
            found.reverse()
        size = min(int(fields.get("PageSize", 50)), self.most)
        start = int(fields.get("Start", 0))
        if "Older" in fields:
            start = [fax["sid"] for fax in found].index(fields["Older"]) + 1
        url = None
        if len(found) > start + size:
            query = f"DateCreatedOnOrBefore={before}&DateCreatedAfter={after}&PageSize={size}"
            url = f"https://x/Faxes?{query}&Start={start + size}"
            if self.is_anchored:
                own = f"https://own.example/?PageToken=1&{query}&Older={found[start + size - 1]['sid']}"
                url = "https://x/Faxes?" + urlencode({NEXT: own})
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
                assert isinstance(effect, WarnDeveloper)
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


def filled(telnyx, legacy, is_oldest_first=False, is_anchored=False, **options):
    """Return both providers; Twilio's lists begin with the newest, of Telnyx's it is not known."""
    providers = {
        TELNYX: Provider(is_oldest_first=is_oldest_first, **options),
        LEGACY: Provider(is_anchored=is_anchored, **options),
    }
    number = 0
    for name, seconds in ((TELNYX, telnyx), (LEGACY, legacy)):
        for second in seconds:
            providers[name].add(f"FX{number:016}{'0' * 16}", second)
            number += 1
    return providers


@given(SECONDS, SECONDS, st.integers(1, 9), st.integers(1, 7), st.booleans(), st.booleans())
@settings(deadline=None)
def test_the_list_is_whole(telnyx, legacy, size, most, is_oldest_first, is_anchored):
    """Of any dates, in pages of any size, from providers with pages of any size and order."""
    providers = filled(
        telnyx, legacy, most=most, is_oldest_first=is_oldest_first, is_anchored=is_anchored
    )
    found, sizes = walk(providers, {"PageSize": str(size)})

    assert sorted(fax["sid"] for fax in found) == sorted(
        fax["sid"] for one in providers.values() for fax in one.faxes
    )
    dates = [fax["date_created"] for fax in found]
    assert dates == sorted(dates, reverse=True)
    assert all(number == size for number in sizes[:-1])
    assert sizes[-1] > 0 or sizes == [0]


@given(SECONDS, SECONDS, st.integers(1, 5), st.integers(2, 7), st.booleans(), st.data())
@settings(deadline=None)
def test_arrivals_move_nothing(telnyx, legacy, size, most, is_anchored, data):
    """Faxes that come while the list is read make none of the others appear twice, or not at all."""
    providers = filled(telnyx, legacy, most=most, is_anchored=is_anchored)
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
    assert [len(one.asked) for one in providers.values()] == [1, 1]


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
    assert answer.payload["message"] == f"{name} did not return its list: broken"

    answer, told = page_of(providers, {"PageSize": "5"}, is_partial=True)
    assert (answer.status, len(answer.payload["faxes"])) == (200, 3)
    assert told == [f"{name} did not return its list: broken"]


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
    place = PageToken(bound, seen, ended)
    assert PageToken.of(place.token()) == place


@given(st.lists(st.integers(0, 12), max_size=30), st.sampled_from([{}, {"PageSize": "4"}]))
def test_the_legacy_provider_is_asked_as_its_own_client_asks(legacy, fields):
    """While Telnyx has none: the program's own words first, then the provider's own URLs."""
    providers = filled([], legacy, is_anchored=True, most=5)
    found, _ = walk(providers, fields)
    assert len(found) == len(legacy)
    asked = providers[LEGACY].asked
    assert asked[0] == fields
    assert all(set(request) == {NEXT} for request in asked[1:])
    size = int(fields.get("PageSize", 5))
    assert len(asked) == max(1, -(-len(legacy) // size))
    assert len(providers[TELNYX].asked) == 1


def test_a_list_that_slides_shows_nothing_twice():
    """A list that is paged by numbers, where a fax arrives between two pages."""
    providers = filled([], [5, 5, 5, 5], most=2)
    legacy = providers[LEGACY]
    answer = legacy.answer

    def arriving(request):
        result = answer(request)
        if len(legacy.asked) == 1:
            legacy.add("FX" + "9" * 32, 5)
            legacy.faxes.sort(key=lambda fax: fax["sid"])
        return result

    found = []
    talk = merged_page(TwilioRequest("GET", "/Faxes", {"PageSize": "9"}), Providers())
    try:
        effect = talk.send(None)
        while True:
            effect = talk.send(
                arriving(effect.request)
                if effect.provider == LEGACY
                else providers[TELNYX].answer(effect.request)
            )
    except StopIteration as end:
        found = [fax["sid"] for fax in end.value.payload["faxes"]]
    assert len(found) == len(set(found))
    assert {fax["sid"] for fax in legacy.faxes} - {"FX" + "9" * 32} <= set(found)


def test_a_page_that_was_told_before_telnyx_was_there():
    """An URL of the legacy provider's alone goes on in its list alone."""
    providers = filled(range(3), range(6), is_anchored=True)
    first = providers[LEGACY].answer(TwilioRequest("GET", "/Faxes", {"PageSize": "4"}))
    fields = dict(parse_qsl(urlsplit(first.payload["meta"]["next_page_url"]).query))
    found, _ = walk(providers, fields)
    assert [fax["date_created"] for fax in found] == [at(1), at(0)]
    assert providers[TELNYX].asked == []
