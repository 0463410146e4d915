"""A pool of database connections that is safe with threads and forks."""

from __future__ import annotations

import os
import weakref
from collections import deque
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Any, Callable, Generic, Iterator, TypeVar

from attrs import define, field

from twilio_fax_compat.ledger._forks import gate, keep_for_ever, take_part

C = TypeVar("C", bound=Any)
T = TypeVar("T")


@define(eq=False)
class _Generation(Generic[C]):
    """The connections of one process, from one `Pool.close` to the next."""

    pid: int = field(factory=os.getpid)
    idle: deque[C] = field(factory=deque)
    all: set[C] = field(factory=set)
    turn: Lock = field(factory=Lock)
    renewal: Lock = field(factory=Lock)


@define(eq=False)
class Pool(Generic[C]):
    """
    Lends connections that *connect* opens to one thread at a time, and keeps up to *idle* open.

    Before a fork it closes its idle connections. Connections that are in use, or that a server which
    forks without Python's hooks leaves open, cross the fork: the child neither uses nor closes them.

    If *crossed* is given, a fork waits for connections in use, and *crossed* is called in a child to
    which connections crossed all the same.

    If *is_stale* is given and true for an idle connection, *rescue* is called with it, and all
    connections are replaced. If *rescue* raises an error, the connection is kept for the next try.
    """

    connect: Callable[[], C]
    crossed: Callable[[], None] | None = None
    is_stale: Callable[[C], bool] | None = None
    rescue: Callable[[C], None] | None = None
    idle: int = 16
    _now: _Generation[C] = field(factory=_Generation, init=False)

    def __attrs_post_init__(self) -> None:
        take_part(self)

    @contextmanager
    def lent(self) -> Iterator[C]:
        """Lend a connection. It is closed if an error is raised."""
        with nullcontext() if self.crossed is None else gate().passed():
            own = self._own()
            try:
                connection = own.idle.pop()
            except IndexError:
                connection = self._opened(own)
            else:
                if self.is_stale is not None and self.is_stale(connection):
                    self._renew(own, connection)
                    own = self._own()
                    connection = self._opened(own)
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
        """Return a lock for the threads of this process."""
        return self._own().turn

    def close(self) -> None:
        """Close idle connections now, and lent ones when they come back."""
        own = self._own()
        # Threads that wait for their turn go on waiting for the same lock.
        self._now = _Generation(turn=own.turn)
        while own.idle:
            _close(own, own.idle.pop())

    def before_fork(self) -> None:
        """Close what is idle; no other thread opens connections meanwhile."""
        own = self._own()
        while own.idle:
            _close(own, own.idle.pop())

    def after_fork_in_parent(self) -> None:
        """Do nothing: connections are opened when they are needed."""

    def after_fork_in_child(self) -> None:
        """Begin without connections, and leave alone what crossed the fork."""
        inherited, self._now = self._now, _Generation()
        if inherited.all:
            keep_for_ever(inherited)
            if self.crossed is not None:
                self.crossed()

    def _opened(self, own: _Generation[C]) -> C:
        connection = self.connect()
        own.all.add(connection)
        return connection

    def _renew(self, own: _Generation[C], stale: C) -> None:
        """Replace all connections; one thread rescues what they have."""
        try:
            with own.renewal:
                if own is self._now:
                    if self.rescue is not None:
                        self.rescue(stale)
                    self.close()
        except BaseException:
            own.idle.append(stale)
            raise
        _close(own, stale)

    def _own(self) -> _Generation[C]:
        if self._now.pid != os.getpid():
            # The server forked without Python's hooks.
            with gate().lock():
                if self._now.pid != os.getpid():
                    self.after_fork_in_child()
        return self._now


def pool_of(
    owner: object,
    connect: Callable[[], C],
    crossed: Callable[[], None] | None = None,
    is_stale: Callable[[C], bool] | None = None,
    rescue: Callable[[C], None] | None = None,
) -> Pool[C]:
    """
    Return a pool that is closed when its *owner* is deleted or the program ends.

    The other arguments are those of `Pool`. They are methods of *owner*.
    """
    pool: Pool[C] = Pool(
        _weak(connect),
        crossed and _weak(crossed),
        is_stale and _weak(is_stale),
        rescue and _weak(rescue),
    )
    weakref.finalize(owner, pool.close)
    return pool


def _weak(method: Callable[..., T]) -> Callable[..., T]:
    # A strong reference would keep the owner alive for ever.
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> T:
        alive = reference()
        assert alive is not None  # the owner lends its own connections
        return alive(*arguments)

    return call


def _close(own: _Generation[C], connection: C) -> None:
    if own.pid == os.getpid():
        own.all.discard(connection)
        connection.close()
