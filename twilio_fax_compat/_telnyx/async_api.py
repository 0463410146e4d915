"""Twilio's fax API of one account, answered by Telnyx, on an event loop."""

from __future__ import annotations

import asyncio
from random import random
from typing import Any, Awaitable, Callable, Mapping, TypeVar

from twilio_fax_compat._core.effects import (
    Effect,
    Elapsed,
    Flow,
    NewToken,
    Now,
    Pause,
    Warn,
    run_async,
)
from twilio_fax_compat._core.fax_api.routes import twilio_request
from twilio_fax_compat._core.messages import TelnyxRequest, TwilioRequest, TwilioResponse
from twilio_fax_compat._telnyx.api import FaxApi
from twilio_fax_compat._telnyx.async_http import AsyncSend, async_sender
from twilio_fax_compat._telnyx.driver import Call
from twilio_fax_compat._telnyx.send_counts import is_measured, measured
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http._async_connections import CancelledUnsent
from twilio_fax_compat.ledger import Ledger, MemoryLedger
from twilio_fax_compat.metrics import measure

T = TypeVar("T")

Run = Callable[..., Awaitable[Any]]
"""Runs a function with its arguments, where it may wait."""

_AT_ONCE = (Elapsed, NewToken, Now, Warn)
"""Effects that never wait."""


class AsyncFaxApi:
    """The asynchronous twin of *api*, with its settings and its ledger, over *http_client*."""

    def __init__(self, api: FaxApi, http_client: Any) -> None:
        """*http_client* is any value that `async_sender` accepts."""
        self._sender = async_sender(api.settings, http_client)
        self._api = api

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> TwilioResponse:
        """Answer a request of Twilio's fax API."""
        return await self.answer(twilio_request(method, url, params, data))

    async def answer(self, request: TwilioRequest) -> TwilioResponse:
        """Answer a parsed *request* of Twilio's fax API."""
        flow = self._api.flow(request)
        if not is_measured(request):
            return await drive_async(flow, self._sender.ask, self._api.ledger)
        answers: list[TwilioResponse] = []
        with measured(answers):
            answers.append(await drive_async(flow, self._sender.ask, self._api.ledger))
        return answers[0]

    async def aclose(self) -> None:
        """Close the idle connections of the running event loop."""
        await self._sender.aclose()


async def drive_async(flow: Flow, send: AsyncSend, ledger: Ledger) -> TwilioResponse:
    """
    Run *flow* to its end and return what it returns, as `driver.drive`.

    A ledger that may wait is used in threads. If the task is cancelled, the sends of the flow are settled
    first: one whose request may have left stays remembered.
    """
    call = Call(ledger, asyncio.get_running_loop())
    return await settled(call, run_async(flow, performer(call, send, _runs(ledger))))


def performer(call: Call, send: AsyncSend, run: Run) -> Callable[[Effect], Awaitable[Any]]:
    """Return what performs each effect of a flow in *call*. *run* runs what may wait for the ledger."""

    async def perform(effect: Effect) -> Any:
        if isinstance(effect, TelnyxRequest):
            try:
                outcome = await send(effect)
            except (TwilioException, CancelledUnsent) as error:
                if effect.method == "POST":
                    call.nothing_left()
                if isinstance(error, CancelledUnsent):
                    # `asyncio.timeout` of Python 3.11 looks for this class and for no subclass.
                    raise asyncio.CancelledError(*error.args) from error
                raise
            call.note(effect, outcome)
            return outcome
        if isinstance(effect, Pause):
            return await pause(effect)
        if isinstance(effect, _AT_ONCE):
            return call.carry_out(effect)
        return await run(call.carry_out, effect)

    return perform


async def pause(effect: Pause) -> None:
    """Wait as *effect* says."""
    measure("waited_seconds", effect.seconds)
    await asyncio.sleep(effect.seconds + effect.jitter * random())  # noqa: S311


async def settled(call: Call, work: Awaitable[T]) -> T:
    """
    Return what *work* returns, and settle the sends of *call*.

    A send that was accepted stays remembered if the task is cancelled before its caller has the answer.
    """
    run = _runs(call.ledger)
    try:
        result = await work
        if call.is_open:
            await run(call.__exit__)
    except GeneratorExit:
        # Nothing can be awaited any more. If the loop is closed, a later create has taken the send over.
        if call.loop is None or not call.loop.is_closed():
            call.__exit__(GeneratorExit)
        raise
    except BaseException as error:
        await run(call.__exit__, type(error))
        raise
    return result


def _runs(ledger: Ledger) -> Run:
    return _at_once if isinstance(ledger, MemoryLedger) else in_thread


async def _at_once(function: Callable[..., T], *arguments: Any) -> T:
    return function(*arguments)


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """
    Return what *function* returns, which runs in a thread of the event loop.

    A task that is cancelled meanwhile waits for the thread, so that its work does not outlive the call.
    """
    work = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            try:
                await asyncio.wait({work})
            except asyncio.CancelledError:
                continue
        if not work.cancelled():
            work.exception()
        raise
