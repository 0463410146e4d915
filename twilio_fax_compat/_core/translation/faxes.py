"""
Convert Telnyx fax resources to Twilio's fax and fax media payloads.

Sources: https://github.com/team-telnyx/openapi (schema ``Fax``),
https://www.twilio.com/docs/fax/api/fax-resource and
https://www.twilio.com/docs/fax/api/fax-media-resource.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Mapping
from urllib.parse import parse_qs, urlsplit

from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.messages import JSON
from twilio_fax_compat._core.translation.ids import fax_sid, media_sid
from twilio_fax_compat._core.translation.statuses import twilio_quality, twilio_status
from twilio_fax_compat._core.translation.times import parse_timestamp, twilio_timestamp

DEFAULT_API_URL = "https://fax.twilio.com/v1"
"""The default base of ``url`` and ``links``: Twilio's own host."""

LINK_LIFETIME = timedelta(seconds=600)
"""
The time after which a signed Telnyx link no longer opens, whatever its own parameters claim
(https://developers.telnyx.com/docs/programmable-fax/receive-a-fax-api).
"""


def fax_payload(
    fax: Mapping[str, object],
    account_sid: str | None,
    facts: Facts = NOTHING_KNOWN,
    api_url: str = DEFAULT_API_URL,
) -> JSON:
    """
    Return the Twilio payload of a Telnyx fax: the 18 fields of Twilio's fax resource.

    *account_sid* is the Twilio account, *facts* what the ledger knows about the fax, and *api_url* the
    base of ``url`` and ``links``. Fields that Telnyx leaves out are None. So are the price and its unit,
    which Telnyx never reports.
    """
    get = fax.get
    sid = fax_sid(get("id"))
    direction = get("direction")
    url = api_url + "/Faxes/" + sid if sid else None
    media_url = stored_media_url(fax)
    created = get("created_at")
    updated = get("updated_at")
    date_created = twilio_timestamp(created)
    return {
        "sid": sid,
        "account_sid": account_sid,
        "from": get("from"),
        "to": get("to"),
        "quality": twilio_quality(get("quality")),
        "media_sid": "ME" + sid[2:] if sid and media_url else None,
        "media_url": media_url,
        "num_pages": whole_number(get("page_count"), facts.page_count),
        "duration": whole_number(get("call_duration_secs"), facts.duration),
        "status": status_of(fax, facts),
        "direction": direction,
        "api_version": "v1",
        "price": None,
        "price_unit": None,
        "date_created": date_created,
        "date_updated": date_created if updated == created else twilio_timestamp(updated),
        "links": {"media": url + "/Media"} if url else None,
        "url": url,
    }


def status_of(fax: Mapping[str, object], facts: Facts) -> str | None:
    """Return the Twilio status of a Telnyx *fax*, of which the ledger knows *facts*."""
    get = fax.get
    return twilio_status(
        get("status"),
        get("direction"),
        get("failure_reason") or facts.failure_reason,
        facts.cancel_asked,
    )


def created_payload(
    fax: Mapping[str, object], account_sid: str | None, api_url: str = DEFAULT_API_URL
) -> JSON:
    """Return the payload that answers a create: Twilio never had media or pages at that time."""
    payload = fax_payload(fax, account_sid, api_url=api_url)
    payload.update(media_sid=None, media_url=None, num_pages=None, duration=None)
    return payload


def media_payload(
    fax: Mapping[str, object], account_sid: str | None, api_url: str = DEFAULT_API_URL
) -> JSON | None:
    """Return the Twilio payload of a fax's only FaxMedia, or None if there is no stored media."""
    sid, media = fax_sid(fax.get("id")), media_sid(fax.get("id"))
    if not sid or not stored_media_url(fax):
        return None
    return {
        "sid": media,
        "account_sid": account_sid,
        "fax_sid": sid,
        "content_type": "application/pdf",
        "date_created": twilio_timestamp(fax.get("created_at")),
        "date_updated": twilio_timestamp(fax.get("updated_at")),
        "url": f"{api_url}/Faxes/{sid}/Media/{media}",
    }


def stored_media_url(fax: Mapping[str, object]) -> str | None:
    """
    Return the URL of the provider's own copy of the document, or None.

    For an outbound fax, ``media_url`` is the caller's URL, so only ``stored_media_url`` counts.
    """
    name = "media_url" if fax.get("direction") == "inbound" else "stored_media_url"
    url = fax.get(name)
    return url if isinstance(url, str) and url else None


def link_signed(url: str) -> datetime | None:
    """Return the time when a link was signed, or None if the link does not contain it."""
    signed = re.fullmatch(
        r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", _parameter(url, "X-Amz-Date"), re.ASCII
    )
    if signed is None:
        return None
    return parse_timestamp("{}-{}-{}T{}:{}:{}Z".format(*signed.groups()))


def link_expires(url: str) -> datetime | None:
    """
    Return the time when a signed link expires, or None if the link does not contain it.

    Telnyx documents ten minutes, but its sample links claim two hours: the shorter time counts.
    """
    signed = link_signed(url)
    claimed = _parameter(url, "X-Amz-Expires")
    lifetime = LINK_LIFETIME
    if re.fullmatch(r"[0-9]{1,6}", claimed):
        lifetime = min(lifetime, timedelta(seconds=int(claimed)))
    return signed + lifetime if signed else None


def _parameter(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]


def whole_number(value: object, otherwise: int | None = None) -> int | None:
    """Return *value* (int, float or str) as an int, or *otherwise* if it is not a whole number."""
    if value is None or isinstance(value, bool):
        return otherwise
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return otherwise
