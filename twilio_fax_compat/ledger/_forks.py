"""
What has to happen to ledgers when a process forks.

An SQLite database that is open while a process forks can be corrupted: the child believes that it has its
parent's locks (https://www.sqlite.org/howtocorrupt.html, "Carrying an open database connection across a
fork"). So connections are closed before a fork, and both processes open new ones after it.
"""

from __future__ import annotations

import os
import weakref
from contextlib import contextmanager
from threading import Condition, get_ident
from typing import Any, Iterator, Protocol

from attrs import define, field

PATIENCE = 5.0
"""Seconds that a fork waits for connections that other threads use."""


class Member(Protocol):
    """What takes part in forks."""

    def before_fork(self) -> None:
        """Prepare for a fork, in the thread that forks."""

    def after_fork_in_parent(self) -> None:
        """Continue in the parent, in the thread that forked."""

    def after_fork_in_child(self) -> None:
        """Continue in the child, in its only thread."""


@define(eq=False)
class Gate:
    """Counts how often each thread is inside, and lets nobody in while the process forks."""

    _changed: Condition = field(factory=Condition)
    _inside: dict[int, int] = field(factory=dict)
    _forking: int | None = None

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Be inside, where a fork waits for this thread."""
        me, pid = get_ident(), os.getpid()
        with self._changed:
            # A thread that is inside already would wait for itself.
            while self._forking not in (None, me) and me not in self._inside:
                self._changed.wait()
            self._inside[me] = self._inside.get(me, 0) + 1
        try:
            yield
        finally:
            # In the child of a fork the lock may belong to a thread that does not exist there.
            if os.getpid() == pid:
                with self._changed:
                    self._inside[me] -= 1
                    if not self._inside[me]:
                        del self._inside[me]
                        self._changed.notify_all()

    def lock(self) -> Condition:
        """Return a lock for the threads of this process."""
        return self._changed

    def close(self) -> None:
        """Let nobody in, and wait until the other threads are out or patience ends."""
        me = get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._forking in (None, me))
            self._forking = me
            self._changed.wait_for(lambda: not set(self._inside) - {me}, PATIENCE)

    def open(self) -> None:
        """Let everybody in again."""
        with self._changed:
            self._forking = None
            self._changed.notify_all()


# By process: in the child of a fork, the parent's gate may be locked for ever.
_gates: dict[int, Gate] = {}
_members: dict[int, weakref.ref[Any]] = {}
_prepared: list[Any] = []
_inherited: list[object] = []


def gate() -> Gate:
    """Return the gate of this process."""
    pid = os.getpid()
    return _gates.get(pid) or _gates.setdefault(pid, Gate())


def take_part(member: Member) -> None:
    """Call the methods of *member* at each fork for as long as it exists."""
    key = id(member)
    _members[key] = weakref.ref(member, lambda _: _members.pop(key, None))


def keep_for_ever(inherited: object) -> None:
    """
    Never let the interpreter delete *inherited*, not even when it ends.

    The destructor of a connection would close it, and so disturb the parent of this process.
    """
    _inherited.append(inherited)
    try:
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))
    except (ImportError, AttributeError):  # not CPython, or built without ctypes
        return


def _alive() -> list[Any]:
    members = (reference() for reference in list(_members.values()))
    return [member for member in members if member is not None]


def _before() -> None:
    gate().close()
    _prepared[:] = _alive()
    for member in _prepared:
        member.before_fork()


def _in_parent() -> None:
    for member in _prepared:
        member.after_fork_in_parent()
    _prepared.clear()
    gate().open()


def _in_child() -> None:
    _gates.clear()
    _prepared.clear()
    for member in _alive():
        member.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
