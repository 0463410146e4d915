"""Telnyx's failure reasons, and what Twilio said for each."""

from __future__ import annotations

from typing import Mapping

FAILURE_STATUSES: Mapping[str, str] = {
    "account_disabled": "failed",
    "carrier_lost": "failed",
    "connection_channel_limit_exceeded": "failed",
    "destination_busy": "busy",
    "destination_invalid": "failed",
    "destination_not_in_countries_whitelist": "failed",
    "destination_not_in_service_plan": "failed",
    "destination_unreachable": "failed",
    "fax_initial_communication_timeout": "failed",
    "fax_signaling_error": "failed",
    "file_download_failed": "failed",
    "file_format_invalid": "failed",
    "file_size_limit_exceeded": "failed",
    "invalid_ecm_response_from_receiver": "failed",
    "media_processing_exception": "failed",
    "no_outbound_profile": "failed",
    "outbound_profile_channel_limit_exceeded": "failed",
    "outbound_profile_daily_spend_limit_exceeded": "failed",
    "page_count_limit_exceeded": "failed",
    "received": "failed",
    "receiver_call_dropped": "failed",
    "receiver_communication_error": "failed",
    "receiver_decline": "failed",
    "receiver_incompatible_destination": "failed",
    "receiver_invalid_number_format": "failed",
    "receiver_no_answer": "no-answer",
    "receiver_no_response": "no-answer",
    "receiver_recovery_on_timer_expire": "failed",
    "receiver_unallocated_number": "failed",
    "rejected": "failed",
    "sender_call_dropped": "failed",
    "sender_canceled": "canceled",
    "sender_communication_error": "failed",
    "service_unavailable": "failed",
    "success": "failed",
    "unverified_destination_not_allowed": "failed",
    "unverified_origination_number": "failed",
    "user_busy": "busy",
    "user_channel_limit_exceeded": "failed",
}
"""
Telnyx ``failure_reason`` to the Twilio status it is told by.

Two readings are ours. ``receiver_recovery_on_timer_expire`` is a carrier's timer and
``fax_initial_communication_timeout`` a line that did answer, so neither is ``no-answer``.
``sender_canceled`` is ``canceled`` for outbound faxes only: on an inbound fax it tells that the far
end gave up.
"""


BUSY = (34002, "Callee busy")


NO_ANSWER = (34003, "Callee did not answer")


TRANSMISSION = (34004, "Error during fax transmission")


INCOMPATIBLE = (34108, "Other end incompatible")


ERRORS: Mapping[str, tuple[int, str]] = {
    "account_disabled": TRANSMISSION,
    "carrier_lost": TRANSMISSION,
    "connection_channel_limit_exceeded": TRANSMISSION,
    "destination_busy": BUSY,
    "destination_invalid": TRANSMISSION,
    "destination_not_in_countries_whitelist": TRANSMISSION,
    "destination_not_in_service_plan": TRANSMISSION,
    "destination_unreachable": TRANSMISSION,
    "fax_initial_communication_timeout": INCOMPATIBLE,
    "fax_signaling_error": TRANSMISSION,
    "file_download_failed": TRANSMISSION,
    "file_format_invalid": TRANSMISSION,
    "file_size_limit_exceeded": TRANSMISSION,
    "invalid_ecm_response_from_receiver": TRANSMISSION,
    "media_processing_exception": TRANSMISSION,
    "no_outbound_profile": TRANSMISSION,
    "outbound_profile_channel_limit_exceeded": TRANSMISSION,
    "outbound_profile_daily_spend_limit_exceeded": TRANSMISSION,
    "page_count_limit_exceeded": TRANSMISSION,
    "received": TRANSMISSION,
    "receiver_call_dropped": TRANSMISSION,
    "receiver_communication_error": TRANSMISSION,
    "receiver_decline": TRANSMISSION,
    "receiver_incompatible_destination": INCOMPATIBLE,
    "receiver_invalid_number_format": TRANSMISSION,
    "receiver_no_answer": NO_ANSWER,
    "receiver_no_response": NO_ANSWER,
    "receiver_recovery_on_timer_expire": TRANSMISSION,
    "receiver_unallocated_number": TRANSMISSION,
    "rejected": TRANSMISSION,
    "sender_call_dropped": TRANSMISSION,
    "sender_canceled": TRANSMISSION,
    "sender_communication_error": TRANSMISSION,
    "service_unavailable": TRANSMISSION,
    "success": TRANSMISSION,
    "unverified_destination_not_allowed": TRANSMISSION,
    "unverified_origination_number": TRANSMISSION,
    "user_busy": BUSY,
    "user_channel_limit_exceeded": TRANSMISSION,
}
"""
Telnyx ``failure_reason`` to Twilio's error code and words; what is not here is 34004.

That a machine which answered without fax tones is incompatible is our reading.
"""
