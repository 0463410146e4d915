"""What the flows need to know of the account and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from attrs import field, frozen

from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL

if TYPE_CHECKING:
    from twilio_fax_compat._core.translation.media_links import Documents


@frozen(kw_only=True)
class FlowSettings:
    """
    What the flows need to know of the account and the settings.

    *api_url* is the public URL of the fax API, with its version: it stands in ``url``, ``links`` and
    the URLs of pages. *webhook_url* is where Telnyx sends the events of a fax that names a
    ``StatusCallback``, by default that URL itself.
    """

    account_sid: str | None
    connection_id: str
    retry: RetryPolicy = field(factory=RetryPolicy)
    unsupported: Mapping[str, str] = field(factory=dict)
    documents: Documents | None = None
    api_url: str = DEFAULT_API_URL
    webhook_url: str | None = None
