"""The media of a fax: one document, or none."""

from __future__ import annotations

from typing import Mapping

from twilio_fax_compat._core.effects import Flow
from twilio_fax_compat._core.fax_api.paging import read_listing
from twilio_fax_compat._core.fax_api.reading import read_fax
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import (
    TwilioResponse,
)
from twilio_fax_compat._core.translation.errors import (
    not_found,
    problem,
)
from twilio_fax_compat._core.translation.faxes import (
    media_payload,
)
from twilio_fax_compat._core.translation.ids import fax_sid


def fetch_media(fax_id: str, path: str, settings: FlowSettings) -> Flow:
    """Return 200 and the FaxMedia of a fax."""
    fax = yield from read_fax(fax_id, path, settings)
    if isinstance(fax, TwilioResponse):
        return fax
    media = media_payload(fax, settings.account_sid, settings.api_url)
    return TwilioResponse(200, media) if media else not_found(path)


def media_cannot_go_alone(fax_id: str) -> TwilioResponse:
    """Return the error for deleting only the media: Telnyx has no such command."""
    return problem(
        405,
        20004,
        "Telnyx cannot delete the media of a fax and keep the fax, so nothing was deleted: "
        f"client.fax.faxes('{fax_sid(fax_id)}').delete() deletes both",
    )


def list_media(
    fax_id: str, fields: Mapping[str, object], path: str, settings: FlowSettings
) -> Flow:
    """Return 200 and a page with the one FaxMedia of a fax, or none."""
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    fax = yield from read_fax(fax_id, path, settings)
    if isinstance(fax, TwilioResponse):
        return fax
    media = (
        None if listing.page_number else media_payload(fax, settings.account_sid, settings.api_url)
    )
    return TwilioResponse(
        200, listing.envelope([media] if media else [], None, settings.api_url + path, "media")
    )
