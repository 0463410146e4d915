"""
Twilio's pages over Telnyx's lists.

Twilio links its pages by a token (https://www.twilio.com/docs/usage/twilios-response#paging),
Telnyx's by a page number (https://developers.telnyx.com/api-reference/programmable-fax-commands/
view-a-list-of-faxes), which moves when a fax arrives or is deleted. So our token records where the
previous page ended: the time of its last fax, and the faxes created at that time. If the order of
Telnyx's list is unknown, the token counts pages instead.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Mapping, Sequence
from urllib.parse import quote, urlencode

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.fax_api.windows import Window, window_after
from twilio_fax_compat._core.messages import JSON, TelnyxRequest, TwilioResponse
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.ids import MARK, page_mark
from twilio_fax_compat._core.translation.list_envelope import list_envelope
from twilio_fax_compat._core.translation.times import last_moment_of, parse_timestamp, utc_text

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
TELNYX_MAX_PAGE_SIZE = 250
"""Documented for Telnyx's shared page parameter; the fax list documents no limit of its own."""

MOST_SEEN = 2 * TELNYX_MAX_PAGE_SIZE
"""
How many returned faxes of one moment a token lists: those of two pages of Telnyx. The next page is
asked for so that it begins with one of them.
"""

FROM_THE_START = 100
"""
Up to how many returned faxes of one moment are read again with the next ones, also if pages are small.

So none is missed if Telnyx gives them in another order each time, as a database may.
"""

NEWEST_FIRST, OLDEST_FIRST, UNKNOWN_ORDER = "newest", "oldest", ""

FILTERS: Mapping[str, str] = {
    "From": "filter[from][eq]",
    "To": "filter[to][eq]",
    "DateCreatedOnOrBefore": "filter[created_at][lte]",
    "DateCreatedAfter": "filter[created_at][gt]",
}
"""Twilio's list filters and Telnyx's."""

