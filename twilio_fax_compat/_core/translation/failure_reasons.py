"""
Telnyx's failure reasons, each with its Twilio status and error code.

Twilio's error codes: https://www.twilio.com/docs/api/errors, of which 34002, 34003, 34004 and 34108
are about the transmission. If a *source* of `FAILURE_REASONS` gives only the name of a reason, we chose
the text by that name.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple

BUSY, NO_ANSWER, TRANSMISSION, INCOMPATIBLE = 34002, 34003, 34004, 34108

ERROR_MESSAGES: Mapping[int, str] = {
    BUSY: "Callee busy",
    NO_ANSWER: "Callee did not answer",
    TRANSMISSION: "Error during fax transmission",
    INCOMPATIBLE: "Other end incompatible",
}
"""Twilio's titles of these error codes."""

SOURCES: Mapping[str, str] = {
    "A": "https://support.telnyx.com/en/articles/4967498-fax-api-error-list (the table)",
    "B": "https://support.telnyx.com/en/articles/4967498-fax-api-error-list (the names below it)",
    "C": "https://developers.telnyx.com/docs/programmable-fax/receiving-webhooks",
    "D": "https://github.com/team-telnyx/telnyx-python (type Fax)",
    "E": "https://github.com/team-telnyx/openapi",
    "F": "a test fixture of Telnyx's; not in any list",
}
"""The documents of the reasons, by the letters in the rows below."""


class FailureReason(NamedTuple):
    """
    The Twilio side of one Telnyx ``failure_reason``.

    *status* is the Twilio status of the fax, *code* the ``ErrorCode`` of its callback, *text* the
    explanation in its ``ErrorMessage``, and *source* the letters of `SOURCES` that document it.
    """

    status: str
    code: int
    text: str
    source: str


