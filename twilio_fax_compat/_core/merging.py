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
from typing import Any, Generator, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import define, field, frozen

from twilio_fax_compat._core.faxes import FAX_API
from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.paging import MAX_PAGE_SIZE, read_listing
from twilio_fax_compat._core.problems import problem
from twilio_fax_compat._core.rollout import LEGACY
from twilio_fax_compat._core.routing import Ask, Providers, RouteEffect, Tell, provided

_FILTERS = ("From", "To", "DateCreatedOnOrBefore", "DateCreatedAfter")
_MARK = slice(2, 18)
"""The part of a SID that tells faxes of the same second apart."""

NAMES: Mapping[str, str] = {LEGACY: "the legacy provider"}


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
    """One provider's list, read a page at a time from *place* on, *size* faxes at once."""

    provider: str
    filters: Mapping[str, str] = field(repr=False)
    size: int
    place: Place = field(repr=False)
    waiting: deque[JSON] = field(factory=deque, repr=False)
    following: str | None = field(default=None, repr=False)
    begun: bool = False
    is_in_order: bool = False
    problem: TwilioResponse | None = field(default=None, repr=False)

    @property
    def is_read(self) -> bool:
        """Tell whether there is no page left to ask for."""
        return self.problem is not None or (self.begun and self.following is None)

    def fill(self) -> Generator[RouteEffect, Any, None]:
        """Read on until a fax is waiting or the list has come to its end."""
        if self.provider in self.place.ended:
            self.begun = True
        while not self.waiting and not self.is_read:
            page = yield from self._next_page()
            if not self.is_in_order:
                page = yield from self._in_order(page)
            self.waiting.extend(fax for fax in page if not self._was_seen(fax))

    def _in_order(self, page: list[JSON]) -> Generator[RouteEffect, Any, list[JSON]]:
        """Read on until it shows which way the list goes; all of one that begins with the oldest."""
        while len(set(map(_second, page))) < 2 and not self.is_read:
            page += yield from self._next_page()
        self.is_in_order = True
        if page and _second(page[0]) < _second(page[-1]):
            while not self.is_read:
                page += yield from self._next_page()
            page.reverse()
        return page

    def _next_page(self) -> Generator[RouteEffect, Any, list[JSON]]:
        try:
            answer: TwilioResponse = yield Ask(self.provider, self._request())
        except Exception as error:  # noqa: BLE001 - whatever a provider's client raises
            answer = problem(503, 20503, f"no answer ({type(error).__name__})", None, error)
        self.begun = True
        payload = answer.payload or {}
        faxes = payload.get("faxes")
        if answer.status != 200 or not isinstance(faxes, list):
            self.problem = answer
            return []
        following = payload.get("meta", {}).get("next_page_url")
        self.following = following if faxes else None
        return [fax for fax in faxes if isinstance(fax, dict)]

    def _request(self) -> TwilioRequest:
        if self.following is not None:
            return TwilioRequest("GET", "/Faxes", dict(parse_qsl(urlsplit(self.following).query)))
        fields: dict[str, object] = {
            **self.filters,
            "PageSize": min(self.size + len(self.place.seen) + 1, MAX_PAGE_SIZE),
        }
        bound = self.place.bound
        if bound:
            fields["DateCreatedOnOrBefore"] = bound
        return TwilioRequest("GET", "/Faxes", fields)

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
    token = fields.pop("PageToken", None)
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    place = Place() if token is None else Place.of(token)
    if place is None:
        return problem(400, 20001, "PageToken is none of this list's")
    filters = {name: str(fields[name]) for name in _FILTERS if name in fields}
    skipped = 0 if token is not None else listing.page_number * listing.page_size
    size = listing.page_size
    sources = [Source(name, filters, size + skipped, place) for name in providers.names]
    faxes: list[JSON] = []
    while len(faxes) < size + skipped:
        fax = yield from _newest(sources)
        if fax is None or (not providers.is_partial and any(one.problem for one in sources)):
            break
        faxes.append(fax)
    handed_out = faxes[skipped:]
    if len(faxes) == size + skipped:
        for source in sources:
            yield from source.fill()
    for source in sources:
        if source.problem is not None:
            failed = _named(source)
            if not providers.is_partial or all(other.problem for other in sources):
                return failed
            yield Tell(str((failed.payload or {}).get("message")))
    following = None
    if handed_out and any(source.waiting or not source.is_read for source in sources):
        following = _after(faxes, place, sources)
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
    message = "{} did not give its list: {}".format(
        NAMES.get(source.provider, "Telnyx"), payload.get("message") or f"HTTP {answer.status}"
    )
    return problem(
        status, payload.get("code") or 20500, message, payload.get("details"), answer.cause
    )


def _envelope(
    faxes: Sequence[JSON],
    following: Place | None,
    filters: Mapping[str, str],
    size: int,
    number: int,
) -> JSON:
    def url(page: int, token: str | None = None) -> str:
        query = [*filters.items(), ("PageSize", str(size)), ("Page", str(page))]
        if token is not None:
            query.append(("PageToken", token))
        return FAX_API + "/Faxes?" + urlencode(query)

    return {
        "faxes": list(faxes),
        "meta": {
            "key": "faxes",
            "page": number,
            "page_size": size,
            "first_page_url": url(0),
            "previous_page_url": None,
            "next_page_url": url(number + 1, following.token()) if following else None,
            "url": url(number),
        },
    }


def _second(fax: JSON) -> str:
    created = fax.get("date_created")
    return created if isinstance(created, str) else ""


def _mark(fax: JSON) -> str:
    return str(fax.get("sid"))[_MARK]
