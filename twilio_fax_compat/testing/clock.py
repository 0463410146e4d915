"""Virtual time, and the real time behind a frozen clock."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone
from threading import Event, RLock, Thread
from typing import Any, Callable

from attrs import define, field


def monotonic() -> float:
    """Return the monotonic time in seconds. It runs on while freezegun holds the process's clock."""
    clock = getattr(sys.modules.get("freezegun.api"), "real_monotonic", time.monotonic)
    return float(clock())


def wall_clocks() -> list[float]:
    """
    Return the times that a receiver of webhooks may have, in seconds since the epoch.

    It is the real time. While freezegun holds the process's clock, it is the frozen time, which a receiver
    in this process has, and then the real time, which a receiver in another process has.
    """
    # Asking `time.time` would not do: what freezegun answers depends on the caller's call stack.
    freezegun: Any = sys.modules.get("freezegun.api")
    if freezegun is None:
        return [time.time()]
    real = float(freezegun.real_time())
    frozen = [factory().replace(tzinfo=timezone.utc) for factory in freezegun.freeze_factories[-1:]]
    return [*(moment.timestamp() for moment in frozen), real]


@define
class Clock:
    """
    Virtual time that begins at *start*, an aware datetime.

    It runs *speed* times as fast as real time. At speed 0 only `advance` moves it.
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
        """Move the time forward by *seconds*. Raises ValueError if they are negative."""
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, but is {seconds}: time cannot go back")
        with self._lock:
            self._moved += timedelta(seconds=seconds)

    def stamp(self) -> datetime:
        """Return the time, made later than every earlier stamp."""
        with self._lock:
            now = self.now()
            if self._last_stamp is not None and now <= self._last_stamp:
                now = self._last_stamp + timedelta(microseconds=1)
            self._last_stamp = now
            return now


class Ticker:
    """Calls *tick* every 10 milliseconds from a thread of its own."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="telnyx-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop calling *tick*, and wait for the last call to end."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.01):
            self._tick()


def iso(moment: datetime) -> str:
    """Return *moment* in the format of Telnyx's webhooks: ISO 8601, microseconds, and Z."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"
