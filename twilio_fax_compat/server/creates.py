"""Creates: never twice, also for clients that go away and repeat."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from functools import partial
from typing import Any, Awaitable, Callable, Coroutine

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.translation.errors import DOCS, problem
from twilio_fax_compat._core.translation.send_keys import send_key
from twilio_fax_compat.server.answers import Receive, http_problem
from twilio_fax_compat.server.apis import TelnyxApi, Urls, known_fields
from twilio_fax_compat.server.held_call import HeldCall
from twilio_fax_compat.server.orders import TRACE, Order, Orders, new_token
from twilio_fax_compat.server.protocol import Connection
from twilio_fax_compat.server.routed import RoutedApi
from twilio_fax_compat.server.threads import Threads

logger = logging.getLogger("twilio_fax_compat.server")

GRACE = 1.0
"""Seconds in which another process notices that the client of an equal create has gone away."""

_POLL = 0.025
_TURNS = 5
_READING = 0.3  # what a client needs to close its connection, or to ask again
_JOIN = 30.0  # longer than one call takes

Respond = Callable[[TwilioResponse], Awaitable[None]]


class RepeatOf(Exception):
    """A create is the repeat of *order*; None if it is that of one whose client is still there."""

    def __init__(self, order: Order | None) -> None:
        super().__init__("this create is a repeat")
        self.order = order


class BeginAgain(Exception):
    """An equal send ended without a known result meanwhile: a new beginning takes it over."""


@define(eq=False)
class Create:
    """
    One create: its form, its account's API, and the URLs for it.

    It *is_gone* when its client has closed the connection before the answer. *connection* is the
    client's, if the server's protocol is ours. *has_lock*: no other process sends this form now.
    """

    request: TwilioRequest
    api: TelnyxApi | RoutedApi
    account_sid: str
    urls: Urls
    key: str = field(init=False)
    token: str = field(factory=new_token)
    is_gone: bool = False
    is_answered: bool = False
    has_lock: bool = False
    connection: Connection | None = None

    def __attrs_post_init__(self) -> None:
        self.key = send_key(known_fields(self.request), self.account_sid)

    def look_for_client(self) -> None:
        """Find out whether the client has gone away, before the event loop hears of it."""
        if self.connection is not None and not self.is_answered and not self.connection.is_open():
            self.is_gone = True

    def lost_client(self, _watch: object = None) -> None:
        """Note that the client has gone away."""
        self.is_gone = self.is_gone or not self.is_answered


@define(eq=False)
class Receipt:
    """
    Whether the client read the answer to its create, as its connection says.

    *unread* is called if it did not. *is_settled*: the create counts as answered already.
    """

    unread: Callable[[Receipt], None]
    is_settled: bool = False
    _known: asyncio.Event = field(factory=asyncio.Event)

    def end(self, was_read: bool) -> None:
        """Note what became of the answer."""
        self._known.set()
        if not was_read:
            self.unread(self)

    async def wait(self, seconds: float) -> None:
        """Wait until that is known, for *seconds* at most."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._known.wait(), seconds)


