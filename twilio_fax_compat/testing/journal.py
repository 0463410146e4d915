"""What the emulator saw."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Mapping, Sequence

from attrs import field, frozen


@frozen
class Exchange:
    """
    A request that the emulator saw.

    *path* begins with ``/v2`` or ``/media``, *query* are pairs, *headers* have lower-case names
    and are no part of the repr, since they hold the API key. *status* is None when no answer was
    given, *fault* the name of the fault that was applied, *answer* the body that was sent or
    lost.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None = None
    fault: str | None = None
    answer: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        """The body decoded, None when there is none. Raises ValueError when it is no JSON."""
        return json.loads(self.body) if self.body else None


class Journal:
    """The last *limit* requests, or all of them when it is None."""

    def __init__(self, limit: int | None) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=limit)

    def add(self, exchange: Exchange) -> None:
        """Write down a request."""
        self._exchanges.append(exchange)

    def clear(self) -> None:
        """Forget all."""
        self._exchanges.clear()

    def snapshot(self) -> list[Exchange]:
        """Return what is written down, oldest first."""
        while True:
            try:
                return list(self._exchanges)
            except RuntimeError:  # it grew meanwhile
                continue
