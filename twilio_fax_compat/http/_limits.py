"""Limits of a response: its size, and the time until it is complete."""

from __future__ import annotations

from time import monotonic
from typing import Optional, TypeVar

Seconds = TypeVar("Seconds", float, Optional[float])

MAX_BYTES = 32 * 1024 * 1024
"""The longest body that is read, after decoding. Telnyx's longest lists have less than 1 MB."""

TOO_LONG = f"the response is longer than {MAX_BYTES // 2**20} MB"
"""The error message of a body that is longer."""

WHOLE = 2
"""How many times the timeout of one part a whole response may take."""


class Deadline:
    """The moment when a response must be complete."""

    def __init__(self, seconds: float | None = None) -> None:
        self.start(seconds)

    def start(self, seconds: float | None) -> None:
        """Let the time run out after *seconds*. None sets no limit."""
        self._seconds = seconds
        self._end = None if seconds is None else monotonic() + seconds

    def left(self, timeout: Seconds) -> Seconds:
        """Return *timeout*, or the time left if that is less. It is not above zero at the end."""
        if self._end is None:
            return timeout
        left = self._end - monotonic()
        return left if timeout is None else min(left, timeout)

    def to_read(self, timeout: Seconds, late: type[Exception]) -> Seconds:
        """Return what `left` returns. Raises *late* at the end."""
        left = self.left(timeout)
        if left is not None and left <= 0:
            raise late(f"the response was not complete after {self._seconds:g} seconds")
        return left
