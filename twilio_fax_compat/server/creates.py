"""Creates: never twice, also for clients that go away and repeat."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any, Awaitable, Callable

from attrs import define, evolve, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.translation.errors import DOCS, problem
from twilio_fax_compat._core.translation.send_keys import send_key
from twilio_fax_compat.server.answers import Receive, http_problem
from twilio_fax_compat.server.apis import TelnyxApi, known_fields
from twilio_fax_compat.server.held_call import HeldCall
from twilio_fax_compat.server.orders import Order, Orders, new_token
from twilio_fax_compat.server.routed import RoutedApi
from twilio_fax_compat.server.threads import Threads

logger = logging.getLogger("twilio_fax_compat.server")

GRACE = 0.3
"""Seconds in which another process notices that the client of an equal create has gone away."""

_POLL = 0.025
_JOIN = 30.0  # longer than one call takes

Respond = Callable[[TwilioResponse], Awaitable[None]]


@define(eq=False)
class Create:
    """One create: its form, its account's API, and the URLs for it."""

    request: TwilioRequest
    api: TelnyxApi | RoutedApi
    account_sid: str
    api_url: str
    webhook_url: str | None = None
    key: str = field(init=False)
    token: str = field(factory=new_token)
    is_answering: bool = False
    is_gone: bool = False

    def __attrs_post_init__(self) -> None:
        self.key = send_key(known_fields(self.request), self.account_sid)


