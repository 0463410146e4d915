"""The middleware for ASGI applications such as Starlette's, FastAPI's and Django's (ASGI 3)."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from functools import cached_property, partial
from random import random
from typing import Any, Callable, Mapping, Sequence, TypeVar

from attrs import define, field

from twilio_fax_compat._core.effects import Pause, run_async
from twilio_fax_compat._core.webhooks.effects import (
    CallApp,
    Claim,
    Download,
    Keep,
    Release,
    Step,
    Talk,
)
from twilio_fax_compat._core.webhooks.events import FaxEvent
from twilio_fax_compat._core.webhooks.public_url import PublicUrl
from twilio_fax_compat.ledger import InboxEntry, LedgerUnavailable
from twilio_fax_compat.webhooks.asgi_request import (
    App,
    AppCall,
    Message,
    Receive,
    Scope,
    Send,
    as_twilio,
    begin_to_read,
    replaying,
    server_request,
    split_path,
)
from twilio_fax_compat.webhooks.leases import reset_after_fork
from twilio_fax_compat.webhooks.legacy_callbacks import learn_later, may_be_callback
from twilio_fax_compat.webhooks.media import LINK_DEADLINE, MediaAnswer, MediaServer
from twilio_fax_compat.webhooks.middleware import (
    Middleware,
    log_failure_after_cancel,
    log_late_failure,
)
from twilio_fax_compat.webhooks.receiver import PassThrough, Receiver, event_of, unavailable
from twilio_fax_compat.webhooks.steps import counted_answer
from twilio_fax_compat.webhooks.stored_request import OF_THE_PROCESS, scope_of, stored_scope
from twilio_fax_compat.webhooks.verification import SIGNATURE, TIMESTAMP

T = TypeVar("T")

THREADS = 8
"""The threads of each pool: for links to documents, other requests of deliveries, and the ledger."""

_MARKS = frozenset({SIGNATURE.encode("ascii"), TIMESTAMP.encode("ascii")})


class ASGIMiddleware(Middleware[App]):
    """
    Wrap an ASGI *app* so that it receives Telnyx's fax webhooks as Twilio's callbacks.

    The arguments are those of ``WSGIMiddleware``. Raises TwilioException if a setting is missing
    or wrong, and if the ledger cannot be opened.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _process: Mapping[str, Any] = {}
    _state: Mapping[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        receiver = self._receiver
        if self._workers is not None:
            if scope["type"] == "lifespan":
                await self._work_until_shutdown(scope, receive, send)
                return
            self._work_here(scope)
        if receiver.media is not None and "path" in scope:
            # Some servers leave the root out of the path, which then can begin like it by chance.
            link = receiver.link_path(split_path(scope)[1]) or receiver.link_path(scope["path"])
            if link is not None:
                await _serve(receiver.media, link, self._pools.links, scope, send)
                return
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name in _MARKS or (name == b"user-agent" and value.startswith(b"telnyx-webhooks")):
                break
        else:
            await self.app(scope, await self._learned(scope, receive), send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        messages = await begin_to_read(receive, receiver.max_body)
        body = b"".join(message.get("body", b"") for message in messages)
        event = receiver.read(headers, body)
        if isinstance(event, PassThrough):
            await self.app(scope, replaying(messages, receive), send)
            return
        if isinstance(event, int):
            await _answer(send, event)
            return
        url = receiver.public_url_of(server_request(scope), event.delivered_to)
        if self._workers is None:
            await self._deliver_now(scope, send, event, url)
            return
        stored = stored_scope(scope, self._state)
        status = await _in(self._pools.ledger, receiver.store, event, body, url.url, stored)
        self._workers.wake()
        await _answer(send, status)

    async def _learned(self, scope: Scope, receive: Receive) -> Receive:
        """Learn from a callback of the legacy provider, and return what gives its body again."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        signature = headers.get(b"x-twilio-signature")
        length = headers.get(b"content-length", "")
        if signature is None or not may_be_callback(
            scope["method"], headers.get(b"content-type", ""), length
        ):
            return receive
        messages = [await receive()]
        while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
            messages.append(await receive())
        body = b"".join(message.get("body", b"") for message in messages)
        url = self._receiver.public_url_of(server_request(scope), None)
        learn_later(self._receiver, url.url, signature, body)
        return replaying(messages, receive)

    def start(self) -> None:
        """Start to deliver from the inbox in the running event loop."""
        self._loop = asyncio.get_running_loop()
        super().start()

    def _work_here(self, scope: Scope) -> None:
        if self._loop is None or self._loop.is_closed():
            self._process = {name: scope[name] for name in OF_THE_PROCESS if name in scope}
            self.start()

    async def _work_until_shutdown(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_start(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                # An application may be started more than once, in one loop or in several.
                self._loop = None
                self._state = scope.get("state", {})
                self._work_here(scope)
            await send(message)

        async def receive_and_stop() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                # The application still works while the running deliveries end.
                await _in(None, self.close)
                await self._background.finish(timeout=10.0)
            return message

        await self.app(scope, receive_and_stop, send_and_start)

    async def _deliver_now(self, scope: Scope, send: Send, event: FaxEvent, url: PublicUrl) -> None:
        delivery = _Delivery(self.app, self._receiver, self._pools, scope, url, event)
        # A delivery that has begun goes on to its end, where it unlocks its fax, if a timeout or a
        # server cancels the request.
        work = asyncio.ensure_future(delivery.run(self._receiver.begin(event, url)))
        try:
            status = await asyncio.shield(work)
        except LedgerUnavailable as error:
            status = unavailable(event, error)
        except asyncio.CancelledError:
            self._background.keep(work)
            work.add_done_callback(partial(self._ended_alone, delivery))
            raise
        await _answer(send, status)
        # The server waits for the end of the application's background work, as it always does.
        await delivery.background.finish()

    def _ended_alone(self, delivery: _Delivery, work: asyncio.Future[int]) -> None:
        """Log a failure of *work*, whose request was cancelled, and keep the background work."""
        for task in delivery.background.tasks:
            self._background.keep(task)
        error = None if work.cancelled() else work.exception()
        if isinstance(error, LedgerUnavailable):
            unavailable(delivery.event, error)
        elif error is not None:
            log_failure_after_cancel(delivery.event, error)

    def _deliver_entry(self, entry: InboxEntry) -> None:
        assert self._loop is not None
        work = self._deliver_stored(entry)
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise
        while True:
            try:
                future.result(timeout=1.0)
            except FutureTimeout:
                # The future of a loop that was closed never ends.
                if not future.done() and not self._loop.is_closed():
                    continue
                raise
            return

    async def _deliver_stored(self, entry: InboxEntry) -> None:
        scope = scope_of(entry, self._process, self._state)
        url = self._receiver.public_url_of(server_request(scope), entry.url)
        delivery = _Delivery(
            self.app, self._receiver, self._pools, scope, url, event_of(entry), self._background
        )
        await delivery.run(self._receiver.resume(entry, url))

    @cached_property
    def _pools(self) -> _Pools:
        return _Pools()

    @cached_property
    def _background(self) -> _Background:
        return _Background()


@define(eq=False)
class _Pools:
    """
    The threads that wait for others, apart from those of the event loop, which are the program's.

    A Telnyx that does not answer then holds up links, or the deliveries that need it, and nothing else.
    A ledger that is locked holds up deliveries.
    """

    links: ThreadPoolExecutor = field(init=False)
    deliveries: ThreadPoolExecutor = field(init=False)
    ledger: ThreadPoolExecutor = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Make pools with threads of this process."""
        self.links = ThreadPoolExecutor(THREADS, "fax-links")
        self.deliveries = ThreadPoolExecutor(THREADS, "fax-deliveries")
        self.ledger = ThreadPoolExecutor(THREADS, "fax-ledger")


@define(eq=False)
class _Background:
    """What applications do after their answers to callbacks."""

    tasks: set[asyncio.Future[Any]] = field(factory=set, init=False)

    def add(self, call: AppCall, event: FaxEvent) -> None:
        """Log a failure of what is left of *call*, which was about *event*."""
        self.keep(call.task)
        call.task.add_done_callback(partial(self._ended, call.status, event))

    def keep(self, task: asyncio.Future[Any]) -> None:
        """Refer to *task* until it ends, because an event loop does not."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def finish(self, timeout: float | None = None) -> None:
        """Wait for the end of all, for up to *timeout* seconds."""
        loop = asyncio.get_running_loop()
        tasks = {task for task in self.tasks if task.get_loop() is loop}
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, timeout=timeout)
        except BaseException:
            for task in tasks:
                task.cancel()
            raise

    def _ended(self, status: int, event: FaxEvent, task: asyncio.Future[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log_late_failure(event, status, error)


@define(eq=False)
class _Delivery:
    """Delivers *event*, whose request came with *scope* to *url*, to *app*."""

    app: App
    receiver: Receiver
    pools: _Pools
    scope: Scope = field(repr=False)
    url: PublicUrl
    event: FaxEvent
    background: _Background = field(factory=_Background)

    async def run(self, talk: Talk) -> int:
        return await run_async(talk, self._perform)

    async def _perform(self, step: Step) -> Any:
        if isinstance(step, CallApp) and step.is_own:
            call = AppCall(self.app, as_twilio(self.scope, step, self.url), step.body)
            with counted_answer() as answers:
                answers.append(await call.answer())
            self.background.add(call, self.event)
            return answers[0]
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds + step.jitter * random())  # noqa: S311
        asks_others = isinstance(step, (CallApp, Download, Keep))
        pool = self.pools.deliveries if asks_others else self.pools.ledger
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(pool, self.receiver.carry_out, step)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The thread goes on. A lock that it still takes would have no owner.
            await asyncio.wait({work})
            if isinstance(step, Claim) and not work.exception() and work.result() == "new":
                await loop.run_in_executor(pool, self.receiver.carry_out, Release(step.event_id))
            raise


async def _in(pool: ThreadPoolExecutor | None, work: Callable[..., T], *arguments: Any) -> T:
    """Run *work* in a thread of *pool*, by default one of the event loop."""
    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


async def _serve(
    media: MediaServer, path: str, pool: ThreadPoolExecutor, scope: Scope, send: Send
) -> None:
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1008})
        return
    query = scope.get("query_string", b"").decode("latin-1")
    answer = await _answer_soon(pool.submit(media.answer, scope["method"], path, query))
    if answer is None:
        await _answer(send, 504)
        return
    try:
        await _begin(send, answer.status, answer.headers)
        piece = None
        while piece != b"":
            piece = await _in(pool, next, answer.pieces, b"")
            await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})
    finally:
        # The client may leave before the end, while a piece is still being read.
        close = getattr(answer.pieces, "close", None)
        if close is not None:
            with suppress(ValueError):
                await _in(pool, close)


async def _answer_soon(job: Future[MediaAnswer]) -> MediaAnswer | None:
    """Return the result of *job*, or None if it takes longer than the deadline of a link."""
    try:
        done, _ = await asyncio.wait({asyncio.wrap_future(job)}, timeout=LINK_DEADLINE)
        if done:
            return job.result()
    except asyncio.CancelledError:
        _give_up(job)
        raise
    _give_up(job)
    return None


def _give_up(job: Future[MediaAnswer]) -> None:
    if not job.cancel():
        job.add_done_callback(_close_unused)


def _close_unused(job: Future[MediaAnswer]) -> None:
    close = getattr(job.result().pieces, "close", None) if not job.exception() else None
    if close is not None:
        close()


async def _begin(send: Send, status: int, headers: Sequence[tuple[str, str]]) -> None:
    raw = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _answer(send: Send, status: int) -> None:
    await _begin(send, status, [("Content-Length", "0")])
    await send({"type": "http.response.body", "body": b""})
