"""
The durable inbox: events that are stored before Telnyx gets its answer, and the threads that work.

An entry keeps the request's circumstances as CGI variables (RFC 3875, section 4.1), which both kinds
of application can be called with, and none of its credentials.
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
"""Seconds after which an event is taken from a process that was never heard of again."""

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
    """Return what an entry keeps of a WSGI *environ*."""
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
class _Shift:
    """What belongs to one process, and is made anew in the child of a fork."""

    hands: Semaphore
    pid: int = field(factory=os.getpid)
    wake: Event = field(factory=Event)
    stopping: Event = field(factory=Event)
    taken: dict[str, tuple[float, InboxEntry]] = field(factory=dict)
    thread: Thread | None = None


@define(eq=False)
class Workers:
    """
    Threads that take entries from *ledger*'s inbox and *deliver* each, *at_once* at the most.

    *deliver* finishes or postpones its entry, and *prolong* keeps one that takes long for so many
    seconds more. *poll* is how many seconds pass between looks for what others stored, *lease*
    for how many an entry is one's own.
    """

    ledger: Ledger
    deliver: Callable[[InboxEntry], None]
    prolong: Callable[[InboxEntry, float], None]
    at_once: int = 4
    poll: float = 1.0
    lease: float = LEASE
    _shift: _Shift | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)
    _starting: Lock = field(factory=Lock, init=False)

    def start(self) -> None:
        """Work in this process, also after `stop`."""
        self._is_stopped = False
        self.ensure()

    def ensure(self) -> None:
        """Start to work in this process, if nobody does and it was not stopped."""
        shift = self._shift
        if not self._is_stopped and (shift is None or shift.pid != os.getpid()):
            self._start()

    def wake(self) -> None:
        """Tell that something was stored."""
        self.ensure()
        if self._shift is not None:
            self._shift.wake.set()

    def stop(self, timeout: float = 10.0) -> None:
        """Take no more, until `start`, and wait up to *timeout* seconds for what is being delivered."""
        self._is_stopped = True
        shift = self._shift
        if shift is None or shift.pid != os.getpid() or shift.thread is None:
            return
        shift.stopping.set()
        shift.wake.set()
        end = time.monotonic() + timeout
        shift.thread.join(timeout)
        while shift.taken and time.monotonic() < end:
            time.sleep(0.01)
        self._shift = None

    def _start(self) -> None:
        if self._shift is not None and self._shift.pid != os.getpid():
            # In the child of a fork the lock may be held by nobody who is left.
            self._starting = Lock()
        with self._starting:
            shift = self._shift
            if shift is not None and shift.pid == os.getpid():
                return
            shift = _Shift(Semaphore(self.at_once))
            shift.thread = Thread(
                target=self._look_after, args=(shift,), name="fax-inbox", daemon=True
            )
            self._shift = shift
            atexit.register(_stop_at_exit, weakref.ref(self))
            shift.thread.start()

    def _look_after(self, shift: _Shift) -> None:
        in_trouble = False
        while not shift.stopping.is_set():
            if not shift.hands.acquire(timeout=self.poll):
                self._keep_what_is_taken(shift)
                continue
            entry = None
            try:
                entry = self.ledger.take(self.lease)
                in_trouble = False
            except LedgerUnavailable as error:
                if not in_trouble:
                    logger.warning("the inbox cannot be reached: %s", error)
                in_trouble = True
            if entry is None:
                shift.hands.release()
                shift.wake.wait(self.poll)
                shift.wake.clear()
                self._keep_what_is_taken(shift)
                continue
            shift.taken[entry.event_id] = (time.monotonic(), entry)
            Thread(
                target=self._handle, args=(shift, entry), name="fax-callback", daemon=True
            ).start()

    def _keep_what_is_taken(self, shift: _Shift) -> None:
        now = time.monotonic()
        for event_id, (since, entry) in list(shift.taken.items()):
            if now - since <= self.lease / 3:
                continue
            try:
                self.prolong(entry, self.lease)
            except LedgerUnavailable as error:
                logger.warning("an event could not be kept: %s", error)
            if event_id in shift.taken:
                shift.taken[event_id] = (now, entry)

    def _handle(self, shift: _Shift, entry: InboxEntry) -> None:
        try:
            self.deliver(entry)
        except LedgerUnavailable as error:
            logger.warning("an event stays in the inbox: %s", error)
        except BaseException:
            logger.exception("the application failed at a callback, which stays in the inbox")
        finally:
            shift.taken.pop(entry.event_id, None)
            shift.hands.release()
            shift.wake.set()


def _stop_at_exit(workers: weakref.ref[Workers]) -> None:
    found = workers()
    if found is not None:
        found.stop()
