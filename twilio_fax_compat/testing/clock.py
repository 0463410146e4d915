"""Virtual time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from threading import Event, RLock, Thread
from time import monotonic
from typing import Callable

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
        if not self.speed:
            return self.start + self._moved
        passed = timedelta(seconds=(monotonic() - self._began) * self.speed)
        return self.start + self._moved + passed

    def advance(self, seconds: float) -> None:
        """Move the time on by *seconds*. Raises ValueError when they are negative."""
        if seconds < 0:
            raise ValueError("time does not go back: seconds must not be negative")
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


class Ticker:
    """Calls *tick* every hundredth of a second from a thread of its own."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="telnyx-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call no more; returns when the last call has."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.01):
            self._tick()


def iso(moment: datetime) -> str:
    """Return *moment* as Telnyx's webhooks write it: microseconds and a Z."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"
