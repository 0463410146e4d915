"""A ledger in the memory of one process."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from heapq import heappop, heappush
from itertools import count
from threading import RLock
from typing import Any, Callable, Iterator, Mapping, Sequence

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.facts import SEND_KEYS, Facts, entries_of, merged
from twilio_fax_compat.ledger._forks import take_part
from twilio_fax_compat.ledger._protocol import InboxEntry, LedgerUnavailable, WaitingEvent

logger = logging.getLogger("twilio_fax_compat")

_DONE = float("inf")


@frozen
class _Stored:
    """
    An inbox entry, the time when it is due, and the time when that was written.

    *received* is the time when it was stored. *reason* says why the last attempt failed.
    """

    entry: InboxEntry
    due: float
    at: float
    place: int
    received: float
    reason: str = ""


@define(eq=False)
class MemoryLedger:
    """
    A ledger in the memory of one process.

    It stores at most *limit* faxes, events and counters each, and deletes the oldest. An inbox of
    *limit* entries accepts no more. *clock* returns seconds.
    """

    limit: int = 10_000
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    # Each value begins with the time when it was written.
    _facts: OrderedDict[str, tuple[float, Facts]] = field(
        factory=OrderedDict, init=False, repr=False
    )
    _claims: OrderedDict[str, tuple[float, float]] = field(
        factory=OrderedDict, init=False, repr=False
    )
    _inbox: dict[str, _Stored] = field(factory=dict, init=False, repr=False)
    # By application: heaps of when an entry is due, its place, and its event. Entries that were finished
    # or have another due time since are skipped.
    _due: dict[str, list[tuple[float, int, str]]] = field(factory=dict, init=False, repr=False)
    _places: Iterator[int] = field(factory=count, init=False, repr=False)
    # The latest time at which an inbox entry was written.
    _latest: float = field(default=float("-inf"), init=False, repr=False)
    # By hour and name, the oldest hour first.
    _counts: OrderedDict[tuple[int, str], int] = field(factory=OrderedDict, init=False, repr=False)
    _lock: RLock = field(factory=RLock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        take_part(self)

    def before_fork(self) -> None:
        """Wait until no other thread changes the ledger."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Let other threads continue."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which belongs to the parent's thread."""
        self._lock = RLock()

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Merge *facts* into the facts of a fax."""
        with self._lock:
            stored = self._facts.get(fax_id)
            result = merged(stored and stored[1], facts)
            if fax_id.startswith(SEND_KEYS) and not result.sends:
                self._facts.pop(fax_id, None)
                return
            self._facts[fax_id] = (self.clock(), result)
            self._facts.move_to_end(fax_id)
            while len(self._facts) > self.limit:
                self._delete_oldest()

    def _delete_oldest(self) -> None:
        # What may have been sent is the last to go.
        sends: dict[bool, str] = {}
        for key, (_, facts) in self._facts.items():
            if not key.startswith(SEND_KEYS):
                break
            sends.setdefault(_has_open_sends(facts), key)
        else:
            key = sends[False] if False in sends else sends[True]
            if False not in sends:
                logger.warning(
                    "the ledger in memory has no room for more than %d sends, and forgot one whose end "
                    "is unknown: %s",
                    self.limit,
                    key[len(SEND_KEYS) :],
                )
        del self._facts[key]

    def forget_sends(self) -> None:
        """Delete the sends without a known end, as a test suite does between its tests."""
        with self._lock:
            for key in [key for key in self._facts if key.startswith(SEND_KEYS)]:
                del self._facts[key]

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of *fax_ids* by fax id; ids without facts are left out."""
        stored = self._facts
        if not stored:
            return {}
        with self._lock:
            return {fax_id: stored[fax_id][1] for fax_id in fax_ids if fax_id in stored}

    def recent(self, seconds: float) -> Iterator[tuple[str, Facts]]:
        """Yield fax ids and facts that changed in the last *seconds* seconds."""
        with self._lock:
            stored, past = list(self._facts.items()), self.clock() - seconds
        for fax_id, (at, facts) in stored:
            if at >= past and not fax_id.startswith(SEND_KEYS):
                yield fax_id, facts

    def open_sends(self) -> Iterator[Mapping[str, Any]]:
        """Yield what is stored of each send without a known end."""
        with self._lock:
            stored = [facts for key, (_, facts) in self._facts.items() if key.startswith(SEND_KEYS)]
        for facts in stored:
            yield from entries_of(facts)

    def count(self, name: str) -> None:
        """Add 1 to the counter *name* in the current hour."""
        with self._lock:
            place = self._hour(0), name
            self._counts[place] = self._counts.get(place, 0) + 1
            while len(self._counts) > self.limit:
                self._counts.popitem(last=False)

    def counts(self, since: float) -> dict[str, int]:
        """Return each counter that is not 0 and its sum over the last *since* seconds."""
        with self._lock:
            first = self._hour(since)
            sums: dict[str, int] = {}
            for (hour, name), number in self._counts.items():
                if hour >= first:
                    sums[name] = sums.get(name, 0) + number
            return sums

    def _hour(self, seconds_ago: float) -> int:
        return int((self.clock() - seconds_ago) // 3600)

    def claim(self, event_id: str, lease: float) -> str:
        """Try to lock an event for *lease* seconds."""
        with self._lock:
            now = self.clock()
            at, until = self._claims.get(event_id, (now, now))
            if until == _DONE:
                return "done"
            if until > now:
                if at > now:  # the clock was set back
                    self._note(event_id, until - at + now)
                return "busy"
            self._note(event_id, now + lease)
            return "new"

    def prolong(self, event_id: str, lease: float) -> None:
        """Extend the caller's claim to *lease* seconds from now."""
        with self._lock:
            if self._claims.get(event_id, (0.0, _DONE))[1] != _DONE:
                self._note(event_id, self.clock() + lease)

    def settle(self, event_id: str) -> None:
        """Record that an event needs no more work."""
        with self._lock:
            self._note(event_id, _DONE)

    def release(self, event_id: str) -> None:
        """End a claim, so that the event can be claimed again."""
        with self._lock:
            if not self._is_settled(event_id):
                self._claims.pop(event_id, None)

    def put(self, entry: InboxEntry) -> bool:
        """
        Store *entry* unless its event is in the inbox or was settled.

        Raises LedgerUnavailable if the inbox is full.
        """
        with self._lock:
            if entry.event_id in self._inbox or self._is_settled(entry.event_id):
                return False
            if len(self._inbox) >= self.limit:
                raise LedgerUnavailable("the inbox in memory is full")
            now = self.clock()
            self._correct_times(now)
            self._store(
                _Stored(evolve(entry, attempts=0), now, now, next(self._places), received=now)
            )
            return True

    def take(self, lease: float, application: str = "") -> InboxEntry | None:
        """Return an entry of *application* that is due, the longest due first."""
        if not self._inbox:
            return None
        with self._lock:
            now = self.clock()
            self._correct_times(now)
            for owner in ("", application):
                due = self._due.get(owner, [])
                while due and due[0][0] <= now:
                    time_due, place, event_id = heappop(due)
                    stored = self._inbox.get(event_id)
                    if stored is None or (stored.due, stored.place) != (time_due, place):
                        continue
                    entry = evolve(stored.entry, attempts=stored.entry.attempts + 1)
                    self._store(evolve(stored, entry=entry, due=now + lease, at=now))
                    return entry
            return None

    def finish(self, event_id: str) -> None:
        """Delete an event's entry and settle the event."""
        with self._lock:
            self._inbox.pop(event_id, None)
            self._note(event_id, _DONE)

    def postpone(
        self,
        event_id: str,
        seconds: float,
        *,
        count_attempt: bool = True,
        reason: str | None = None,
    ) -> None:
        """Make an event's entry due in *seconds* seconds."""
        with self._lock:
            stored = self._inbox.get(event_id)
            if stored is not None:
                attempts = stored.entry.attempts - (not count_attempt)
                now = self.clock()
                entry = evolve(stored.entry, attempts=attempts)
                reason = stored.reason if reason is None else reason
                self._store(evolve(stored, entry=entry, due=now + seconds, at=now, reason=reason))

    def waiting(self) -> int:
        """Return how many inbox entries are not finished."""
        return len(self._inbox)

    def waiting_events(self) -> Iterator[WaitingEvent]:
        """Yield the inbox entries that are not finished, the first stored first."""
        with self._lock:
            now = self.clock()
            entries = sorted(self._inbox.values(), key=lambda stored: stored.place)
        for stored in entries:
            entry = stored.entry
            yield WaitingEvent(
                entry.event_id,
                entry.application,
                entry.body,
                entry.attempts,
                now - stored.received,
                stored.due - now,
                stored.reason,
            )

    def oldest_waiting(self) -> float | None:
        """Return how many seconds ago the first inbox entry was stored; None if the inbox is empty."""
        with self._lock:
            # A dictionary keeps the place of a key whose value is replaced.
            first = next(iter(self._inbox.values()), None)
            return None if first is None else self.clock() - first.received

    def forget(self, keys: Sequence[str]) -> None:
        """Delete the facts of those *keys*."""
        with self._lock:
            for key in keys:
                self._facts.pop(key, None)

    def sweep(self, older_than: float) -> int:
        """Delete facts, settled events, expired claims and counters that are too old."""
        with self._lock:
            now = self.clock()
            past = now - older_than
            facts = [fax_id for fax_id, (at, _) in self._facts.items() if at < past]
            for fax_id in facts:
                del self._facts[fax_id]
            events = [
                event_id
                for event_id, (at, until) in self._claims.items()
                if at < past and (until == _DONE or until <= now)
            ]
            for event_id in events:
                del self._claims[event_id]
            first = self._hour(older_than)
            counts = [place for place in self._counts if place[0] < first]
            for place in counts:
                del self._counts[place]
            return len(facts) + len(events) + len(counts)

    def erase(self) -> bool:
        """Do nothing: memory that was given back has no owner."""
        return True

    def check(self) -> None:
        """Do nothing: memory is always there."""

    def close(self) -> None:
        """Do nothing: memory has no connections."""

    def _store(self, stored: _Stored) -> None:
        entry = stored.entry
        self._inbox[entry.event_id] = stored
        due = stored.due, stored.place, entry.event_id
        heappush(self._due.setdefault(entry.application, []), due)
        self._latest = max(self._latest, stored.at)

    def _correct_times(self, now: float) -> None:
        """Let entries from the future last as long from now, because the clock was set back."""
        if self._latest > now:
            self._latest = now
            for stored in list(self._inbox.values()):
                if stored.at > now:
                    self._store(evolve(stored, due=stored.due - stored.at + now, at=now))

    def _note(self, event_id: str, until: float) -> None:
        self._claims[event_id] = (self.clock(), until)
        self._claims.move_to_end(event_id)
        while len(self._claims) > self.limit:
            self._claims.popitem(last=False)

    def _is_settled(self, event_id: str) -> bool:
        return self._claims.get(event_id, (0.0, 0.0))[1] == _DONE


def _has_open_sends(facts: Facts) -> bool:
    """Return whether *facts* are of a form's sends, and not of the index of their tokens."""
    return any(entries_of(facts))
