"""
A fax: its statuses in order, and the event of each status.

Statuses: https://github.com/team-telnyx/openapi (schema ``Fax``). Events and their payloads:
https://developers.telnyx.com/docs/programmable-fax/receiving-webhooks and, for inbound faxes,
https://developers.telnyx.com/docs/programmable-fax/receive-a-fax-api.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Mapping

from attrs import define, field

from twilio_fax_compat.testing.clock import iso

OUTBOUND = ("queued", "media.processed", "originated", "sending")
INBOUND = ("initiated", "receiving", "media.processing")
FINAL = frozenset({"delivered", "received", "failed"})
GOOD = frozenset({"delivered", "received"})

CANCELLABLE = frozenset(OUTBOUND)

SECONDS: Mapping[str, float] = {
    "queued": 2.0,
    "media.processed": 1.0,
    "originated": 6.0,
    "sending": 30.0,
    "initiated": 3.0,
    "receiving": 30.0,
    "media.processing": 2.0,
}
"""Virtual seconds that a fax stays in each status; for ``sending`` and ``receiving``, per page."""

EVENTS: Mapping[str, str] = {
    "queued": "fax.queued",
    "media.processed": "fax.media.processed",
    "sending": "fax.sending.started",
    "delivered": "fax.delivered",
    "failed": "fax.failed",
    "receiving": "fax.receiving.started",
    "media.processing": "fax.media.processing.started",
    "received": "fax.received",
}
"""The event of each status. ``originated`` and ``initiated`` have no event."""

# When each reason occurs: https://support.telnyx.com/en/articles/4967498.
_BEFORE_THE_CALL = frozenset(
    {
        "file_size_limit_exceeded",
        "page_count_limit_exceeded",
        "file_download_failed",
        "file_format_invalid",
        "media_processing_exception",
        "no_outbound_profile",
        "account_disabled",
        "sender_canceled",
    }
)
_DURING_THE_CALL = frozenset(
    {
        "fax_signaling_error",
        "invalid_ecm_response_from_receiver",
        "receiver_call_dropped",
        "carrier_lost",
        "sender_call_dropped",
    }
)


@define(eq=False)
class Fax:
    """
    A fax: its public *resource*, and the emulator's private state of it.

    *outcome* is ``delivered``, ``received`` or a failure reason. The resource is replaced, never
    changed in place, so that other threads can read it without a lock.
    """

    resource: dict[str, Any] = field(repr=False)
    created: datetime
    outcome: str
    pages: int
    caller_id: str
    preview_format: str | None = None
    visible_from: float = 0.0
    is_held: bool = False
    is_canceling: bool = False
    plan: int = 0
    connected: datetime | None = None
    _encoded: tuple[Mapping[str, Any], bytes] | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def status(self) -> str:
        return str(self.resource["status"])

    @property
    def is_inbound(self) -> bool:
        return bool(self.resource["direction"] == "inbound")

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def stages(self) -> tuple[str, ...]:
        """The statuses before the last, in order."""
        return INBOUND if self.is_inbound else OUTBOUND

    @property
    def stored_files(self) -> Mapping[str, str]:
        """The names of the stored files, by the resource field that has the link."""
        if self.is_inbound:
            return {"media_url": "fax.pdf"}
        files = {}
        if self.resource.get("store_media"):
            files["stored_media_url"] = "fax.pdf"
        if self.preview_format is not None:
            files["preview_url"] = f"preview.{self.preview_format}"
        return files

    @property
    def next_stage(self) -> str | None:
        """The next status, or None if the fax ends next."""
        if self.fails_here:
            return None
        stages = self.stages
        place = stages.index(self.status) + 1
        return stages[place] if place < len(stages) else None

    @property
    def fails_here(self) -> bool:
        """Whether the fax fails in its present status, given its *outcome*."""
        if self.outcome in GOOD:
            return False
        if self.is_inbound:
            return self.status != "initiated"
        if self.outcome in _BEFORE_THE_CALL:
            return True
        if self.outcome in _DURING_THE_CALL:
            return self.status == "sending"
        return self.status in ("originated", "sending")

    @property
    def seconds_in_status(self) -> float:
        """Virtual seconds that the fax stays in its present status."""
        seconds = SECONDS[self.status]
        return seconds * self.pages if self.status in ("sending", "receiving") else seconds

    def change(self, **changes: Any) -> None:
        """Replace the resource by a copy with *changes*."""
        self.resource = {**self.resource, **changes}

    def as_json(self) -> bytes:
        """Return the resource as JSON text."""
        resource, encoded = self.resource, self._encoded
        # Another thread may change the fax meanwhile, so keep the resource that the text belongs to.
        if encoded is None or encoded[0] is not resource:
            encoded = self._encoded = (resource, json.dumps(resource).encode())
        return encoded[1]


def event_of(fax: Fax, event_id: str, user_id: str, moment: datetime) -> dict[str, Any] | None:
    """Return the ``data`` of the event of the fax's present status, or None if it has no event."""
    name = EVENTS.get(fax.status)
    if name is None:
        return None
    return {
        "record_type": "event",
        "event_type": name,
        "id": event_id,
        "occurred_at": iso(moment),
        "payload": _payload(fax, user_id, moment),
    }


def _payload(fax: Fax, user_id: str, moment: datetime) -> dict[str, Any]:
    resource, status = fax.resource, fax.status
    payload = {
        "fax_id": resource["id"],
        "connection_id": resource["connection_id"],
        "direction": resource["direction"],
        "from": resource["from"],
        "to": resource["to"],
        "status": status,
        "user_id": user_id,
    }
    if fax.is_inbound:
        payload["caller_id"] = fax.caller_id
    elif "media_name" in resource:
        payload["media_name"] = resource["media_name"]
    elif "media_url" in resource:
        payload["original_media_url"] = resource["media_url"]
    if "client_state" in resource:
        payload["client_state"] = resource["client_state"]
    if status in ("delivered", "received", "media.processing"):
        payload["page_count"] = fax.pages
    if status in GOOD:
        began = fax.connected or moment
        payload["call_duration_secs"] = int((moment - began).total_seconds())
    if status == "received":
        payload["partial_content"] = False
        payload["media_url"] = resource["media_url"]
    if status == "failed":
        payload["failure_reason"] = fax.outcome
    return payload
