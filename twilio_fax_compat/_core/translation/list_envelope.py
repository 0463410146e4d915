"""
Twilio's list envelope.

https://www.twilio.com/docs/usage/twilios-response#paging
"""

from __future__ import annotations

from typing import Sequence

from twilio_fax_compat._core.messages import JSON


def list_envelope(
    key: str,
    items: Sequence[JSON],
    *,
    page: int = 0,
    page_size: int | None = None,
    url: str | None = None,
    first: str | None = None,
    previous: str | None = None,
    following: str | None = None,
) -> JSON:
    """
    Return one page of *items* under *key*, which is ``faxes`` or ``media``.

    *page* counts from 0. The default of *page_size* is the number of items. *url*, *first*, *previous*
    and *following* are the URLs of this page and of the others.
    """
    return {
        key: list(items),
        "meta": {
            "key": key,
            "page": page,
            "page_size": len(items) if page_size is None else page_size,
            "first_page_url": first,
            "previous_page_url": previous,
            "next_page_url": following,
            "url": url,
        },
    }
