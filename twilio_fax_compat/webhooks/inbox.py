"""The durable inbox: events stored before Telnyx gets its answer, and the threads that deliver them."""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref
from contextlib import suppress
from functools import partial
from threading import Event, Lock, Semaphore, Thread
from typing import Callable

from attrs import define, field

from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.webhooks.delivery import ANOTHER_IS_AT_IT
from twilio_fax_compat._core.webhooks.events import stored_event
from twilio_fax_compat.ledger import InboxEntry, Ledger, LedgerUnavailable
from twilio_fax_compat.webhooks.leases import LeaseKeeper, reset_after_fork

logger = logging.getLogger("twilio_fax_compat.webhooks")

AT_ONCE = 4
"""The number of deliveries that run at the same time in one process."""

MOST_STALLED = 8
"""The number of handlers that may be stalled for each of those deliveries."""

BETWEEN_REPORTS = 60.0
"""Seconds between two reports of the same trouble."""


def entry_key(event_id: str) -> str:
    """Return the key under which a `LeaseKeeper` holds the inbox entry of an event."""
    return "inbox:" + event_id


@define(eq=False)
class _Delivery:
    """An *entry* about a fax that is being delivered, since *since* on the monotonic clock."""

    entry: InboxEntry
    fax_sid: str
    since: float = field(factory=time.monotonic)
    has_slot: bool = True


@define(eq=False)
class _WorkerState:
    """Per-process worker state; recreated after a fork."""

    slots: Semaphore
    pid: int = field(factory=os.getpid)
    wake: Event = field(factory=Event)
    stopping: Event = field(factory=Event)
    running: dict[str, _Delivery] = field(factory=dict)
    lock: Lock = field(factory=Lock)
    thread: Thread | None = None
    trouble: str = ""
    reported: float = 0.0


