"""What is known of a fax beyond Telnyx's own record of it."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Protocol, Sequence

from attrs import define, field

from twilio_fax_compat._core.messages import Facts


class Ledger(Protocol):
    """Keeps `Facts` by Telnyx fax id."""

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Keep *facts* about a fax."""

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of those *fax_ids* that are known."""


@define
class MemoryLedger:
    """A ledger of this process alone, which forgets the oldest of more than *limit* faxes."""

    limit: int = 10_000
    _facts: OrderedDict[str, Facts] = field(factory=OrderedDict, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Keep *facts* about a fax."""
        with self._lock:
            self._facts[fax_id] = facts
            self._facts.move_to_end(fax_id)
            while len(self._facts) > self.limit:
                self._facts.popitem(last=False)

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of those *fax_ids* that are known."""
        known = self._facts
        if not known:
            return {}
        return {fax_id: known[fax_id] for fax_id in fax_ids if fax_id in known}


PROCESS_LEDGER = MemoryLedger()
"""What every client of this process shares unless it is given another."""
