"""
One list of faxes out of the lists of two providers.

Both give the newest first (https://www.twilio.com/docs/fax/api/fax-resource). A page's token says at
which second the page before it ended and which faxes of that second were handed out, so that pages
neither slide when faxes arrive nor depend on the tokens of either provider.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from types import MappingProxyType
from typing import Any, Generator, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import define, field, frozen

from twilio_fax_compat._core.faxes import FAX_API
from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.paging import FILTERS, MAX_PAGE_SIZE, read_listing
from twilio_fax_compat._core.problems import problem
from twilio_fax_compat._core.rollout import LEGACY, TELNYX
from twilio_fax_compat._core.route_effects import (
    NAMES,
    Ask,
    Providers,
    RouteEffect,
    Tell,
    provided,
)

_MARK = slice(2, 18)
"""The part of a SID that tells faxes of the same second apart."""

NEXT = "NextPageUrl"
"""The field of a list request that holds the legacy client's own URL of a page, on whatever host."""

_ANCHORED = "PageToken="
"""What an URL has whose page does not slide when faxes arrive."""


@frozen
class Place:
    """
    Where a page begins: at the second *bound* (``2021-03-04T05:06:07Z``), without the faxes *seen*.

    *ended* are the providers that have no older ones.
    """

    bound: str = ""
    seen: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()

    def token(self) -> str:
        """Return it as a ``PageToken``."""
        text = json.dumps([self.bound, self.seen, self.ended], separators=(",", ":"))
        return "PX" + urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")

    @classmethod
    def of(cls, token: object) -> Place | None:
        """Return what a ``PageToken`` says, or None for what is none of this list's."""
        if not isinstance(token, str) or not token.startswith("PX"):
            return None
        try:
            padded = token[2:] + "=" * (-len(token[2:]) % 4)
            bound, seen, ended = json.loads(urlsafe_b64decode(padded.encode("ascii")))
        except (ValueError, TypeError, RecursionError):
            return None
        texts = (
            [bound, *seen, *ended] if isinstance(seen, list) and isinstance(ended, list) else [0]
        )
        if not all(isinstance(text, str) for text in texts):
            return None
        return cls(bound, tuple(seen), tuple(ended))


@define
class Source:
    """
    One provider's list from *place* on, read a page at a time.

    *first* are the fields of the first request. *is_told* says that those are the program's own or
    the provider's: then its word is taken for whether more follow, so that it is asked for nothing
    that its own client would not ask for.
    """

    provider: str
    first: Mapping[str, object] = field(repr=False)
    place: Place = field(repr=False)
    is_told: bool = False
    waiting: deque[JSON] = field(factory=deque, repr=False)
    following: Mapping[str, str] | None = field(default=None, repr=False)
    begun: bool = False
    is_in_order: bool = False
    problem: TwilioResponse | None = field(default=None, repr=False)
    _taken: set[str] = field(factory=set, repr=False)

    @property
    def is_read(self) -> bool:
        """Tell whether there is no page left to ask for."""
        return self.problem is not None or (self.begun and self.following is None)

    @property
    def own_next(self) -> str | None:
        """The provider's own URL of what follows, if nothing waits before it and it cannot slide."""
        url = (self.following or {}).get(NEXT, "")
        return url if _ANCHORED in url and not self.waiting else None

    def fill(self) -> Generator[RouteEffect, Any, None]:
        """Read on until a fax is waiting or the list has come to its end."""
        if self.provider in self.place.ended:
            self.begun = True
        while not self.waiting and not self.is_read:
            page = yield from self._next_page()
            if not self.is_in_order:
                page = yield from self._in_order(page)
            self.waiting.extend(fax for fax in page if self._is_new(fax))

    def look_ahead(self) -> Generator[RouteEffect, Any, None]:
        """Find out whether more follow."""
        if not self.is_told:
            yield from self.fill()

    def _in_order(self, page: list[JSON]) -> Generator[RouteEffect, Any, list[JSON]]:
        """Return *page*, or all pages of a list that begins with the oldest, turned round."""
        # Which way Telnyx's list goes is not documented: it must show.
        while self.provider == TELNYX and len(set(map(_second, page))) < 2 and not self.is_read:
            page += yield from self._next_page()
        self.is_in_order = len(set(map(_second, page))) > 1
        if page and _second(page[0]) < _second(page[-1]):
            while not self.is_read:
                page += yield from self._next_page()
            page.reverse()
        return page

    def _next_page(self) -> Generator[RouteEffect, Any, list[JSON]]:
        fields = self.first if self.following is None else self.following
        try:
            answer: TwilioResponse = yield Ask(
                self.provider, TwilioRequest("GET", "/Faxes", fields)
            )
        except Exception as error:  # noqa: BLE001 - whatever a provider's client raises
            answer = problem(503, 20503, f"no answer ({type(error).__name__})", None, error)
        self.begun = True
        payload = answer.payload or {}
        faxes = payload.get("faxes")
        if answer.status != 200 or not isinstance(faxes, list):
            self.problem = answer
            return []
        url = payload.get("meta", {}).get("next_page_url") if faxes else None
        self.following = dict(parse_qsl(urlsplit(url).query)) if url else None
        return [fax for fax in faxes if isinstance(fax, dict)]

    def _is_new(self, fax: JSON) -> bool:
        if self._was_seen(fax):
            return False
        # A list that is paged by numbers shows a fax again when another arrived.
        sid = str(fax.get("sid"))
        is_new = sid not in self._taken
        self._taken.add(sid)
        return is_new

    def _was_seen(self, fax: JSON) -> bool:
        created, bound = _second(fax), self.place.bound
        # A provider whose filter is not exact to the second says more than it was asked for.
        if bound and created > bound:
            return True
        return created in (bound, "") and _mark(fax) in self.place.seen


