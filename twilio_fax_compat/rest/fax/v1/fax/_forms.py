"""The forms and queries of Twilio's fax API, for the calls of both kinds."""

from __future__ import annotations

from typing import Any

from twilio_fax_compat.base import serialize, values


def page_query(
    from_: Any,
    to: Any,
    date_created_on_or_before: Any,
    date_created_after: Any,
    page_token: Any,
    page_number: Any,
    page_size: Any,
) -> dict[str, Any]:
    """Return the query of a page of faxes."""
    return values.of(
        {
            "From": from_,
            "To": to,
            "DateCreatedOnOrBefore": serialize.iso8601_datetime(date_created_on_or_before),
            "DateCreatedAfter": serialize.iso8601_datetime(date_created_after),
            "PageToken": page_token,
            "Page": page_number,
            "PageSize": page_size,
        }
    )


def media_page_query(page_token: Any, page_number: Any, page_size: Any) -> dict[str, Any]:
    """Return the query of a page of media."""
    return values.of({"PageToken": page_token, "Page": page_number, "PageSize": page_size})


def create_form(
    to: Any,
    media_url: Any,
    quality: Any,
    status_callback: Any,
    from_: Any,
    sip_auth_username: Any,
    sip_auth_password: Any,
    store_media: Any,
    ttl: Any,
) -> dict[str, Any]:
    """Return the form that sends a fax."""
    return values.of(
        {
            "To": to,
            "MediaUrl": media_url,
            "Quality": quality,
            "StatusCallback": status_callback,
            "From": from_,
            "SipAuthUsername": sip_auth_username,
            "SipAuthPassword": sip_auth_password,
            "StoreMedia": store_media,
            "Ttl": ttl,
        }
    )
