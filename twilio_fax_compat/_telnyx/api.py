"""Twilio's fax API of one account, answered by Telnyx."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Mapping

from twilio_fax_compat._core.attempts import account_mark
from twilio_fax_compat._core.effects import Flow
from twilio_fax_compat._core.fax_api.routes import FlowSettings, answer_request, twilio_request
from twilio_fax_compat._core.messages import Send, TwilioRequest, TwilioResponse
from twilio_fax_compat._telnyx.driver import drive
from twilio_fax_compat._telnyx.http import is_asynchronous, sender
from twilio_fax_compat._telnyx.send_counts import is_measured, measured
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.settings import DEFAULT_BASE_URL, TelnyxSettings

if TYPE_CHECKING:
    from twilio_fax_compat._core.translation.media_links import Documents


class FaxApi:
    """One Twilio account's fax API, answered by one Telnyx account."""

    def __init__(
        self,
        account_sid: str | None,
        settings: TelnyxSettings,
        http_client: Any,
        ledger: Ledger,
        documents: Documents | None = None,
    ) -> None:
        """Take complete *settings*. *http_client* is any value that `sender` accepts."""
        self.http_client = http_client
        self.settings = settings
        self.ledger = ledger
        self.flow_settings = flow_settings(account_sid, settings, documents)
        if not is_asynchronous(http_client):
            # A wrong client is an error now, and not at the first call.
            self._send  # noqa: B018

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> TwilioResponse:
        """Answer a request of Twilio's fax API."""
        return self.answer(twilio_request(method, url, params, data))

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        """Answer a parsed *request* of Twilio's fax API."""
        if not is_measured(request):
            return drive(self.flow(request), self._send, self.ledger)
        answers: list[TwilioResponse] = []
        with measured(answers):
            answers.append(drive(self.flow(request), self._send, self.ledger))
        return answers[0]

    def flow(self, request: TwilioRequest) -> Flow:
        """Return the flow that answers *request*."""
        return answer_request(request, self.flow_settings)

    @cached_property
    def _send(self) -> Send:
        return sender(self.settings, self.http_client)


def flow_settings(
    account_sid: str | None, settings: TelnyxSettings, documents: Documents | None = None
) -> FlowSettings:
    """Return what a flow needs to know of the complete *settings*."""
    base_url, connection_id = settings.base_url or DEFAULT_BASE_URL, settings.connection_id or ""
    return FlowSettings(
        account_sid=account_sid,
        connection_id=connection_id,
        retry=settings.retry,
        unsupported=settings.unsupported,
        documents=documents,
        account=account_mark(base_url, connection_id),
    )


def documents_at(host: str, auth_token: str | None, account_sid: str | None = None) -> Documents:
    """
    Return the documents that an application at *host* serves, with links signed by *auth_token*.

    *account_sid* is the account that has this token.

    Raises TwilioException if either is wrong.
    """
    from twilio_fax_compat._core.translation.media_links import read_documents

    documents = read_documents(host, auth_token, account_sid) if auth_token else None
    if documents is None:
        raise TwilioException(
            "media_host (TWILIO_FAX_COMPAT_MEDIA_HOST) must be an http or https URL as "
            "https://app.example.com, and needs the auth token that signs the links"
        )
    return documents
