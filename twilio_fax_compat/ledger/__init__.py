"""What is known of a fax beyond Telnyx's own record of it, and which events were delivered."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from time import monotonic
from typing import Protocol, Sequence

from attrs import define, field

from twilio_fax_compat._core.messages import Facts, merged


class Ledger(Protocol):
    """Keeps `Facts` by Telnyx fax id, and the ids of events."""

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Add *facts* to what is known of a fax."""

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of those *fax_ids* that are known."""

    def claim(self, event_id: str, lease: float) -> str:
        """
        Take an event into one's hands for *lease* seconds.

        Returns ``new`` to whoever has it now, ``busy`` while somebody else does, and ``done`` for
        an event that was settled.
        """

    def settle(self, event_id: str) -> None:
        """Note that an event needs nothing more."""

    def release(self, event_id: str) -> None:
        """Give a claim up, so that the event can be claimed again."""


_DONE = float("inf")


@define
class MemoryLedger:
    """
    A ledger of this process alone.

    Of more than *limit* faxes or events it forgets the oldest.
    """

    limit: int = 10_000
    _facts: OrderedDict[str, Facts] = field(factory=OrderedDict, init=False, repr=False)
    _claims: OrderedDict[str, float] = field(factory=OrderedDict, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Add *facts* to what is known of a fax."""
        with self._lock:
            self._facts[fax_id] = merged(self._facts.get(fax_id), facts)
            self._facts.move_to_end(fax_id)
            while len(self._facts) > self.limit:
                self._facts.popitem(last=False)

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of those *fax_ids* that are known."""
        known = self._facts
        if not known:
            return {}
        with self._lock:
            return {fax_id: known[fax_id] for fax_id in fax_ids if fax_id in known}

    def claim(self, event_id: str, lease: float) -> str:
        """Take an event into one's hands for *lease* seconds."""
        now = monotonic()
        with self._lock:
            until = self._claims.get(event_id, 0.0)
            if until == _DONE:
                return "done"
            if until > now:
                return "busy"
            self._claims[event_id] = now + lease
            while len(self._claims) > self.limit:
                self._claims.popitem(last=False)
            return "new"

    def settle(self, event_id: str) -> None:
        """Note that an event needs nothing more."""
        with self._lock:
            self._claims[event_id] = _DONE

    def release(self, event_id: str) -> None:
        """Give a claim up, so that the event can be claimed again."""
        with self._lock:
            if self._claims.get(event_id) != _DONE:
                self._claims.pop(event_id, None)


PROCESS_LEDGER = MemoryLedger()
"""What every client of this process shares unless it is given another."""


class LedgerUnavailable(Exception):
    """What is kept cannot be reached; nothing was changed."""


def open_ledger(url: str) -> Ledger:
    """
    Return the ledger of *url*.

    ``memory:`` is one of this process. ``sqlite:///relative.db`` and ``sqlite:////absolute/path.db`` are
    a file that any number of processes of one machine share. Raises ValueError for anything else
    and LedgerUnavailable for a file that cannot be opened.
    """
    if url == "memory:":
        return MemoryLedger()
    scheme, _, path = url.partition("///")
    if scheme != "sqlite:" or not path:
        # A URL of another kind may hold a password.
        raise ValueError("a ledger is memory: or sqlite:///path/to/file.db")
    from twilio_fax_compat.ledger.sqlite import SQLiteLedger

    return SQLiteLedger(path)