_MARKS = re.compile(rf"(?:[\w-]{{{MARK}}})*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@frozen
class Cursor:
    """
    Where a page begins.

    The page starts at the time *bound* (ISO 8601), in *order*. From there, *passed* faxes were returned
    already, and *seen* are the marks of the last of them. Without them, *page* is the number of Telnyx's
    page.
    """

    order: str = UNKNOWN_ORDER
    bound: str = ""
    page: int = 1
    seen: tuple[str, ...] = ()
    passed: int = 0

    def token(self) -> str:
        """Return the cursor as a ``PageToken``: short enough for a URL, also with `MOST_SEEN` marks."""
        state = [self.order, self.bound, self.page, self.passed]
        text = json.dumps(state, separators=(",", ":")).encode()
        place = "PT" + urlsafe_b64encode(text).decode("ascii").rstrip("=")
        return ".".join([place, "".join(self.seen)]) if self.seen else place

    @classmethod
    def of(cls, token: object) -> Cursor | None:
        """Return the cursor inside a ``PageToken``, or None if the token is not ours."""
        if not isinstance(token, str) or not token.startswith("PT"):
            return None
        place, _, marks = token[2:].partition(".")
        padded = place + "=" * (-len(place) % 4)
        try:
            order, bound, *numbers = json.loads(urlsafe_b64decode(padded.encode("ascii")))
            page, passed = map(_whole, numbers)
        except (ValueError, TypeError, RecursionError):
            return None
        if (
            order not in (NEWEST_FIRST, OLDEST_FIRST, UNKNOWN_ORDER)
            or not isinstance(bound, str)
            or (bound and parse_timestamp(bound) is None)
            or not page
            or passed is None
            or bool(passed) is not bool(marks)
            or not _MARKS.fullmatch(marks)
        ):
            return None
        seen = (marks[start : start + MARK] for start in range(0, len(marks), MARK))
        return cls(order, bound, page, tuple(seen), passed)


@define
class Listing:
    """A valid Twilio list request, and the place of the page that it asks for."""

    filters: dict[str, str] = field(repr=False)
    page_size: int
    page_number: int
    cursor: Cursor = field(repr=False)
    url_fields: Sequence[tuple[str, str]] = field(repr=False)
    window: Window = field(factory=lambda: Window(1, 0))
    is_back: bool = False
    most: int = TELNYX_MAX_PAGE_SIZE

    def request(self) -> TelnyxRequest:
        """Return the Telnyx request for the next faxes."""
        cursor = self.cursor
        query = dict(self.filters)
        if cursor.order == NEWEST_FIRST:
            query["filter[created_at][lte]"] = cursor.bound
        elif cursor.order == OLDEST_FIRST:
            query.pop("filter[created_at][gt]", None)
            query["filter[created_at][gte]"] = cursor.bound
        if self.is_back:
            self.window = Window(self.window.number - 1, self.window.size)
        else:
            self.window = self._next_window()
        query["page[number]"] = str(self.window.number)
        query["page[size]"] = str(self.window.size)
        return TelnyxRequest("GET", "/faxes", tuple(query.items()))

    def _next_window(self) -> Window:
        cursor = self.cursor
        # One more than the page holds shows whether another page follows.
        more = min(self.page_size + 1, TELNYX_MAX_PAGE_SIZE)
        if cursor.passed:
            most_passed = max(FROM_THE_START, 4 * self.page_size)
            if len(cursor.seen) < self.most and cursor.passed <= most_passed:
                return Window(1, min(len(cursor.seen) + more, self.most))
            return window_after(cursor.passed, more, self.most)
        if self.page_number == 0:
            return Window(cursor.page, more)
        return Window(cursor.page, min(self.page_size, TELNYX_MAX_PAGE_SIZE))

    def ends_with(self, answer: JSON, faxes: Sequence[JSON]) -> bool:
        """
        Return whether the list ends with *faxes*, those of Telnyx's *answer*.

        If Telnyx's pages are shorter than asked for, this one began earlier: `window` becomes the real one.
        """
        asked = self.window.size
        meta = answer.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        number, total, size = map(meta.get, ("page_number", "total_pages", "page_size"))
        reported = size if isinstance(size, int) and size > 0 else None
        given = asked if reported is None else min(reported, asked)
        if isinstance(number, int) and isinstance(total, int):
            is_last = number >= total
        else:
            is_last = len(faxes) < given
        if reported is None and not is_last:
            given = min(len(faxes) or asked, asked)
        self.window = Window(self.window.number, given)
        if given < asked:
            self.most = min(self.most, given)
        return is_last

    def has_moved(self, faxes: Sequence[JSON]) -> bool:
        """
        Return whether the list has lost faxes, so that unseen ones may be before this page; if so, go back.

        The page begins with a fax that was returned, unless some before it were deleted meanwhile.
        """
        self.is_back = (
            self.window.start < self.cursor.passed
            and self.window.number > 1
            and not (faxes and _mark(faxes[0]) in self.cursor.seen)
        )
        return self.is_back

    def unseen(self, faxes: Sequence[JSON]) -> list[JSON]:
        """Return the *faxes* that no earlier page had."""
        unseen: list[JSON] = []
        left = set(self.cursor.seen)
        for place, fax in enumerate(faxes):
            if not left:
                # They come first, so the faxes after them need no look.
                return [*unseen, *faxes[place:]]
            mark = _mark(fax)
            if mark in left:
                left.remove(mark)
            else:
                unseen.append(fax)
        return unseen

    def was_overtaken(self, faxes: Sequence[JSON]) -> bool:
        """
        Return whether newer faxes arrived in front of this list; if so, continue after them.

        This happens only while all faxes so far have the same time, and shows that the newest come
        first.
        """
        if self.cursor.order or self.window.number > 1 or not self.cursor.bound or not faxes:
            return False
        began = parse_timestamp(self.cursor.bound)
        first = parse_timestamp(faxes[0].get("created_at"))
        if began is None or first is None or first <= began:
            return False
        bound = utc_text(last_moment_of(self.cursor.bound) or began)
        self.cursor = evolve(self.cursor, order=NEWEST_FIRST, bound=bound)
        return True

    def goes_back(self, following: Cursor) -> bool:
        """Return whether the next page would begin before this one: such a list never ends."""
        before, after = parse_timestamp(self.cursor.bound), parse_timestamp(following.bound)
        if not self.cursor.order or before is None or after is None:
            return False
        return after > before if self.cursor.order == NEWEST_FIRST else after < before

    def turn(self) -> None:
        """Continue with Telnyx's next page, because this one had nothing new."""
        self.cursor = evolve(self.cursor, passed=self.window.end)

    def after(self, faxes: Sequence[JSON], handed_out: Sequence[JSON]) -> Cursor:
        """Return the cursor of the page after *handed_out*, the part of Telnyx's *faxes* that we return."""
        before = self.cursor
        order = before.order or order_of(faxes)
        last = handed_out[-1].get("created_at")
        moment = last_moment_of(last) if isinstance(last, str) else None
        earliest = parse_timestamp(last)
        place = self.window.start + len(faxes) - _after_last(faxes, handed_out)
        if moment is None or earliest is None:
            return self._by_number(place)
        if not order:
            if before.page > 1 or {fax.get("created_at") for fax in faxes} != {last}:
                return self._by_number(place)
            order = _order_since(before.bound, earliest)
        if not order:
            # All faxes so far have the same time: the order of the list shows later.
            seen = before.seen + tuple(map(_mark, handed_out))
            return Cursor(UNKNOWN_ORDER, str(last), 1, seen[-MOST_SEEN:], place)
        bound = utc_text(moment if order == NEWEST_FIRST else earliest)
        same = bound == before.bound if before.order else last == before.bound
        limit = moment if order == NEWEST_FIRST else earliest
        tied = _last_ones(handed_out, last, limit, order)
        seen = (before.seen if same else ()) + tuple(map(_mark, tied))
        return Cursor(order, bound, 1, seen[-MOST_SEEN:], place if same else len(tied))

    def _by_number(self, place: int) -> Cursor:
        """Return the cursor of the page of Telnyx's that begins at *place* or before it."""
        if not self.cursor.passed:
            return Cursor(page=self.cursor.page + 1)
        return Cursor(page=place // min(self.page_size, self.most) + 1)

    def envelope(
        self, payloads: list[JSON], following: Cursor | None, list_url: str, key: str
    ) -> JSON:
        """Return Twilio's list envelope around *payloads*, with the pages of *list_url*."""
        next_fields: list[tuple[str, str]] = []
        if following is not None:
            next_fields = [
                ("Page", str(self.page_number + 1)),
                ("PageToken", following.token()),
            ]
        previous = [("Page", str(self.page_number - 1))] if self.page_number else []
        here = [("Page", str(self.page_number))]
        if self.page_number and self.cursor.order:
            here.append(("PageToken", self.cursor.token()))
        begin = (
            list_url
            + "?"
            + urlencode([*self.url_fields, ("PageSize", str(self.page_size))], quote_via=quote)
        )

        def url(fields: Sequence[tuple[str, str]]) -> str | None:
            # Numbers and tokens need no quoting.
            return "&".join([begin, *map("=".join, fields)]) if fields else None

        return list_envelope(
            key,
            payloads,
            page=self.page_number,
            page_size=self.page_size,
            url=url(here),
            first=url([("Page", "0")]),
            previous=url(previous),
            following=url(next_fields),
        )


def read_listing(fields: Mapping[str, object]) -> Listing | TwilioResponse:
    """
    Return the listing for a Twilio list query (*fields*, by wire name), or the error.

    Page sizes above Twilio's 1000 count as 1000. A page still holds at most Telnyx's 250, and the
    next page continues where it ended.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    unknown = sorted(set(given) - set(FILTERS) - {"Page", "PageSize", "PageToken"})
    if unknown:
        return problem(400, 20001, "Unknown parameters: {}".format(", ".join(unknown)))
    size = _whole(given.get("PageSize", DEFAULT_PAGE_SIZE))
    number = _whole(given.get("Page", 0))
    if size is None or size < 1:
        return problem(400, 20001, "PageSize must be a number from 1 to 1000")
    if number is None:
        return problem(400, 20001, "Page must be a number, the first page being 0")
    cursor: Cursor | None = Cursor(page=number + 1)
    if "PageToken" in given:
        cursor = Cursor.of(given["PageToken"])
        if cursor is None:
            return problem(400, 20001, "PageToken is not valid for this list")
    filters: dict[str, str] = {}
    for name, telnyx_name in FILTERS.items():
        if name not in given:
            continue
        value: str | None = str(given[name])
        if name.startswith("Date"):
            value = _moment(str(given[name]))
        if value is None:
            return problem(400, 20001, f"{name} must be a date and time as 2021-03-04T05:06:07Z")
        filters[telnyx_name] = value
    url_fields = [(name, str(given[name])) for name in FILTERS if name in given]
    assert cursor is not None
    return Listing(filters, min(size, MAX_PAGE_SIZE), number, cursor, url_fields)


def order_of(faxes: Sequence[JSON]) -> str:
    """Return the order of *faxes* by ``created_at``, one of the three constants above."""
    moments = [fax.get("created_at") for fax in faxes]
    if not moments or not all(isinstance(moment, str) and moment for moment in moments):
        return UNKNOWN_ORDER
    if len({len(str(moment)) for moment in moments}) > 1 or not str(moments[0]).endswith("Z"):
        moments = [parse_timestamp(moment) for moment in moments]
        if None in moments:
            return UNKNOWN_ORDER
    ascending = sorted(moments)  # type: ignore[type-var]
    if ascending[0] == ascending[-1]:
        return UNKNOWN_ORDER
    if moments == ascending:
        return OLDEST_FIRST
    return NEWEST_FIRST if moments == ascending[::-1] else UNKNOWN_ORDER


def _order_since(bound: str, moment: datetime) -> str:
    """Return the order of a list whose faxes were of the time *bound*, and are now of *moment*."""
    before = parse_timestamp(bound)
    if before is None or before == moment:
        return UNKNOWN_ORDER
    return NEWEST_FIRST if moment < before else OLDEST_FIRST


def _last_ones(faxes: Sequence[JSON], last: object, limit: datetime, order: str) -> list[JSON]:
    """Return the last *faxes*, which a list that begins at *limit* would show again."""
    tied = []
    for fax in reversed(faxes):
        created = fax.get("created_at")
        if created != last:
            moment = parse_timestamp(created)
            if moment is not None and (moment > limit if order == NEWEST_FIRST else moment < limit):
                break
        tied.append(fax)
    return tied


def _after_last(faxes: Sequence[JSON], handed_out: Sequence[JSON]) -> int:
    """Return how many of *faxes* come after the last of *handed_out*, which is one of them."""
    return next((number for number, fax in enumerate(reversed(faxes)) if fax is handed_out[-1]), 0)


def _mark(fax: JSON) -> str:
    return page_mark(fax.get("id"))


def _moment(text: str) -> str | None:
    """
    Return the time that bounds a list, as Telnyx takes it.

    Twilio shows whole seconds, so a bound includes all of its second.
    """
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    moment = last_moment_of(text)
    return utc_text(moment) if moment else None


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 10**9 else None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return None