def merged_page(
    request: TwilioRequest, providers: Providers
) -> Generator[RouteEffect, Any, TwilioResponse]:
    """Return 200 and one page of the faxes of all *providers*, the newest first."""
    fields = {name: value for name, value in request.fields.items() if value is not None}
    own_next, token = fields.pop(NEXT, None), fields.pop("PageToken", None)
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    place = Place() if token is None else Place.of(token)
    if place is None:
        return problem(400, 20001, "PageToken is none of this list's")
    if own_next is not None and token is None:
        place = Place(ended=(TELNYX,))  # which was not there when that page was told
    filters = {name: str(fields[name]) for name in FILTERS if name in fields}
    size = listing.page_size
    skipped = 0 if token is not None else listing.page_number * size
    asked: dict[str, object] = {
        **filters,
        **({"DateCreatedOnOrBefore": place.bound} if place.bound else {}),
        "PageSize": min(size + skipped + len(place.seen) + 1, MAX_PAGE_SIZE),
    }
    sources = [Source(name, asked, place) for name in providers.names if name != LEGACY]
    if own_next is not None:
        sources.append(Source(LEGACY, {NEXT: own_next}, place, is_told=True))
    elif token is None and not skipped:
        sources.append(Source(LEGACY, request.fields, place, is_told=True))
    else:
        sources.append(Source(LEGACY, asked, place))
    faxes: list[JSON] = []
    while len(faxes) < size + skipped:
        fax = yield from _newest(sources)
        if fax is None or (not providers.is_partial and any(one.problem for one in sources)):
            break
        faxes.append(fax)
    handed_out = faxes[skipped:]
    if len(faxes) == size + skipped:
        for source in sources:
            yield from source.look_ahead()
    for source in sources:
        if source.problem is not None:
            failed = _named(source)
            if not providers.is_partial or all(other.problem for other in sources):
                return failed
            yield Tell(str((failed.payload or {}).get("message")))
    following: dict[str, str] = {}
    if handed_out and any(source.waiting or not source.is_read for source in sources):
        following["PageToken"] = _after(faxes, place, sources).token()
        own = next(filter(None, (source.own_next for source in sources)), None)
        if own is not None:
            following[NEXT] = own
    return TwilioResponse(200, _envelope(handed_out, following, filters, size, listing.page_number))


def _newest(sources: Sequence[Source]) -> Generator[RouteEffect, Any, JSON | None]:
    for source in sources:
        yield from source.fill()
    waiting = [source for source in sources if source.waiting]
    if not waiting:
        return None
    # The first of equals is the first provider's: `max` keeps the order.
    source = max(waiting, key=lambda source: _second(source.waiting[0]))
    return provided(source.waiting.popleft(), source.provider)


def _after(faxes: Sequence[JSON], place: Place, sources: Sequence[Source]) -> Place:
    bound = next((second for second in map(_second, reversed(faxes)) if second), place.bound)
    seen = tuple(_mark(fax) for fax in faxes if _second(fax) in (bound, ""))
    if bound == place.bound:
        seen = place.seen + seen
    ended = tuple(source.provider for source in sources if source.is_read and not source.waiting)
    return Place(bound, seen, ended)


def _named(source: Source) -> TwilioResponse:
    answer = source.problem
    assert answer is not None
    payload = answer.payload or {}
    status = answer.status if answer.status >= 400 else 502
    name = NAMES[source.provider]
    message = "{} did not give its list: {}".format(
        name, payload.get("message") or f"HTTP {answer.status}"
    )
    details = {**(payload.get("details") or {}), "provider": name}
    return problem(status, payload.get("code") or 20500, message, details, answer.cause)


def _envelope(
    faxes: Sequence[JSON],
    following: Mapping[str, str],
    filters: Mapping[str, str],
    size: int,
    number: int,
) -> JSON:
    def url(page: int, more: Mapping[str, str] = MappingProxyType({})) -> str:
        query = {**filters, "PageSize": str(size), "Page": str(page), **more}
        return FAX_API + "/Faxes?" + urlencode(query)

    return {
        "faxes": list(faxes),
        "meta": {
            "key": "faxes",
            "page": number,
            "page_size": size,
            "first_page_url": url(0),
            "previous_page_url": None,
            "next_page_url": url(number + 1, following) if following else None,
            "url": url(number),
        },
    }


def _second(fax: JSON) -> str:
    created = fax.get("date_created")
    return created if isinstance(created, str) else ""


def _mark(fax: JSON) -> str:
    return str(fax.get("sid"))[_MARK]
