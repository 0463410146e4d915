"""Performs the effects of the core's routes on an event loop: Telnyx there, all that waits in threads."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Mapping

from twilio_fax_compat._core.effects import Pause
from twilio_fax_compat._core.fax_api.routes import twilio_request
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import TELNYX
from twilio_fax_compat._core.migration.effects import Ask, RouteEffect
from twilio_fax_compat._core.migration.routing import route
from twilio_fax_compat._telnyx.async_api import AsyncFaxApi, in_thread, pause, settled
from twilio_fax_compat._telnyx.driver import Call
from twilio_fax_compat.migration._routed_api import RoutedFaxApi, note_answer


class AsyncRoutedFaxApi:
    """The asynchronous twin of *api*. *telnyx* makes Telnyx's side when it is first needed."""

    def __init__(self, api: RoutedFaxApi, telnyx: Callable[[], AsyncFaxApi]) -> None:
        self._api = api
        self._make_telnyx = telnyx
        self._telnyx: AsyncFaxApi | None = None

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> TwilioResponse:
        """Answer a request of Twilio's fax API."""
        request = twilio_request(method, url, params, data)
        call = Call(self._api.ledger, asyncio.get_running_loop())
        return await settled(call, self._run(request, call))

    async def _run(self, request: TwilioRequest, call: Call) -> TwilioResponse:
        try:
            providers = await in_thread(self._api.providers, request)
            talk = route(request, providers)
            effect = talk.send(None)
            while True:
                # Raised outside the route: a missing setting is not an answer of a provider.
                work = await in_thread(self._api.work, effect, call)
                try:
                    result = await self._done(effect, work)
                    note_answer(call, effect, result)
                except BaseException as error:  # noqa: BLE001 - the route decides what it means
                    effect = talk.throw(error)
                else:
                    effect = talk.send(result)
        except StopIteration as end:
            response: TwilioResponse = end.value
            return response

    async def aclose(self) -> None:
        """Close the idle connections of the running event loop."""
        if self._telnyx is not None:
            await self._telnyx.aclose()

    async def _done(self, effect: RouteEffect, work: Callable[[], Any]) -> Any:
        if isinstance(effect, Ask) and effect.provider == TELNYX:
            return await self._ask_telnyx(effect.request)
        if isinstance(effect, Pause):
            return await pause(effect)
        return await in_thread(work)

    async def _ask_telnyx(self, request: TwilioRequest) -> TwilioResponse:
        if self._telnyx is None:
            self._telnyx = self._make_telnyx()
        return await self._telnyx.answer(request)
