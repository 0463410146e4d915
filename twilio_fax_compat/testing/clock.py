from __future__ import annotations

from datetime import datetime, timedelta, timezone
from threading import RLock
from time import monotonic

from attrs import define, field


@define
class Clock:
    """
    Virtual time, which runs at *speed* times real time and can be moved on.

    At speed 0 only `advance` moves it.
    """

    start: datetime
    speed: float = 0.0
    _moved: timedelta = field(factory=timedelta, init=False)
    _began: float = field(factory=monotonic, init=False)
    _last_stamp: datetime | None = field(default=None, init=False)
    _lock: RLock = field(factory=RLock, init=False, repr=False)

    def now(self) -> datetime:
        """Return the virtual time, aware and in UTC."""
        passed = timedelta(seconds=(monotonic() - self._began) * self.speed)
        return self.start + self._moved + passed

    def advance(self, seconds: float) -> None:
        """Move the time on."""
        with self._lock:
            self._moved += timedelta(seconds=seconds)

    def stamp(self) -> datetime:
        """Return the time, later than any stamp before."""
        with self._lock:
            now = self.now()
            if self._last_stamp is not None and now <= self._last_stamp:
                now = self._last_stamp + timedelta(microseconds=1)
            self._last_stamp = now
            return now


def iso(moment: datetime) -> str:
    """Return *moment* as Telnyx's webhooks write it: microseconds and a Z."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
