"""
The failure reasons that Telnyx documents, for checking what a test asks for.

Lists: https://support.telnyx.com/en/articles/4967498-fax-api-error-list,
https://developers.telnyx.com/docs/programmable-fax/receiving-webhooks, the type ``Fax`` of
https://github.com/team-telnyx/telnyx-python and https://github.com/team-telnyx/openapi.
"""

from __future__ import annotations

from difflib import get_close_matches

from twilio_fax_compat.testing.fax import GOOD

DOCUMENTED = frozenset(
    {
        "account_disabled",
        "carrier_lost",
        "connection_channel_limit_exceeded",
        "destination_busy",
        "destination_invalid",
        "destination_not_in_countries_whitelist",
        "destination_not_in_service_plan",
        "destination_unreachable",
        "fax_initial_communication_timeout",
        "fax_signaling_error",
        "file_download_failed",
        "file_format_invalid",
        "file_size_limit_exceeded",
        "invalid_ecm_response_from_receiver",
        "media_processing_exception",
        "no_outbound_profile",
        "outbound_profile_channel_limit_exceeded",
        "outbound_profile_daily_spend_limit_exceeded",
        "page_count_limit_exceeded",
        "received",
        "receiver_call_dropped",
        "receiver_communication_error",
        "receiver_decline",
        "receiver_incompatible_destination",
        "receiver_invalid_number_format",
        "receiver_no_answer",
        "receiver_no_response",
        "receiver_recovery_on_timer_expire",
        "receiver_unallocated_number",
        "rejected",
        "sender_call_dropped",
        "sender_canceled",
        "sender_communication_error",
        "service_unavailable",
        "success",
        "unverified_destination_not_allowed",
        "unverified_origination_number",
        "user_busy",
        "user_channel_limit_exceeded",
    }
)


def check_reason(reason: str) -> None:
    """Raise ValueError if Telnyx does not document *reason* as a failure reason."""
    if reason in DOCUMENTED:
        return
    similar = get_close_matches(reason, sorted(DOCUMENTED))
    hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
    raise ValueError(
        f"Telnyx documents no failure reason {reason!r}.{hint} "
        "To simulate a reason that is not documented, pass undocumented=True."
    )


def check_outcome(outcome: str) -> None:
    """Raise ValueError if a fax cannot end with *outcome*: a good status or a failure reason."""
    if outcome not in GOOD:
        check_reason(outcome)
