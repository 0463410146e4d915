"""Facts about a fax that Telnyx's fax resource does not have."""

from __future__ import annotations

from typing import Mapping

from attrs import field, frozen


@frozen
class Facts:
    """
    Facts about a fax that Telnyx's fax resource does not have. None means unknown.

    *status* is a final Telnyx status, *duration* is in seconds, and *action* is the action that an
    incoming fax's TwiML asked for. *provider* is ``legacy`` or ``telnyx``, if both are in use. The
    *status* of a legacy fax is Twilio's. *reported* is the final status for which the application's
    callback was delivered.
    """

    cancel_asked: bool = False
    status: str | None = None
    failure_reason: str | None = None
    page_count: int | None = None
    duration: int | None = None
    action: Mapping[str, str] | None = field(default=None, repr=False)
    provider: str | None = None
    reported: str | None = None


NOTHING_KNOWN = Facts()


SEND_KEYS = "send:"
"""
The prefix of ids under which a ledger keeps the `Facts` of a logical send instead of a fax.

They bind a repeated send to the provider that may have accepted it already.
"""


def merged(old: Facts | None, new: Facts) -> Facts:
    """Return the facts of both. *new* wins; what it leaves out is taken from *old*."""
    if old is None:
        return new
    return Facts(
        cancel_asked=old.cancel_asked or new.cancel_asked,
        status=new.status or old.status,
        failure_reason=new.failure_reason or old.failure_reason,
        page_count=old.page_count if new.page_count is None else new.page_count,
        duration=old.duration if new.duration is None else new.duration,
        action=old.action if new.action is None else new.action,
        provider=new.provider or old.provider,
        reported=new.reported or old.reported,
    )