FAILURE_REASONS: Mapping[str, FailureReason] = {
    "account_disabled": FailureReason(
        "failed", TRANSMISSION, "the Telnyx account is blocked or out of funds", "B C D"
    ),
    "carrier_lost": FailureReason(
        "failed", TRANSMISSION, "the carrier lost the call while the fax came in", "A D"
    ),
    "connection_channel_limit_exceeded": FailureReason(
        "failed", TRANSMISSION, "the Fax Application has too many calls at once", "B C D"
    ),
    "destination_busy": FailureReason("busy", BUSY, "the line was busy", "F"),
    "destination_invalid": FailureReason(
        "failed", TRANSMISSION, "the destination is not valid", "B C D"
    ),
    "destination_not_in_countries_whitelist": FailureReason(
        "failed",
        TRANSMISSION,
        "the outbound voice profile does not allow the destination's country",
        "B C D",
    ),
    "destination_not_in_service_plan": FailureReason(
        "failed", TRANSMISSION, "the service plan does not cover the destination", "B C D"
    ),
    "destination_unreachable": FailureReason(
        "failed", TRANSMISSION, "there is no route to the destination", "B C D"
    ),
    "fax_initial_communication_timeout": FailureReason(
        "failed", INCOMPATIBLE, "the call was answered, but not by a fax machine", "A C D"
    ),
    "fax_signaling_error": FailureReason(
        "failed", TRANSMISSION, "the fax machines lost each other during the transmission", "A C D"
    ),
    "file_download_failed": FailureReason(
        "failed",
        TRANSMISSION,
        "Telnyx could not fetch the document: its URL must answer 2xx without a redirect",
        "A D",
    ),
    "file_format_invalid": FailureReason(
        "failed", TRANSMISSION, "the document is not a readable file of a supported type", "A D"
    ),
    "file_size_limit_exceeded": FailureReason(
        "failed", TRANSMISSION, "the document is larger than 50 MB", "A D E"
    ),
    "invalid_ecm_response_from_receiver": FailureReason(
        "failed", TRANSMISSION, "the receiver answered error correction wrongly", "B C D"
    ),
    "media_processing_exception": FailureReason(
        "failed", TRANSMISSION, "Telnyx could not convert the document", "D"
    ),
    "no_outbound_profile": FailureReason(
        "failed", TRANSMISSION, "the Fax Application has no outbound voice profile", "B C D"
    ),
    "outbound_profile_channel_limit_exceeded": FailureReason(
        "failed", TRANSMISSION, "the outbound voice profile has too many calls at once", "B C D"
    ),
    "outbound_profile_daily_spend_limit_exceeded": FailureReason(
        "failed",
        TRANSMISSION,
        "the outbound voice profile reached its daily spend limit, until 00:00 UTC",
        "B C D",
    ),
    "page_count_limit_exceeded": FailureReason(
        "failed", TRANSMISSION, "the document has more than 350 pages", "A D E"
    ),
    "received": FailureReason(
        "failed", TRANSMISSION, "Telnyx reported a failure and gave received as its reason", "A"
    ),
    "receiver_call_dropped": FailureReason(
        "failed", TRANSMISSION, "the receiver ended the call early", "A C D"
    ),
    "receiver_communication_error": FailureReason(
        "failed", TRANSMISSION, "the call to the receiver failed", "A C D"
    ),
    "receiver_decline": FailureReason(
        "failed", TRANSMISSION, "the receiver declined the call", "A C D"
    ),
    "receiver_incompatible_destination": FailureReason(
        "failed", INCOMPATIBLE, "the receiver cannot take this fax", "B C D"
    ),
    "receiver_invalid_number_format": FailureReason(
        "failed", TRANSMISSION, "the destination is not a valid number", "A C D"
    ),
    "receiver_no_answer": FailureReason("no-answer", NO_ANSWER, "nobody answered", "B C D"),
    "receiver_no_response": FailureReason(
        "no-answer", NO_ANSWER, "the line did not ring or connect in time", "A C D"
    ),
    "receiver_recovery_on_timer_expire": FailureReason(
        "failed", TRANSMISSION, "a carrier on the way timed out", "A C D"
    ),
    "receiver_unallocated_number": FailureReason(
        "failed", TRANSMISSION, "the number is not assigned to anybody", "A C D"
    ),
    "rejected": FailureReason("failed", TRANSMISSION, "the fax was rejected", "E"),
    "sender_call_dropped": FailureReason(
        "failed", TRANSMISSION, "the sender ended the call early", "A D"
    ),
    "sender_canceled": FailureReason(
        "canceled", TRANSMISSION, "the sender canceled the fax", "A D"
    ),
    "sender_communication_error": FailureReason(
        "failed", TRANSMISSION, "the call from the sender failed", "A D"
    ),
    "service_unavailable": FailureReason(
        "failed", TRANSMISSION, "Telnyx failed internally", "A C D"
    ),
    "success": FailureReason(
        "failed", TRANSMISSION, "Telnyx reported a failure and gave success as its reason", "A"
    ),
    "unverified_destination_not_allowed": FailureReason(
        "failed", TRANSMISSION, "the account may only send to verified numbers", "C D"
    ),
    "unverified_origination_number": FailureReason(
        "failed", TRANSMISSION, "the sending number is neither the account's nor verified", "C D"
    ),
    "user_busy": FailureReason("busy", BUSY, "the line was busy", "B C D"),
    "user_channel_limit_exceeded": FailureReason(
        "failed", TRANSMISSION, "the account has too many calls at once", "B C D"
    ),
}
"""
A row for each documented reason. `UNKNOWN_REASON` is for all others.

We chose the status of three reasons. ``receiver_recovery_on_timer_expire`` means that a carrier's timer
expired, and ``fax_initial_communication_timeout`` that the line was answered, so neither is
``no-answer``; a machine that answers without fax tones is incompatible. ``sender_canceled`` is
``canceled`` for outbound faxes only: for an inbound fax, it means that the far end gave up.
"""

UNKNOWN_REASON = FailureReason("failed", TRANSMISSION, "", "")


def failure_reason(name: object) -> FailureReason:
    """Return the row of Telnyx's ``failure_reason`` *name*, or `UNKNOWN_REASON`."""
    return FAILURE_REASONS.get(name, UNKNOWN_REASON) if isinstance(name, str) else UNKNOWN_REASON
