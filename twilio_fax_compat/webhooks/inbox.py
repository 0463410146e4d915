"""
The durable inbox: events that are stored before Telnyx gets its answer, and the threads that deliver them.

An entry keeps the request's environment as CGI variables (RFC 3875, section 4.1), from which a WSGI and
an ASGI request can be built. It keeps no credentials.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref
from threading import Event, Lock, Semaphore, Thread
from typing import Callable, Mapping

from attrs import define, field

from twilio_fax_compat.ledger import InboxEntry, Ledger, LedgerUnavailable

logger = logging.getLogger("twilio_fax_compat.webhooks")

LEASE = 60.0
"""Seconds after which another process takes the event of a process that died."""

_KEPT = frozenset(
    {
        "PATH_INFO",
        "QUERY_STRING",
        "REMOTE_ADDR",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "wsgi.url_scheme",
    }
)
_DROPPED = frozenset({"HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_PROXY_AUTHORIZATION"})


def circumstances(environ: Mapping[str, object]) -> dict[str, str]:
    """Return the variables of a WSGI *environ* that an entry keeps."""
    return {
        name: str(value)
        for name, value in environ.items()
        if name in _KEPT
        or (
            name.startswith("HTTP_")
            and not name.startswith("HTTP_TELNYX_")
            and name not in _DROPPED
        )
    }


@define(eq=False)
class _WorkerState:
    """Per-process worker state; recreated after a fork."""

    slots: Semaphore
    pid: int = field(factory=os.getpid)
    wake: Event = field(factory=Event)
    stopping: Event = field(factory=Event)
    taken: dict[str, tuple[float, InboxEntry]] = field(factory=dict)
    thread: Thread | None = None


@define(eq=False)
class InboxWorkers:
    """
    Threads that take entries from *ledger*'s inbox and *deliver* them, at most *at_once* at a time.

    *deliver* finishes or postpones its entry. *prolong* keeps an entry locked for the given number of
    seconds. *poll* is the number of seconds between two looks into the inbox, and *lease* the number
    of seconds for which an entry is locked.
    """

    ledger: Ledger
    deliver: Callable[[InboxEntry], None]
    prolong: Callable[[InboxEntry, float], None]
    at_once: int = 4
    poll: float = 1.0
    lease: float = LEASE
    _state: _WorkerState | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)
    _starting: Lock = field(factory=Lock, init=False)

    def start(self) -> None:
        """Start the threads in this process, also after `stop`."""
        self._is_stopped = False
        self.ensure()

    def ensure(self) -> None:
        """Start the threads in this process, unless they run or `stop` was called."""
        state = self._state
        if not self._is_stopped and (state is None or state.pid != os.getpid()):
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
        while state.taken and time.monotonic() < end:
            time.sleep(0.01)
        self._state = None

    def _start(self) -> None:
        if self._state is not None and self._state.pid != os.getpid():
            # After a fork, the lock may be held by a thread that the child does not have.
            self._starting = Lock()
        with self._starting:
            state = self._state
            if state is not None and state.pid == os.getpid():
                return
            state = _WorkerState(Semaphore(self.at_once))
            state.thread = Thread(
                target=self._look_after, args=(state,), name="fax-inbox", daemon=True
            )
            self._state = state
            atexit.register(_stop_at_exit, weakref.ref(self))
            state.thread.start()

    def _look_after(self, state: _WorkerState) -> None:
        in_trouble = False
        while not state.stopping.is_set():
            if not state.slots.acquire(timeout=self.poll):
                self._prolong_leases(state)
                continue
            entry = None
            try:
                entry = self.ledger.take(self.lease)
                in_trouble = False
            except LedgerUnavailable as error:
                if not in_trouble:
                    logger.warning("the inbox cannot be read: %s", error)
                in_trouble = True
            if entry is None:
                state.slots.release()
                state.wake.wait(self.poll)
                state.wake.clear()
                self._prolong_leases(state)
                continue
            state.taken[entry.event_id] = (time.monotonic(), entry)
            Thread(
                target=self._handle, args=(state, entry), name="fax-callback", daemon=True
            ).start()

    def _prolong_leases(self, state: _WorkerState) -> None:
        now = time.monotonic()
        for event_id, (since, entry) in list(state.taken.items()):
            if now - since <= self.lease / 3:
                continue
            try:
                self.prolong(entry, self.lease)
            except LedgerUnavailable as error:
                logger.warning("the lease of an event could not be prolonged: %s", error)
            if event_id in state.taken:
                state.taken[event_id] = (now, entry)

    def _handle(self, state: _WorkerState, entry: InboxEntry) -> None:
        try:
            self.deliver(entry)
        except LedgerUnavailable as error:
            logger.warning("an event stays in the inbox: %s", error)
        except BaseException:
            logger.exception(
                "the application raised an exception in a callback, which stays in the inbox"
            )
        finally:
            state.taken.pop(entry.event_id, None)
            state.slots.release()
            state.wake.set()


def _stop_at_exit(workers: weakref.ref[InboxWorkers]) -> None:
    alive = workers()
    if alive is not None:
        alive.stop()
