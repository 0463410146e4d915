"""
Keep what this process is working on locked, for as long as the process lives.

A lock in the ledger is a lease of a few seconds, so that another process takes over soon after this one
is killed. A background thread prolongs the leases while their handlers work.
"""

from __future__ import annotations

import logging
import os
import time
import weakref
from threading import Event, Lock, Thread
from typing import Callable, Protocol

from attrs import define, field

logger = logging.getLogger("twilio_fax_compat.webhooks")

LEASE = 12.0
"""Seconds after which another process takes over from a process that was killed."""

STALLED = 120.0
"""Seconds after which a handler that does not answer is logged."""


class ForkAware(Protocol):
    """Something that has threads or locks, which the child of a fork does not inherit."""

    def after_fork(self) -> None:
        """Reset the state in the child of a fork."""


_fork_aware: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def reset_after_fork(item: ForkAware) -> None:
    """Call ``item.after_fork()`` in the child of each fork, while *item* is in use."""
    _fork_aware.add(item)


def _after_fork() -> None:
    for item in list(_fork_aware):
        item.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@define(eq=False)
class _Lease:
    prolong: Callable[[float], object]
    fax_sid: str
    watched: bool
    since: float
    renewed: float
    is_held: bool = True
    is_logged: bool = False
    # Held while the lease is prolonged, so that nothing prolongs it after it was given up.
    lock: Lock = field(factory=Lock)


@define(eq=False)
class LeaseKeeper:
    """
    Prolongs leases of *lease* seconds until they are dropped, in one thread of this process.

    The thread runs only while there is something to prolong. A handler that does not answer for
    *stalled* seconds is logged once.
    """

    lease: float = LEASE
    stalled: float = STALLED
    _held: dict[str, _Lease] = field(factory=dict, init=False, repr=False)
    _thread: Thread | None = field(default=None, init=False, repr=False)
    _wake: Event = field(factory=Event, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        reset_after_fork(self)

    def hold(
        self, key: str, prolong: Callable[[float], object], fax_sid: str, watched: bool = False
    ) -> None:
        """
        Call *prolong* with the number of seconds, now and then, until *key* is dropped.

        *fax_sid* names the fax in the log. *watched* logs a handler that does not answer.
        """
        now = time.monotonic()
        with self._lock:
            self._held[key] = _Lease(prolong, fax_sid, watched, now, now)
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def drop(self, key: str) -> None:
        """Stop prolonging *key*. Afterwards *prolong* is not running and is not called again."""
        with self._lock:
            lease = self._held.pop(key, None)
        if lease is None:
            return
        with lease.lock:
            lease.is_held = False
        if lease.is_logged:
            logger.warning(
                "%s: the handler answered after %.0f seconds",
                lease.fax_sid,
                time.monotonic() - lease.since,
            )

    def after_fork(self) -> None:
        """Forget the leases of the parent process."""
        self._held = {}
        self._thread = None
        self._wake, self._lock = Event(), Lock()

    def _start(self) -> None:
        thread = Thread(target=self._run, name="fax-leases", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # Without the thread, a handler that takes longer than a lease may be called twice.
            logger.warning("the leases of callbacks cannot be prolonged: %s", error)
            return
        self._thread = thread

    def _run(self) -> None:
        while True:
            self._wake.wait(self.lease / 4)
            with self._lock:
                if not self._held:
                    self._thread = None
                    return
                leases = list(self._held.values())
            for lease in leases:
                try:
                    self._look_at(lease)
                except Exception as error:  # noqa: BLE001 - others wait for their turn
                    # The next try is soon, long before the lease ends.
                    logger.warning("%s: its lock could not be prolonged: %s", lease.fax_sid, error)

    def _look_at(self, lease: _Lease) -> None:
        now = time.monotonic()
        if now - lease.renewed >= self.lease / 4:
            with lease.lock:
                if lease.is_held:
                    lease.prolong(self.lease)
                    lease.renewed = now
        if lease.watched and not lease.is_logged and now - lease.since >= self.stalled:
            lease.is_logged = True
            logger.warning(
                "%s: the handler of a callback has not answered for %.0f seconds",
                lease.fax_sid,
                now - lease.since,
            )
