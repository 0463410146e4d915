"""What is known of a fax beyond Telnyx's fax resource."""

from __future__ import annotations

from typing import Mapping

from attrs import field, frozen


@frozen
class Facts:
    """
    What is known of a fax beyond Telnyx's fax resource; None is what is not known.

    *status* is a final Telnyx status, *duration* seconds, *action* what an incoming fax's TwiML
    asked for. *provider* is ``legacy`` or ``telnyx``, where both were in use; the *status* of a legacy
    fax is Twilio's.
    """

    cancel_asked: bool = False
    status: str | None = None
    failure_reason: str | None = None
    page_count: int | None = None
    duration: int | None = None
    action: Mapping[str, str] | None = field(default=None, repr=False)
    provider: str | None = None


NOTHING_KNOWN = Facts()


SEND_KEYS = "send:"
"""
How the ids begin under which a ledger keeps the `Facts` of a logical send instead of a fax's.

They keep a send that is tried again with the provider that may have it already.
"""


def merged(old: Facts | None, new: Facts) -> Facts:
    """Return both: what *new* tells wins, what it leaves out stays."""
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
    )
