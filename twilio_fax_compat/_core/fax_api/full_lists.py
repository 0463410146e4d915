"""
Full pages of the list of faxes, as Twilio's API returned them.

`list_faxes` returns what one page of Telnyx's list has, at most 250 faxes. twilio-java and twilio-php
stop at an empty page, and twilio-java and Twilio's .NET package after ``limit / page_size`` pages. So
this list reads on until its page is full.
"""

from __future__ import annotations

from typing import Any, Generator, Mapping

from attrs import define, evolve, field

from twilio_fax_compat._core.effects import Effect, Flow
from twilio_fax_compat._core.fax_api.lists import GOES_BACK, LIST_PAGES, endless, page_of
from twilio_fax_compat._core.fax_api.paging import (
    TELNYX_MAX_PAGE_SIZE,
    Cursor,
    Listing,
    read_listing,
)
from twilio_fax_compat._core.fax_api.reading import error_of, readable_list
from twilio_fax_compat._core.fax_api.retries import repeated
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import JSON, TelnyxResponse, TwilioResponse


def list_full_page(fields: Mapping[str, object], path: str, settings: FlowSettings) -> Flow:
    """Return 200 and one page of faxes in Twilio's envelope: full, unless it is the last one."""
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    reading = _Reading(listing, path, settings)
    if listing.page_size > TELNYX_MAX_PAGE_SIZE and listing.page_number and listing.cursor.page > 1:
        # A page number without a token counts pages that Telnyx does not have.
        reading.skipped = listing.page_number * listing.page_size
        reading.here = evolve(listing, cursor=Cursor())
    wrong = yield from reading.run()
    if wrong is not None:
        return wrong
    faxes = reading.faxes[reading.skipped :]
    following = reading.following if faxes else None
    return (yield from page_of(faxes, listing, following, path, settings))


@define
class _Reading:
    """The faxes of one page: *here* is the next request, *skipped* the faxes before the page."""

    listing: Listing
    path: str
    settings: FlowSettings
    faxes: list[JSON] = field(factory=list)
    following: Cursor | None = None
    skipped: int = 0
    here: Listing = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.here = self.listing

    def run(self) -> Generator[Effect, Any, TwilioResponse | None]:
        """Read until the page is full or the list ends; return the error, if there is one."""
        wanted = self.listing.page_size + self.skipped
        for _ in range(LIST_PAGES):
            here = self.here
            tried = yield from repeated(here.request(), self.settings.retry)
            page = readable_list(tried.outcome)
            if page is None:
                return error_of(tried.outcome, self.path)
            found = page[0]
            assert isinstance(tried.outcome, TelnyxResponse)
            is_last = here.ends_with(tried.outcome.json() or {}, found)
            if here.has_moved(found) or here.was_overtaken(found):
                continue
            unseen = here.unseen(found)
            if not unseen and found and not is_last:
                here.turn()
                continue
            size = min(here.page_size, wanted - len(self.faxes))
            part = unseen[:size]
            following = None
            if part and (len(unseen) > len(part) or not is_last):
                following = here.after(found, part)
                if here.goes_back(following):
                    return endless(GOES_BACK)
                if (
                    self.faxes
                    and len(unseen) > len(part)
                    and not (following.order or following.seen)
                ):
                    # A list without a known order is continued only after a whole page of Telnyx's.
                    return None
            self.faxes += part
            self.following = following
            if following is None or len(self.faxes) >= wanted:
                return None
            self.here = evolve(here, cursor=following)
            if self.here.page_number == 0:
                self.here.page_number = 1
        return endless(
            f"Telnyx's list repeats the same faxes on {LIST_PAGES} pages, so its pages would not end"
        )
