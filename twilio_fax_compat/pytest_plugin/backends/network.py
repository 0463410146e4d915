"""
Reaches the emulator even if the suite blocks the network for its tests.

``pytest --block-network`` of pytest-recording, pytest-socket and hand-made blocks replace names of
`socket`. Stubs of httpx (respx, pytest-httpx) replace methods of httpx and httpcore. While Telnyx is
asked, what they replaced is restored: they are meant for the suite's own requests.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from typing import Any, Iterator, Tuple

from attrs import define, field

_ABSENT = object()
_SOCKET_NAMES = ("socket", "create_connection", "getaddrinfo")
_SOCKET_METHODS = ("connect", "connect_ex")
_HTTPX = (
    ("httpx", "HTTPTransport", "handle_request"),
    ("httpcore", "HTTPConnection", "handle_request"),
    ("httpcore", "ConnectionPool", "handle_request"),
    ("httpcore", "HTTPProxy", "handle_request"),
)

Place = Tuple[Any, str, Any]


def _places(with_sockets: bool) -> list[Place]:
    names = [(getattr(import_module(module), cls), name) for module, cls, name in _HTTPX]
    if with_sockets:
        names += [(socket, name) for name in _SOCKET_NAMES]
        names += [(socket.socket, name) for name in _SOCKET_METHODS]
    return [(holder, name, vars(holder).get(name, _ABSENT)) for holder, name in names]


@define(eq=False)
class Network:
    """
    The methods of httpx as they were when the object was made, and *with_sockets* those of `socket`.
    """

    with_sockets: bool = True
    _open: list[Place] = field(init=False)
    _blocked: list[Place] = field(init=False, factory=list)
    _inside: int = field(init=False, default=0)
    _lock: Lock = field(init=False, factory=Lock)

    def __attrs_post_init__(self) -> None:
        self._open = _places(self.with_sockets)

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
