"""The requests that the emulator received."""

from __future__ import annotations

import json
from collections import deque
from datetime import datetime
from typing import Any, Mapping, Sequence

from attrs import field, frozen


@frozen
class Exchange:
    """
    A request that the emulator received, and its response.

    *path* begins with ``/v2`` or ``/media``. *query* is a list of pairs. *headers* have lower-case names;
    the repr leaves them out because they hold the API key. *status* is None if no response was sent.
    *fault* is the name of the fault that was applied. *answer* is the body that was sent or lost.
    *at* is the virtual time of the answer.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None = None
    fault: str | None = None
    answer: bytes = field(default=b"", repr=False)
    at: datetime | None = field(default=None, repr=False, eq=False)

    @property
    def json(self) -> Any:
        """The decoded body, or None without a body. Raises ValueError if it is not JSON."""
        return json.loads(self.body) if self.body else None


class Journal:
    """The last *limit* requests, or all of them if *limit* is None."""

    def __init__(self, limit: int | None) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=limit)

    def add(self, exchange: Exchange) -> None:
        """Add a request."""
        self._exchanges.append(exchange)

    def clear(self) -> None:
        """Remove all requests."""
        self._exchanges.clear()

    def snapshot(self) -> list[Exchange]:
        """Return the requests, oldest first."""
        while True:
            try:
                return list(self._exchanges)
            except RuntimeError:  # another thread added a request
                continue
