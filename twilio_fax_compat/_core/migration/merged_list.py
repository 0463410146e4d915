"""
Merge the lists of two providers into one list of faxes.

Both give the newest first (https://www.twilio.com/docs/fax/api/fax-resource). A page token records
the second at which the previous page ended, and the faxes of that second that were returned, so that
new faxes do not shift the pages. After a complete page of the legacy provider, its own URL of the
next page is followed, so that it gets the requests that its own client would make.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Generator, Mapping, Sequence
from urllib.parse import urlencode

from twilio_fax_compat._core.attempts import NAMES
from twilio_fax_compat._core.fax_api.paging import FILTERS, MAX_PAGE_SIZE, read_listing
from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX
from twilio_fax_compat._core.migration.effects import (
    Providers,
    RouteEffect,
    WarnDeveloper,
    provided,
)
from twilio_fax_compat._core.migration.provider_list import (
    NEXT,
    PageToken,
    ProviderList,
    mark_of,
    second_of,
)
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.list_envelope import list_envelope


def merged_page(
    request: TwilioRequest, providers: Providers
) -> Generator[RouteEffect, Any, TwilioResponse]:
    """Return 200 and one page of the faxes of all *providers*, the newest first."""
    fields = {name: value for name, value in request.fields.items() if value is not None}
    own_next, token = fields.pop(NEXT, None), fields.pop("PageToken", None)
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    place = PageToken() if token is None else PageToken.of(token)
    if place is None:
        return problem(400, 20001, "PageToken is not valid for this list")
    if own_next is not None and token is None:
        place = PageToken(ended=(TELNYX,))  # Telnyx was not configured when that page was made
    filters = {name: str(fields[name]) for name in FILTERS if name in fields}
    size = listing.page_size
    skipped = 0 if token is not None else listing.page_number * size
    asked: dict[str, object] = {
        **filters,
        **({"DateCreatedOnOrBefore": place.bound} if place.bound else {}),
        "PageSize": min(size + skipped + len(place.seen) + 1, MAX_PAGE_SIZE),
    }
    sources = [ProviderList(name, asked, place) for name in providers.names if name != LEGACY]
    if own_next is not None:
        sources.append(ProviderList(LEGACY, {NEXT: own_next}, place, is_own_query=True))
    elif token is None and not skipped:
        sources.append(ProviderList(LEGACY, request.fields, place, is_own_query=True))
    else:
        sources.append(ProviderList(LEGACY, asked, place))
    faxes: list[JSON] = []
    while len(faxes) < size + skipped:
        fax = yield from _newest(sources)
        if fax is None or (not providers.is_partial and any(source.problem for source in sources)):
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
            yield WarnDeveloper(str((failed.payload or {}).get("message")))
    following: dict[str, str] = {}
    if handed_out and any(source.waiting or not source.is_read for source in sources):
        following["PageToken"] = _after(faxes, place, sources).token()
        own = next(filter(None, (source.own_next for source in sources)), None)
        if own is not None:
            following[NEXT] = own
    return TwilioResponse(
        200, _envelope(handed_out, following, filters, size, listing.page_number, providers.api_url)
    )


def _newest(sources: Sequence[ProviderList]) -> Generator[RouteEffect, Any, JSON | None]:
    for source in sources:
        yield from source.fill()
    waiting = [source for source in sources if source.waiting]
    if not waiting:
        return None
    # Of equals, `max` returns the first provider's.
    source = max(waiting, key=lambda source: second_of(source.waiting[0]))
    return provided(source.waiting.popleft(), source.provider)


def _after(faxes: Sequence[JSON], place: PageToken, sources: Sequence[ProviderList]) -> PageToken:
    bound = next((second for second in map(second_of, reversed(faxes)) if second), place.bound)
    seen = tuple(mark_of(fax) for fax in faxes if second_of(fax) in (bound, ""))
    if bound == place.bound:
        seen = place.seen + seen
    ended = tuple(source.provider for source in sources if source.is_read and not source.waiting)
    return PageToken(bound, seen, ended)


def _named(source: ProviderList) -> TwilioResponse:
    answer = source.problem
    assert answer is not None
    payload = answer.payload or {}
    status = answer.status if answer.status >= 400 else 502
    name = NAMES[source.provider]
    message = "{} did not return its list: {}".format(
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
    api_url: str,
) -> JSON:
    def url(page: int, more: Mapping[str, str] = MappingProxyType({})) -> str:
        query = {**filters, "PageSize": str(size), "Page": str(page), **more}
        return api_url + "/Faxes?" + urlencode(query)

    return list_envelope(
        "faxes",
        faxes,
        page=number,
        page_size=size,
        url=url(number),
        first=url(0),
        following=url(number + 1, following) if following else None,
    )
