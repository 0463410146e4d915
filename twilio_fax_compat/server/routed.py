"""Two providers behind one account's fax API: the former one, and Telnyx."""

from __future__ import annotations

import httpx
from attrs import define, field

from twilio_fax_compat._core.messages import Send, TwilioRequest, TwilioResponse
from twilio_fax_compat._telnyx.driver import Call, drive
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.migration._legacy_http import LegacyHttp
from twilio_fax_compat.migration._routed_api import RoutedFaxApi
from twilio_fax_compat.migration.rollout import Rollout
from twilio_fax_compat.server.apis import TelnyxApi


@define(eq=False)
class RoutedApi:
    """One account's fax API, answered by the provider that *rollout* chooses, in threads."""

    telnyx: TelnyxApi
    rollout: Rollout
    legacy_url: str
    client: httpx.Client = field(repr=False)
    send: Send = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.send = sender(self.telnyx.account.telnyx)

    async def answer(
        self, request: TwilioRequest, api_url: str, call: Call, webhook_url: str | None = None
    ) -> TwilioResponse:
        """Answer *request* as `TelnyxApi.answer` does."""
        return await self.telnyx.threads.of_legacy(
            self._answer, request, api_url, call, webhook_url
        )

    def _answer(
        self, request: TwilioRequest, api_url: str, call: Call, webhook_url: str | None
    ) -> TwilioResponse:
        account = self.telnyx.account
        legacy = LegacyHttp(
            self.legacy_url, (account.sid, account.auth_token), self.client, api_url
        )
        has_telnyx = account.has_telnyx

        def telnyx() -> _InThread:
            if not has_telnyx:
                raise TwilioException(
                    f"the account {account.sid} has no Telnyx settings, which this stage of the rollout "
                    "needs: set TELNYX_API_KEY and TELNYX_CONNECTION_ID"
                )
            return _InThread(self, api_url, webhook_url)

        api = RoutedFaxApi(
            account.sid,
            self.rollout,
            self.telnyx.threads.ledger,
            account.telnyx,
            telnyx,
            lambda: legacy,
            has_telnyx,
            api_url=api_url,
        )
        return api.answer(request, call)


@define(eq=False)
class _InThread:
    """Telnyx's API for one request, whose flow runs in the calling thread."""

    api: RoutedApi
    api_url: str
    webhook_url: str | None

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        telnyx = self.api.telnyx
        flow = telnyx.flow(request, self.api_url, self.webhook_url)
        return drive(flow, self.api.send, telnyx.threads.ledger)
