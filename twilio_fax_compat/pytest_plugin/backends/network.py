"""
Reaches the emulator even if the suite blocks the network for its tests.

``pytest --block-network`` of pytest-recording, pytest-socket and hand-made blocks replace names of
`socket`. While the emulator is asked, these names are restored.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from threading import Lock
from typing import Any, Iterator, Tuple

from attrs import define, field

_ABSENT = object()
_NAMES = ("socket", "create_connection", "getaddrinfo")
_METHODS = ("connect", "connect_ex")

Place = Tuple[Any, str, Any]


def _places() -> list[Place]:
    holders: list[tuple[Any, tuple[str, ...]]] = [(socket, _NAMES), (socket.socket, _METHODS)]
    return [
        (holder, name, vars(holder).get(name, _ABSENT))
        for holder, names in holders
        for name in names
    ]


@define(eq=False)
class Network:
    """The names of `socket` as they were when the object was made."""

    _open: list[Place] = field(init=False, factory=_places)
    _blocked: list[Place] = field(init=False, factory=list)
    _inside: int = field(init=False, default=0)
    _lock: Lock = field(init=False, factory=Lock)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Allow connections within the block, in any number of threads."""
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._blocked = [
                    (holder, name, vars(holder).get(name, _ABSENT))
                    for holder, name, _ in self._open
                ]
                _put(self._open)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    _put(self._blocked)


def _put(places: list[Place]) -> None:
    for holder, name, value in places:
        if value is not _ABSENT:
            setattr(holder, name, value)
        elif name in vars(holder):
            delattr(holder, name)
