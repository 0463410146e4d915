"""Two providers behind one account's fax API: the former one, and Telnyx."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable

import httpx
from attrs import define, field

from twilio_fax_compat._core.effects import BeginSend, Effect
from twilio_fax_compat._core.messages import Send, TwilioRequest, TwilioResponse
from twilio_fax_compat._telnyx.driver import Call, drive
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.migration._legacy_http import LegacyHttp
from twilio_fax_compat.migration._routed_api import RoutedFaxApi
from twilio_fax_compat.migration.rollout import Rollout
from twilio_fax_compat.server.apis import TelnyxApi, Urls
from twilio_fax_compat.server.held_call import HeldCall


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

    async def answer(self, request: TwilioRequest, urls: Urls, call: HeldCall) -> TwilioResponse:
        """Answer *request* as `TelnyxApi.answer` does."""
        loop = asyncio.get_running_loop()
        in_thread = _CallInThread(call, loop)
        return await self.telnyx.threads.of_legacy(self._answer, request, urls, in_thread)

    def _answer(self, request: TwilioRequest, urls: Urls, call: _CallInThread) -> TwilioResponse:
        account = self.telnyx.account
        legacy = LegacyHttp(
            self.legacy_url, (account.sid, account.auth_token), self.client, urls.api_url
        )
        has_telnyx = account.has_telnyx

        def telnyx() -> _InThread:
            if not has_telnyx:
                raise TwilioException(
                    f"the account {account.sid} has no Telnyx settings, which this stage of the rollout "
                    "needs: set TELNYX_API_KEY and TELNYX_CONNECTION_ID"
                )
            return _InThread(self, urls)

        api = RoutedFaxApi(
            account.sid,
            self.rollout,
            self.telnyx.threads.ledger,
            account.telnyx,
            telnyx,
            lambda: legacy,
            has_telnyx,
            api_url=urls.api_url,
        )
        return api.answer(request, call)


@define(eq=False)
class _InThread:
    """Telnyx's API for one request, whose flow runs in the calling thread."""

    api: RoutedApi
    urls: Urls

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        telnyx = self.api.telnyx
        flow = telnyx.flow(request, self.urls)
        return drive(flow, self.api.send, telnyx.threads.ledger)


class _CallInThread(Call):
    """*held* in a thread, whose check runs in *loop*."""

    def __init__(self, held: HeldCall, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(held.ledger)
        self._call, self._loop = held, loop

    def carry_out(self, effect: Effect) -> Any:
        result = self._call.carry_out(effect)
        if self._call.check is not None and isinstance(effect, BeginSend):
            asyncio.run_coroutine_threadsafe(_awaited(self._call.check()), self._loop).result()
        return result

    def nothing_left(self) -> None:
        self._call.nothing_left()

    def __exit__(self, *_error: object) -> None:
        """Leave the sends as they are, for *held*."""


async def _awaited(check: Awaitable[None]) -> None:
    await check
