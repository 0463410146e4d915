"""
Converts Telnyx's fax events to Twilio's callback parameters.

Events: https://developers.telnyx.com/docs/programmable-fax/receiving-webhooks and
https://developers.telnyx.com/docs/programmable-fax/receive-a-fax-api. Twilio's parameters:
https://www.twilio.com/docs/fax/api/fax-resource#fax-status-callback and
https://www.twilio.com/docs/fax/twiml/receive.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

from attrs import field, frozen

from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.translation.failure_reasons import ERROR_MESSAGES, failure_reason
from twilio_fax_compat._core.translation.faxes import whole_number
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.translation.statuses import TERMINAL_STATUSES, twilio_status

EVENT_STATUSES: Mapping[str, str] = {
    "fax.queued": "queued",
    "fax.media.processed": "media.processed",
    "fax.sending.started": "sending",
    "fax.delivered": "delivered",
    "fax.failed": "failed",
    "fax.receiving.started": "receiving",
    "fax.media.processing.started": "media.processing",
    "fax.received": "received",
}
"""The Telnyx status of each event."""


@frozen
class FaxEvent:
    """
    One event about a fax.

    *name* is Telnyx's ``event_type``. *status* is the Telnyx status of the event; an inbound
    ``fax.delivered`` is ``received``. *payload* is Telnyx's. *delivered_to* is the URL that Telnyx
    sent the event to, if the event has it.
    """

    id: str
    name: str
    fax_id: str
    direction: str
    status: str
    payload: Mapping[str, Any] = field(repr=False)
    delivered_to: str | None = field(default=None, repr=False)

    @property
    def is_inbound(self) -> bool:
        """Whether the fax is incoming."""
        return self.direction == "inbound"

    @property
    def is_final(self) -> bool:
        """Whether this status of the fax is final."""
        return self.status in TERMINAL_STATUSES


def event_name(body: object) -> str | None:
    """Return the ``event_type`` of a webhook's decoded body, enveloped or flat, or None."""
    name = _data(body).get("event_type")
    return name if isinstance(name, str) else None


def read_event(body: object) -> FaxEvent | None:
    """
    Return the fax event of a webhook's decoded body, enveloped or flat.

    None for an event that does not report a fax status, and for one without its own id or the id
    of the fax.
    """
    data = _data(body)
    name = event_name(body)
    payload = data.get("payload")
    if name is None or name not in EVENT_STATUSES or not isinstance(payload, dict):
        return None
    fax = payload.get("fax_id") or payload.get("id")
    event_id = data.get("id")
    if fax_sid(fax) is None or not isinstance(event_id, str) or not event_id:
        return None
    direction = payload.get("direction")
    if direction not in ("inbound", "outbound"):
        inbound = name in (
            "fax.receiving.started",
            "fax.media.processing.started",
            "fax.received",
        )
        direction = "inbound" if inbound else "outbound"
    status = EVENT_STATUSES[name]
    if status == "delivered" and direction == "inbound":
        status = "received"
    meta = body.get("meta") if isinstance(body, dict) else None
    url = meta.get("delivered_to") if isinstance(meta, dict) else None
    return FaxEvent(
        event_id,
        name,
        str(fax).lower(),
        direction,
        status,
        payload,
        url if isinstance(url, str) else None,
    )


def stored_event(body: bytes) -> FaxEvent | None:
    """Return the fax event of a raw body in an inbox, or None if it is not one."""
    try:
        return read_event(json.loads(body))
    except (ValueError, RecursionError):
        return None


def facts_of(event: FaxEvent) -> Facts:
    """Return the facts of an event that Telnyx's fax resource lacks, or sometimes lacks."""
    if not event.is_final:
        return Facts()
    return Facts(
        status=event.status,
        failure_reason=_text(event.payload.get("failure_reason")),
        page_count=whole_number(event.payload.get("page_count")),
        duration=whole_number(event.payload.get("call_duration_secs")),
    )


def to_twilio_callback(
    event: FaxEvent,
    account_sid: str,
    cancel_asked: bool = False,
    media_url: str | None = None,
) -> dict[str, str]:
    """
    Return the parameters of Twilio's callback about *event*.

    *cancel_asked* is True if we cancelled the fax. *media_url* is the link to the stored document of
    an outbound fax, or replaces Telnyx's own link. The status is in ``FaxStatus`` and also in
    ``Status``, which real handlers read. Parameters that Telnyx does not report
    (``RemoteStationId``, ``BitRate``) are left out, as Twilio did with unknown values.
    """
    payload = event.payload
    reason = payload.get("failure_reason")
    status = twilio_status(event.status, event.direction, reason, cancel_asked) or ""
    fields = incoming_fax(event, account_sid)
    fields["FaxStatus"] = fields["Status"] = status
    original = payload.get("original_media_url")
    if not event.is_inbound and isinstance(original, str):
        fields["OriginalMediaUrl"] = original
    if status in ("delivered", "received"):
        pages = whole_number(payload.get("page_count"))
        if pages is not None:
            fields["NumPages"] = str(pages)
        link = media_url or (payload.get("media_url") if event.is_inbound else None)
        if isinstance(link, str) and link:
            fields["MediaUrl"] = link
    if status in ("failed", "busy", "no-answer"):
        row = failure_reason(reason)
        message = ERROR_MESSAGES[row.code]
        if row.text:
            message += f": {row.text}"
        fields["ErrorCode"] = str(row.code)
        fields["ErrorMessage"] = f"{message} ({reason})" if isinstance(reason, str) else message
    return fields


def incoming_fax(event: FaxEvent, account_sid: str) -> dict[str, str]:
    """Return the parameters of Twilio's request for the TwiML of an incoming fax."""
    return {
        "FaxSid": fax_sid(event.fax_id) or "",
        "AccountSid": account_sid,
        "From": _text(event.payload.get("from")) or "",
        "To": _text(event.payload.get("to")) or "",
        "ApiVersion": "v1",
    }


def _data(body: object) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        return {}
    data = body.get("data")
    return data if isinstance(data, dict) else body


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
