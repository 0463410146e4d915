"""Lists of faxes and of their media."""

from __future__ import annotations

from typing import Mapping, Sequence

from twilio_fax_compat._core.effects import Flow, Now, Recall
from twilio_fax_compat._core.facts import NOTHING_KNOWN
from twilio_fax_compat._core.fax_api.paging import Cursor, Listing, read_listing
from twilio_fax_compat._core.fax_api.reading import error_of, readable_list
from twilio_fax_compat._core.fax_api.retries import repeated
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import JSON, TelnyxResponse, TwilioResponse
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.lazy_faxes import LazyFax, ListResponse

LIST_PAGES = 400
"""The pages of Telnyx that are read at most for one page of a list."""


GOES_BACK = (
    "Telnyx's list is not in the order of its dates, or ignores filter[created_at], so its pages "
    "would not end"
)
"""Why a list is not read on: a page began before the end of the page before it."""


def list_faxes(fields: Mapping[str, object], path: str, settings: FlowSettings) -> Flow:
    """Return 200 and one page of faxes in Twilio's envelope, usually with one Telnyx request."""
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    for _ in range(LIST_PAGES):
        request = listing.request()
        tried = yield from repeated(request, settings.retry)
        page = readable_list(tried.outcome)
        if page is None:
            return error_of(tried.outcome, path)
        faxes = page[0]
        assert isinstance(tried.outcome, TelnyxResponse)
        is_last = listing.ends_with(tried.outcome.json() or {}, faxes)
        if listing.has_moved(faxes) or listing.was_overtaken(faxes):
            continue
        unseen = listing.unseen(faxes)
        if unseen or is_last or not faxes:
            break
        listing.turn()
    else:
        return endless(f"Telnyx's list repeats the same faxes on {LIST_PAGES} pages")
    handed_out = unseen[: listing.page_size]
    following = None
    if handed_out and (len(unseen) > len(handed_out) or not is_last):
        following = listing.after(faxes, handed_out)
        if listing.goes_back(following):
            return endless(GOES_BACK)
    return (yield from page_of(handed_out, listing, following, path, settings))


def page_of(
    faxes: Sequence[JSON],
    listing: Listing,
    following: Cursor | None,
    path: str,
    settings: FlowSettings,
) -> Flow:
    """Return 200 and *faxes* of Telnyx in Twilio's envelope. *following* is where the next page begins."""
    facts_by_id = yield Recall([str(fax.get("id")) for fax in faxes])
    lazy = [
        LazyFax(
            fax,
            settings.account_sid,
            facts_by_id.get(fax.get("id"), NOTHING_KNOWN),
            settings.api_url,
        )
        for fax in faxes
    ]
    if settings.documents is None:
        envelope = listing.envelope([], following, settings.api_url + path, "faxes")
        return ListResponse(lazy, envelope["meta"])
    now = yield Now()
    payloads = [settings.documents.shown(fax.payload(), now) for fax in lazy]
    return TwilioResponse(
        200, listing.envelope(payloads, following, settings.api_url + path, "faxes")
    )


def endless(message: str) -> TwilioResponse:
    """Return the error of a list whose pages do not end, for the reason *message*."""
    return problem(502, 20500, message + ": nothing more was read")