@define(eq=False)
class InboxWorkers:
    """
    Threads that take *application*'s entries from *ledger*'s inbox and *deliver* them.

    At most *at_once* are delivered at a time.

    *deliver* finishes or postpones its entry. *keeper* keeps the entry locked meanwhile. *poll* is the
    number of seconds between two looks into the inbox. A handler that does not answer for
    ``keeper.stalled`` seconds no longer counts among those *at_once*, up to `MOST_STALLED` handlers
    for each.
    """

    ledger: Ledger
    deliver: Callable[[InboxEntry], None]
    keeper: LeaseKeeper = field(factory=LeaseKeeper)
    application: str = ""
    at_once: int = AT_ONCE
    poll: float = 1.0
    _state: _WorkerState | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)
    _starting: Lock = field(factory=Lock, init=False)

    def __attrs_post_init__(self) -> None:
        reset_after_fork(self)

    def start(self) -> None:
        """Start the threads in this process, also after `stop`."""
        self._is_stopped = False
        self.ensure()

    def ensure(self) -> None:
        """Start the threads in this process, unless they run or `stop` was called."""
        if not self._is_stopped and not _is_running(self._state):
            self._start()

    def wake(self) -> None:
        """Look into the inbox now, because an entry was stored."""
        self.ensure()
        if self._state is not None:
            self._state.wake.set()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop taking entries until `start`, and wait up to *timeout* seconds for running deliveries."""
        self._is_stopped = True
        state = self._state
        if state is None or state.pid != os.getpid() or state.thread is None:
            return
        state.stopping.set()
        state.wake.set()
        end = time.monotonic() + timeout
        state.thread.join(timeout)
        while state.running and time.monotonic() < end:
            time.sleep(0.01)
        self._state = None

    def after_fork(self) -> None:
        """Forget the threads of the parent process."""
        self._state = None
        self._starting = Lock()

    def _start(self) -> None:
        with self._starting:
            state = self._state
            if _is_running(state):
                return
            if state is not None and state.pid == os.getpid():
                logger.error("the thread that delivers from the inbox is gone; it is started again")
            state = _WorkerState(Semaphore(self.at_once))
            thread = Thread(target=self._run, args=(state,), name="fax-inbox", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                logger.warning(
                    "the inbox cannot be delivered, the next request tries again: %s", error
                )
                self._state = None
                return
            state.thread = thread
            self._state = state
            atexit.register(_stop_at_exit, weakref.ref(self))

    def _run(self, state: _WorkerState) -> None:
        while not state.stopping.is_set():
            try:
                self._take_one(state)
            except BaseException as error:  # noqa: BLE001 - nobody else would deliver
                # The report itself can fail, for example without memory.
                with suppress(BaseException):
                    _report(state, error)
                state.stopping.wait(self.poll)
            else:
                state.trouble = ""

    def _take_one(self, state: _WorkerState) -> None:
        self._give_slots_away(state)
        if not state.slots.acquire(timeout=self.poll):
            return
        entry = None
        is_started = False
        try:
            entry = self.ledger.take(self.keeper.lease, self.application)
            if entry is not None:
                is_started = self._begin(state, entry)
        finally:
            if not is_started:
                state.slots.release()
        if entry is None:
            state.wake.wait(self.poll)
            state.wake.clear()

    def _begin(self, state: _WorkerState, entry: InboxEntry) -> bool:
        """Deliver *entry* in a thread of its own; return False if an earlier event of its fax is at work."""
        delivery = _Delivery(entry, _sid_of(entry))
        if any(other.fax_sid == delivery.fax_sid for other in list(state.running.values())):
            self.ledger.postpone(entry.event_id, ANOTHER_IS_AT_IT, count_attempt=False)
            return False
        state.running[entry.event_id] = delivery
        thread = Thread(
            target=self._handle, args=(state, delivery), name="fax-callback", daemon=True
        )
        try:
            thread.start()
        except BaseException:
            del state.running[entry.event_id]
            self.ledger.postpone(entry.event_id, self.poll, count_attempt=False)
            raise
        return True

    def _handle(self, state: _WorkerState, delivery: _Delivery) -> None:
        entry = delivery.entry
        try:
            self.keeper.hold(
                entry_key(entry.event_id),
                partial(self.ledger.postpone, entry.event_id),
                delivery.fax_sid,
            )
            self.deliver(entry)
        except LedgerUnavailable as error:
            logger.warning("%s: a callback stays in the inbox: %s", delivery.fax_sid, error)
        except BaseException:
            logger.exception(
                "%s: the application raised an exception in a callback, which stays in the inbox",
                delivery.fax_sid,
            )
        finally:
            self.keeper.drop(entry_key(entry.event_id))
            with state.lock:
                state.running.pop(entry.event_id, None)
                has_slot = delivery.has_slot
            if has_slot:
                state.slots.release()
            state.wake.set()

    def _give_slots_away(self, state: _WorkerState) -> None:
        """Let others be delivered while handlers do not answer."""
        limit = MOST_STALLED * self.at_once
        now = time.monotonic()
        with state.lock:
            stalled = [
                delivery
                for delivery in state.running.values()
                if now - delivery.since >= self.keeper.stalled
            ]
            for delivery in stalled[:limit]:
                if delivery.has_slot:
                    delivery.has_slot = False
                    state.slots.release()


def _is_running(state: _WorkerState | None) -> bool:
    if state is None or state.pid != os.getpid():
        return False
    return state.thread is not None and state.thread.is_alive()


def _report(state: _WorkerState, error: BaseException) -> None:
    now = time.monotonic()
    if repr(error) == state.trouble and now - state.reported < BETWEEN_REPORTS:
        return
    state.trouble, state.reported = repr(error), now
    if isinstance(error, LedgerUnavailable):
        logger.warning("the inbox cannot be read: %s", error)
    else:
        logger.error("the inbox cannot be delivered for now", exc_info=error)


def _sid_of(entry: InboxEntry) -> str:
    event = stored_event(entry.body)
    return (event and fax_sid(event.fax_id)) or f"event {entry.event_id}"


def _stop_at_exit(workers: weakref.ref[InboxWorkers]) -> None:
    alive = workers()
    if alive is not None:
        alive.stop()
