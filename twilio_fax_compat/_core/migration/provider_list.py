"""
One provider's list of faxes, read from a given place.

Twilio lists the newest first (https://www.twilio.com/docs/fax/api/fax-resource). Telnyx documents no order,
so `ProviderList` finds it out.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from typing import Any, Generator, Mapping
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen

from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import TELNYX
from twilio_fax_compat._core.migration.effects import Ask, RouteEffect
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.ids import page_mark

NEXT = "NextPageUrl"
"""The field of a list request that holds the legacy client's own page URL, on any host."""

_PAGES = 400  # read at most without a new fax

_ANCHORED = "PageToken="
"""The query parameter of page URLs that do not shift when faxes arrive."""


@frozen
class PageToken:
    """
    Where a page begins: at the second *bound* (``2021-03-04T05:06:07Z``), without the faxes *seen*.

    *ended* are the providers that have no older ones.
    """

    bound: str = ""
    seen: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()

    def token(self) -> str:
        """Return the text of the ``PageToken``."""
        text = json.dumps([self.bound, self.seen, self.ended], separators=(",", ":"))
        return "PX" + urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")

    @classmethod
    def of(cls, token: object) -> PageToken | None:
        """Parse a ``PageToken``. Returns None if it is not valid for this list."""
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
class ProviderList:
    """
    One provider's list from *place* on, read a page at a time.

    *first* are the fields of the first request. *is_own_query*: these fields come from the program
    or the provider. Then the provider's answer decides whether more faxes follow, so that it gets no
    request that its own client would not make.
    """

    provider: str
    first: Mapping[str, object] = field(repr=False)
    place: PageToken = field(repr=False)
    is_own_query: bool = False
    waiting: deque[JSON] = field(factory=deque, repr=False)
    following: Mapping[str, str] | None = field(default=None, repr=False)
    begun: bool = False
    is_in_order: bool = False
    problem: TwilioResponse | None = field(default=None, repr=False)
    _taken: set[str] = field(factory=set, repr=False)

    @property
    def is_read(self) -> bool:
        """Whether all pages were read."""
        return self.problem is not None or (self.begun and self.following is None)

    @property
    def own_next(self) -> str | None:
        """The provider's own URL of the next page, if no fax waits before it and it does not shift."""
        url = (self.following or {}).get(NEXT, "")
        return url if _ANCHORED in url and not self.waiting else None

    def fill(self) -> Generator[RouteEffect, Any, None]:
        """Read pages until a fax is waiting or the list ends."""
        if self.provider in self.place.ended:
            self.begun = True
        pages = 0
        while not self.waiting and not self.is_read:
            page = yield from self._next_page()
            pages += 1
            if pages > _PAGES:
                message = f"the list repeats the same faxes on {_PAGES} pages"
                self.problem = problem(502, 20500, message)
            if not self.is_in_order:
                page = yield from self._in_order(page)
            self.waiting.extend(fax for fax in page if self._is_new(fax))

    def look_ahead(self) -> Generator[RouteEffect, Any, None]:
        """Find out whether more faxes follow."""
        if not self.is_own_query:
            yield from self.fill()

    def _in_order(self, page: list[JSON]) -> Generator[RouteEffect, Any, list[JSON]]:
        """Return *page*, or all pages of a list that begins with the oldest, reversed."""
        # The order of Telnyx's list is not documented: read on until it shows.
        while self.provider == TELNYX and len(set(map(second_of, page))) < 2 and not self.is_read:
            page += yield from self._next_page()
        self.is_in_order = len(set(map(second_of, page))) > 1
        if page and second_of(page[0]) < second_of(page[-1]):
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
        except Exception as error:  # noqa: BLE001 - a provider's client may raise anything
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
        # A list paged by numbers repeats a fax when a new one arrives.
        sid = str(fax.get("sid"))
        is_new = sid not in self._taken
        self._taken.add(sid)
        return is_new

    def _was_seen(self, fax: JSON) -> bool:
        created, bound = second_of(fax), self.place.bound
        # A provider whose filter is not exact to the second returns more than requested.
        if bound and created > bound:
            return True
        return created in (bound, "") and mark_of(fax) in self.place.seen


def second_of(fax: JSON) -> str:
    """Return the second at which a *fax* was created; an empty text if unknown."""
    created = fax.get("date_created")
    return created if isinstance(created, str) else ""


def mark_of(fax: JSON) -> str:
    """Return the mark that distinguishes a *fax* from others of the same second."""
    return page_mark(fax.get("sid"))
