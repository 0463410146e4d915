"""A pool of database connections that is safe with threads and forks."""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from threading import Lock
from typing import Any, Callable, Generic, Iterator, TypeVar

from attrs import define, field

C = TypeVar("C", bound=Any)

# A child of a fork must neither use nor close the connections of its parent: closing could tell
# the server goodbye, or drop locks. They are kept here from the garbage collector.
_inherited: list[Any] = []


@define(eq=False)
class _Generation(Generic[C]):
    pid: int = field(factory=os.getpid)
    idle: deque[C] = field(factory=deque)
    all: set[C] = field(factory=set)
    turn: Lock = field(factory=Lock)


@define(eq=False)
class Pool(Generic[C]):
    """
    Lends what *connect* returns to one thread at a time and keeps up to *idle* for later.

    Nothing in here waits for a lock, which a fork could leave locked: what is shared changes in
    single steps only.
    """

    connect: Callable[[], C]
    idle: int = 16
    _now: _Generation[C] = field(factory=_Generation, init=False)

    @contextmanager
    def lent(self) -> Iterator[C]:
        """Lend a connection; one that was in use at an error is closed."""
        own = self._own()
        try:
            connection = own.idle.pop()
        except IndexError:
            connection = self.connect()
            own.all.add(connection)
        try:
            yield connection
        except BaseException:
            _close(own, connection)
            raise
        if own is self._now and len(own.idle) < self.idle:
            own.idle.append(connection)
        else:
            _close(own, connection)

    def turn(self) -> Lock:
        """Return a lock for the threads of this process, free in the child of a fork."""
        return self._own().turn

    def _own(self) -> _Generation[C]:
        if self._now.pid != os.getpid():
            _inherited.append(self._now)
            self._now = _Generation()
        return self._now

    def close(self) -> None:
        """Close what is idle now, and what is lent as soon as it comes back."""
        own = self._own()
        # Threads that wait for their turn keep it.
        self._now = _Generation(turn=own.turn)
        while own.idle:
            _close(own, own.idle.pop())


def _close(own: _Generation[C], connection: C) -> None:
    own.all.discard(connection)
    connection.close()
