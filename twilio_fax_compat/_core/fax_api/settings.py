"""The account and the settings, as the flows need them."""

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
    The account and the settings, as the flows need them.

    *api_url* is the public URL of the fax API, with its version: it is the base of ``url``,
    ``links`` and page URLs. *webhook_url* is where Telnyx sends the events of a fax with a
    ``StatusCallback``; the default is the ``StatusCallback`` itself. *account* is the `account_mark` of
    the Telnyx account; an empty text is equal to any.
    """

    account_sid: str | None
    connection_id: str
    retry: RetryPolicy = field(factory=RetryPolicy)
    unsupported: Mapping[str, str] = field(factory=dict)
    documents: Documents | None = None
    api_url: str = DEFAULT_API_URL
    webhook_url: str | None = None
    account: str = ""