@frozen
class Result:
    """How a create ended: its *answer*, its *call*, and the *order* that it repeats."""

    answer: TwilioResponse
    call: HeldCall
    order: Order | None = None


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
    _endings: set[asyncio.Future[None]] = field(factory=set)

    async def answer(
        self,
        create: Create,
        receive: Receive,
        respond: Respond,
    ) -> None:
        """Answer *create* by *respond*, unless its client has gone away."""
        connection = create.connection
        self._running.setdefault(create.key, []).append(create)
        gone = asyncio.ensure_future(_until_gone(receive))
        gone.add_done_callback(create.lost_client)
        work = asyncio.ensure_future(self._operate(create))
        waited: list[asyncio.Future[Any]] = [work, gone]
        receipt = Receipt(partial(self._unread, create, work))
        is_sent = False
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            create.look_for_client()
            if not create.is_gone:
                create.is_answered = True
                answer = work.result().answer
                if connection is not None and answer.status == 201:
                    connection.on_end = receipt.end
                await respond(answer)
                is_sent = not create.is_gone and (connection is None or not connection.is_reset())
        finally:
            # The server may stop, or the connection break, while the answer is written.
            if not is_sent:
                create.is_answered, create.is_gone = False, True
                receipt.is_settled = False
                ending = self._in_background(self._without_client(create, work))
            else:
                self._in_background(self._settle(create, work, receipt))
            gone.cancel()
        if not is_sent:
            await asyncio.shield(ending)

    def _unread(self, create: Create, work: asyncio.Future[Result], receipt: Receipt) -> None:
        """Take the client of *create* for gone: it had closed the connection before the answer came."""
        create.is_answered, create.is_gone = False, True
        if receipt.is_settled:
            self._running.setdefault(create.key, []).insert(0, create)
            self._in_background(self._without_client(create, work))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        ending = asyncio.ensure_future(work)
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return ending

    async def finish(self) -> None:
        """Wait for the creates whose clients have gone away."""
        while self._endings:
            await asyncio.gather(*self._endings, return_exceptions=True)

    async def _settle(self, create: Create, work: asyncio.Future[Result], receipt: Receipt) -> None:
        result = await work
        if self.threads.blocks and result.answer.status == 201:
            # Other processes see the send meanwhile, and wait for what becomes of its answer.
            await receipt.wait(_READING)
        if create.is_gone:
            await self._without_client(create, work)
            return
        receipt.is_settled = True
        try:
            if result.order is not None:
                await self.threads.of_ledger(self.orders.deliver, result.order)
            if self.threads.blocks and result.answer.status == 201:
                await self.threads.of_ledger(self.orders.answered, create.key, create.token)
                self._forget_later(create)
            await self.threads.of_ledger(result.call.settle)
        finally:
            self._ended(create)
            await self._unlock(create)

    async def _without_client(self, create: Create, work: asyncio.Future[Result]) -> None:
        of_ledger, orders = self.threads.of_ledger, self.orders
        try:
            if not work.done():
                await of_ledger(orders.run_on, create.key, create.token)
            result = await work
            sid = (result.answer.payload or {}).get("sid") if result.answer.status == 201 else None
            if sid:
                logger.info("the client of %s had gone away before its answer", sid)
                await of_ledger(orders.accepted, create.key, create.token, str(sid))
            else:
                await of_ledger(orders.forget, create.key, create.token)
            if result.order is not None:
                await of_ledger(orders.deliver if sid else orders.give_back, result.order)
            await of_ledger(result.call.settle)
        finally:
            self._ended(create)
            await self._unlock(create)

    def _ended(self, create: Create) -> None:
        running = self._running.get(create.key, [])
        if create in running:
            running.remove(create)
        if not running:
            self._running.pop(create.key, None)

    async def _unlock(self, create: Create) -> None:
        if create.has_lock:
            create.has_lock = False
            await self.threads.of_ledger(self.orders.unlock, create.key)

    def _forget_later(self, create: Create) -> None:
        def forget() -> None:
            self._in_background(
                self.threads.of_ledger(self.orders.forget, create.key, create.token)
            )

        asyncio.get_running_loop().call_later(TRACE, forget)

    async def _operate(self, create: Create) -> Result:
        while True:
            call = HeldCall(self.threads.ledger)
            call.check = partial(self._check, create, call)
            try:
                answer = await create.api.answer(create.request, create.urls, call)
            except BeginAgain:
                await self.threads.of_ledger(call.settle)
                continue
            except RepeatOf as repeat:
                await self.threads.of_ledger(call.settle)
                await self._unlock(create)
                result = await self._repeated(repeat.order, create, call)
                if result is None:
                    continue
                return result
            except Exception:  # noqa: BLE001 - what is open must be settled
                logger.error("a create failed: %s", mask(traceback.format_exc()))  # noqa: TRY400
                answer = http_problem(500)
            details = (answer.payload or {}).get("details")
            may_be_out = call.may_be_out or (
                isinstance(details, dict) and details.get("may_have_been_sent") is True
            )
            return Result(
                _unrepeated(answer) if may_be_out and answer.status >= 500 else answer, call
            )

    async def _check(self, create: Create, call: HeldCall) -> None:
        """
        Raise `RepeatOf` if *create*, whose send is in the ledger, repeats an equal one.

        Of equal creates, the first goes on at once. A later one waits for its end, or for a moment in
        which it shows whether the client of an earlier one has gone away. A later one whose own client
        has gone away is not sent: the other one is its repeat.
        """
        loop = asyncio.get_running_loop()
        end, turns = loop.time() + GRACE, 0
        of_ledger, is_shared = self.threads.of_ledger, self.threads.blocks
        while True:
            if is_shared and not create.has_lock:
                create.has_lock = await of_ledger(self.orders.lock, create.key)
            equal = self._running.get(create.key, [])
            before = [other for other in equal[: equal.index(create)] if not other.is_answered]
            own = [other.token for other in equal]
            known = await of_ledger(self.orders.look, create.key, own, call.token)
            if not (create.has_lock or known.is_busy or before) and is_shared:
                # The process that had the lock is gone, or about to give it back.
                create.has_lock = True
            here = [Order(create.key, one.token, "", True) for one in before if one.is_gone]
            tokens = {order.token for order in here} | {create.token}
            orders = here + [order for order in known.orders if order.token not in tokens]
            for order in orders:
                claimed = await of_ledger(self.orders.claim, order)
                if claimed is not None:
                    raise RepeatOf(claimed)
            create.look_for_client()
            others = bool(orders) or (is_shared and not create.has_lock)
            if create.is_gone and (before or others or known.was_answered):
                raise RepeatOf(None)
            if known.is_unsettled and call.token and not call.is_retry:
                raise BeginAgain
            waits_for_others = others and loop.time() < end
            # The end of a connection of this process is noticed in the loop's next turns.
            if not waits_for_others and not (before and turns < _TURNS):
                return
            turns += 1
            await asyncio.sleep(_POLL if waits_for_others else 0)

    async def _repeated(self, order: Order | None, create: Create, call: HeldCall) -> Result | None:
        """Return the result of *create*, the repeat of *order*; None if that ended without a fax."""
        if order is None:
            logger.info("a create whose client had gone away was left to its repeat")
            return Result(http_problem(503), call)
        try:
            sid = await self._sid_of(order, create)
            if sid is None and not create.is_gone:
                await self.threads.of_ledger(self.orders.deliver, order)
                return None
            answer = http_problem(503) if sid is None else await self._again(sid, create)
        except BaseException:
            self.orders.give_back(order)
            raise
        return Result(answer, call, order)

    async def _sid_of(self, order: Order, create: Create) -> str | None:
        """Return the fax of *order* when it has one; None if it ended without, or nobody works on it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _JOIN
        while order.is_running and not order.sid and not create.is_gone and loop.time() < end:
            await asyncio.sleep(_POLL)
            own = [other.token for other in self._running.get(order.key, [])]
            if order.token in own:
                continue
            known = await self.threads.of_ledger(self.orders.look, order.key, own)
            if not known.is_readable:
                continue
            order = next(
                (other for other in known.orders if other.token == order.token),
                evolve(order, is_running=False),
            )
        return order.sid or None

    async def _again(self, sid: str, create: Create) -> TwilioResponse:
        request = TwilioRequest("GET", f"/Faxes/{sid}")
        call = HeldCall(self.threads.ledger)
        try:
            answer = await create.api.answer(request, create.urls, call)
        except Exception as error:  # noqa: BLE001 - the fax is out, whatever happens now
            answer = problem(503, 20503, type(error).__name__)
        if answer.status == 200:
            return TwilioResponse(201, answer.payload)
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
