"""What the flows need to know of the account and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from attrs import field, frozen

from twilio_fax_compat._core.fax_api.retries import RetryPolicy

if TYPE_CHECKING:
    from twilio_fax_compat._core.translation.media_links import Documents


@frozen(kw_only=True)
class Setup:
    """What the flows need to know of the account and the settings."""

    account_sid: str | None
    connection_id: str
    retry: RetryPolicy = field(factory=RetryPolicy)
    unsupported: Mapping[str, str] = field(factory=dict)
    documents: Documents | None = None
