"""
Makes Telnyx responses from Twilio's: faxes, lists and errors.

Shapes: https://github.com/team-telnyx/openapi (schema ``Fax`` and the fax list's ``meta``) and
https://developers.telnyx.com/development/api-fundamentals/api-errors.
"""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import Mapping, Sequence

from twilio_fax_compat._core.messages import JSON, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._core.translation.errors import PARAMETERS, from_telnyx
from twilio_fax_compat._core.translation.faxes import link_signed
from twilio_fax_compat._core.translation.ids import fax_id
from twilio_fax_compat._core.translation.statuses import STATUSES, TELNYX_QUALITIES

TELNYX_STATUSES: Mapping[str, str] = {
    twilio: telnyx for telnyx, twilio in reversed(list(STATUSES.items()))
}
"""Twilio status to the first Telnyx status that is translated to it, except those in `REASONS`."""

REASONS: Mapping[str, str] = {
    "busy": "user_busy",
    "no-answer": "receiver_no_answer",
    "canceled": "sender_canceled",
    "failed": "fax_signaling_error",
}
"""Twilio status to the ``failure_reason`` of a ``failed`` fax that is translated to it."""

ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("10015", "Bad Request"),
    401: ("10009", "Authentication failed"),
    403: ("10010", "Authorization failed"),
    404: ("10005", "Resource not found"),
    409: ("10036", "Resource being processed"),
    422: ("10027", "Unprocessable entity"),
    429: ("10011", "Too many requests"),
    500: ("10007", "Unexpected error"),
}
"""Telnyx's general code and title of an HTTP status."""

_NO_WAIT = 86400
"""A ``Retry-After`` in seconds that is longer than any policy waits: a 429 is raised at once."""


def telnyx_fax(payload: JSON, document: str | None = None) -> JSON:
    """
    Return the Telnyx fax that is translated to Twilio's fax *payload*.

    It has no page count and no duration, which Telnyx reports in webhooks only. *document* is the URL
    that the caller passed to ``create``. Text fields of another
    type are left out.
    """
    texts = {name: value for name, value in payload.items() if isinstance(value, str)}
    direction, status = texts.get("direction"), texts.get("status", "")
    quality, stored = texts.get("quality", ""), texts.get("media_url")
    reason = REASONS.get(status)
    if status == "canceled" and direction == "inbound":
        # Only a cancellation by the client, which has no reason, is translated to this status.
        reason = None
    fax: JSON = {
        "record_type": "fax",
        "id": fax_id(texts.get("sid")),
        "direction": direction,
        "from": texts.get("from"),
        "to": texts.get("to"),
        "media_url": stored if direction == "inbound" else document,
        "quality": TELNYX_QUALITIES.get(quality, quality or None),
        "status": "failed" if status in REASONS else TELNYX_STATUSES.get(status, status or None),
        "failure_reason": reason,
        "created_at": texts.get("date_created"),
        "updated_at": texts.get("date_updated"),
    }
    if direction != "inbound":
        fax["stored_media_url"] = stored
        fax["store_media"] = bool(stored)
    return {name: value for name, value in fax.items() if value is not None}


def answer(
    status: int, body: JSON | None = None, headers: Mapping[str, str] = {}
) -> TelnyxResponse:
    """Return a Telnyx response with *body* as JSON."""
    if body is None:
        return TelnyxResponse(status, dict(headers), b"")
    return TelnyxResponse(
        status, {"content-type": "application/json", **headers}, json.dumps(body).encode()
    )


def one_fax(fax: JSON, status: int = 200) -> TelnyxResponse:
    """Return a response with *fax*, dated so that its signed link is valid."""
    headers = {}
    for name in ("stored_media_url", "media_url"):
        signed = link_signed(fax[name]) if isinstance(fax.get(name), str) else None
        if signed is not None:
            headers["date"] = format_datetime(signed, usegmt=True)
            break
    return answer(status, {"data": fax}, headers)


def page_of(request: TelnyxRequest, faxes: Sequence[JSON], more: bool) -> TelnyxResponse:
    """Return the page that *request* asks for, from *faxes*; *more*: whether others follow them."""
    query = dict(request.query)
    number, size = int(query["page[number]"]), int(query["page[size]"])
    more = more or len(faxes) > size
    meta = {"page_number": number, "page_size": size, "total_pages": number + more}
    return answer(200, {"data": list(faxes[:size]), "meta": meta})


def refusal(status: int, code: object, message: str) -> TelnyxResponse:
    """
    Return the Telnyx error that is translated to Twilio's *status* and *code*.

    If there is no such error, return one with the same HTTP status. *message* becomes its detail.
    """
    candidates = [_error(status, "", message)]
    if status == 400:
        candidates.append(_error(422, "", message))
        candidates.extend(_error(422, name, message) for name in PARAMETERS)
    for candidate in candidates:
        error = from_telnyx(candidate, "")
        if error.status == status and error.payload is not None and error.payload["code"] == code:
            return candidate
    return candidates[0]


def _error(status: int, parameter: str, message: str) -> TelnyxResponse:
    code, title = ERRORS.get(status, ("10037", f"HTTP {status}"))
    error: JSON = {"code": code, "title": title, "detail": message or title}
    if parameter:
        error["source"] = {"pointer": "/" + parameter}
    headers = {"retry-after": str(_NO_WAIT)} if status == 429 else {}
    return answer(status, {"errors": [error]}, headers)