@define(eq=False)
class Creates:
    """
    Answers the creates of this process.

    The client's connection is watched meanwhile. If the client goes away, the operation goes on, and
    the next equal create gets its fax.
    """

    orders: Orders
    threads: Threads
    _running: dict[str, list[Create]] = field(factory=dict)
    _alone: set[asyncio.Future[None]] = field(factory=set)

    async def answer(self, create: Create, receive: Receive, respond: Respond) -> None:
        """Answer *create* by *respond*, unless its client has gone away."""
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            earlier = await self._earlier(create, gone)
            if earlier is not None and await self._repeat(earlier, create, gone, respond):
                return
            await self._send(create, gone, respond)
        finally:
            gone.cancel()

    async def finish(self) -> None:
        """Wait for the creates whose clients have gone away."""
        while self._alone:
            await asyncio.gather(*self._alone, return_exceptions=True)

    async def _send(self, create: Create, gone: asyncio.Future[None], respond: Respond) -> None:
        self._running.setdefault(create.key, []).append(create)
        work = asyncio.ensure_future(self._operate(create))
        waited: list[asyncio.Future[Any]] = [work, gone]
        answered = False
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                answer, call = work.result()
                create.is_answering = True
                await respond(answer)
                answered = True
        finally:
            # The server may stop, or the connection break, while the answer is written.
            rest = self._settle(create, call) if answered else self._without_client(create, work)
            ending = asyncio.ensure_future(rest)
            self._alone.add(ending)
            ending.add_done_callback(self._alone.discard)
        await asyncio.shield(ending)

    async def _settle(self, create: Create, call: HeldCall) -> None:
        try:
            await self.threads.of_ledger(call.settle)
        finally:
            self._ended(create)

    async def _without_client(
        self, create: Create, work: asyncio.Future[tuple[TwilioResponse, HeldCall]]
    ) -> None:
        of_ledger, orders = self.threads.of_ledger, self.orders
        create.is_gone, create.is_answering = True, False
        try:
            if not work.done():
                await of_ledger(orders.run_on, create.key, create.token)
            answer, call = await work
            sid = (answer.payload or {}).get("sid") if answer.status == 201 else None
            if sid:
                logger.info("the client of %s had gone away before its create was answered", sid)
                await of_ledger(orders.accepted, create.key, create.token, str(sid))
            else:
                await of_ledger(orders.forget, create.key, create.token)
            await of_ledger(call.settle)
        finally:
            self._ended(create)

    def _ended(self, create: Create) -> None:
        running = self._running.get(create.key, [])
        if create in running:
            running.remove(create)
        if not running:
            self._running.pop(create.key, None)

    async def _operate(self, create: Create) -> tuple[TwilioResponse, HeldCall]:
        call = HeldCall(self.threads.ledger)
        try:
            answer = await create.api.answer(
                create.request, create.api_url, call, create.webhook_url
            )
        except Exception:  # noqa: BLE001 - what is open must be settled
            logger.error("a create failed: %s", mask(traceback.format_exc()))  # noqa: TRY400
            answer = http_problem(500)
        details = (answer.payload or {}).get("details")
        may_be_out = call.may_be_out or (
            isinstance(details, dict) and details.get("may_have_been_sent") is True
        )
        return (_unrepeated(answer) if may_be_out and answer.status >= 500 else answer), call

    async def _earlier(self, create: Create, gone: asyncio.Future[None]) -> Order | None:
        """Return an equal create whose client went away, for this one alone."""
        loop = asyncio.get_running_loop()
        end = loop.time() + GRACE
        turns = 0
        while True:
            equal = self._running.get(create.key, [])
            own = [other.token for other in equal]
            orders, is_elsewhere = await self.threads.of_ledger(self.orders.look, create.key, own)
            for order in orders:
                if await self.threads.of_ledger(self.orders.claim, order):
                    return order
            # The end of a connection of this process is noticed in the loop's next turns.
            is_here = any(not other.is_answering for other in equal) and turns < 4
            if gone.done() or not (is_here or is_elsewhere or orders) or loop.time() > end:
                return None
            turns += 1
            await asyncio.sleep(_POLL if is_elsewhere or orders else 0)

    async def _repeat(
        self, order: Order, create: Create, gone: asyncio.Future[None], respond: Respond
    ) -> bool:
        """Answer *create* with the fax of *order*; return False if that ended without one."""
        of_ledger = self.threads.of_ledger
        answered = False
        try:
            sid = await self._sid_of(order, gone)
            if gone.done():
                return True
            if sid is None:
                return False
            answer = await self._again(sid, create)
            if not gone.done():
                await respond(answer)
                answered = answer.status == 201
            return True
        finally:
            settle = self.orders.deliver if answered else self.orders.give_back
            await asyncio.shield(of_ledger(settle, order))

    async def _sid_of(self, order: Order, gone: asyncio.Future[None]) -> str | None:
        """Return the fax of *order* when it has one; None if it ended without, or nobody works on it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _JOIN
        while order.is_running and not order.sid and not gone.done() and loop.time() < end:
            await asyncio.wait({gone}, timeout=4 * _POLL)
            own = [other.token for other in self._running.get(order.key, [])]
            orders, _ = await self.threads.of_ledger(self.orders.look, order.key, own)
            order = next(
                (other for other in orders if other.token == order.token),
                evolve(order, is_running=False),
            )
        return order.sid or None

    async def _again(self, sid: str, create: Create) -> TwilioResponse:
        request = TwilioRequest("GET", f"/Faxes/{sid}")
        call = HeldCall(self.threads.ledger)
        try:
            answer = await create.api.answer(request, create.api_url, call)
        except Exception as error:  # noqa: BLE001 - the fax is out, whatever happens now
            answer = problem(503, 20503, type(error).__name__)
        if answer.status == 200:
            return evolve(answer, status=201)
        return problem(
            409,
            20409,
            f"The fax was sent as {sid}, and its create was not answered because the connection had "
            "ended. Do not send it again: fetch that fax",
            {"may_have_been_sent": True, "sid": sid},
        )


def _unrepeated(answer: TwilioResponse) -> TwilioResponse:
    """
    Return the answer to a create that may have reached a provider, as 409.

    twilio-java posts a create again, twice within 300 ms, after any 5xx.
    """
    payload = dict(answer.payload or {})
    message = str(payload.get("message") or "")
    if "may have been sent" not in message:
        message = f"The fax may have been sent: look for it before you send it again. {message}"
    payload.update(code=20409, status=409, message=message.strip(), more_info=DOCS.format(20409))
    details = payload.get("details")
    payload["details"] = {
        **(details if isinstance(details, dict) else {}),
        "may_have_been_sent": True,
    }
    return TwilioResponse(409, payload, answer.cause)


async def _until_gone(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
