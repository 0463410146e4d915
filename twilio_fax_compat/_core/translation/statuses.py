"""
The vocabularies of the two providers, as tables, and the functions that read them.

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
"""Telnyx status to Twilio status, but for ``failed``, which `twilio_status` refines."""

TERMINAL_STATUSES = frozenset({"delivered", "received", "failed"})
"""The Telnyx statuses that never change again."""


TELNYX_QUALITIES: Mapping[str, str] = {
    "standard": "normal",
    "fine": "high",
    "superfine": "very_high",
}
"""Twilio quality to Telnyx quality; the defaults of both are the middle one."""

DEFAULT_QUALITY = "fine"
"""Twilio's quality of a create that names none."""

QUALITIES: Mapping[str, str] = {
    "normal": "standard",
    "high": "fine",
    "very_high": "superfine",
    "ultra_light": "superfine",
    "ultra_dark": "superfine",
}
"""Telnyx quality to Twilio quality; the two ultra ones are Telnyx's finest resolution as well."""


def twilio_status(
    status: object,
    direction: object = None,
    failure_reason: object = None,
    cancel_asked: bool = False,
) -> str | None:
    """
    Return the Twilio status of a fax, one of the ten of ``FaxInstance.Status``, or None.

    *status*, *direction* and *failure_reason* are Telnyx's, *cancel_asked* says that its
    cancellation was asked for. A fax that failed thereafter is ``canceled``, unless Telnyx
    names a reason of the far end or the line. An unknown status is read as in progress; a
    *status* that is no text (an answer without one) as None.
    """
    if not isinstance(status, str):
        return None
    if status == "failed":
        return _failed_status(direction, failure_reason, cancel_asked)
    known = STATUSES.get(status)
    if known is not None:
        return known
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
    """Return the Twilio quality of a Telnyx one; unknown text is returned as it is."""
    if not isinstance(quality, str):
        return None
    return QUALITIES.get(quality, quality)


def is_terminal(status: object) -> bool:
    """Tell whether a Telnyx *status* never changes again."""
    return status in TERMINAL_STATUSES
