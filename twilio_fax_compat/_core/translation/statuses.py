"""
Tables of the statuses and qualities of both providers, and functions that look them up.

Telnyx statuses and qualities: https://github.com/team-telnyx/openapi, schema ``Fax``. Twilio
statuses and qualities: https://www.twilio.com/docs/fax/api/fax-resource. Why a fax failed is in
`failure_reasons`.
"""

from __future__ import annotations

from typing import Mapping

from twilio_fax_compat._core.translation.failure_reasons import failure_reason as reason_for

STATUSES: Mapping[str, str] = {
    "queued": "queued",
    "media.processed": "processing",
    "originated": "processing",
    "sending": "sending",
    "sending.started": "sending",
    "delivered": "delivered",
    "initiated": "receiving",
    "receiving": "receiving",
    "media.processing": "processing",
    "received": "received",
    "failed": "failed",
}
"""Telnyx status to Twilio status. `twilio_status` refines ``failed``."""

TERMINAL_STATUSES = frozenset({"delivered", "received", "failed"})
"""The final Telnyx statuses."""

TELNYX_QUALITIES: Mapping[str, str] = {
    "standard": "normal",
    "fine": "high",
    "superfine": "very_high",
}
"""Twilio quality to Telnyx quality. `fine` and `high` are the defaults."""

QUALITIES: Mapping[str, str] = {
    "normal": "standard",
    "high": "fine",
    "very_high": "superfine",
    "ultra_light": "superfine",
    "ultra_dark": "superfine",
}
"""Telnyx quality to Twilio quality. The two ultra qualities have the finest resolution, too."""


def twilio_status(
    status: object,
    direction: object = None,
    failure_reason: object = None,
    cancel_asked: bool = False,
) -> str | None:
    """
    Return the Twilio status of a fax, one of the ten of ``FaxInstance.Status``, or None.

    *status*, *direction* and *failure_reason* are Telnyx's. *cancel_asked* is True if we asked Telnyx
    to cancel the fax: if it then failed, the result is ``canceled``, unless Telnyx names a reason of
    the far end or the line. An unknown status counts as in progress. The result is None if *status*
    is not a string, because the answer has no status.
    """
    if not isinstance(status, str):
        return None
    if status == "failed":
        return _failed_status(direction, failure_reason, cancel_asked)
    mapped = STATUSES.get(status)
    if mapped is not None:
        return mapped
    if status.startswith("sending"):
        return "sending"
    return "receiving" if direction == "inbound" else "processing"


def _failed_status(direction: object, failure_reason: object, cancel_asked: bool) -> str:
    if not isinstance(failure_reason, str) or not failure_reason:
        return "canceled" if cancel_asked else "failed"
    status = reason_for(failure_reason).status
    if status == "canceled" and direction == "inbound":
        return "failed"
    return status


def twilio_quality(quality: object) -> str | None:
    """Return the Twilio quality of a Telnyx quality. An unknown quality is returned unchanged."""
    if not isinstance(quality, str):
        return None
    return QUALITIES.get(quality, quality)


def is_terminal(status: object) -> bool:
    """Return whether a Telnyx *status* is final."""
    return status in TERMINAL_STATUSES
