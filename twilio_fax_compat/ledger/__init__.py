"""
Ledgers store what Telnyx does not keep: facts of faxes, events that were received, and counters.

`MemoryLedger` belongs to one process. `open_ledger` opens a ledger in an SQLite file or in PostgreSQL,
which several processes share.
"""

from __future__ import annotations

from twilio_fax_compat.ledger._opening import PROCESS_LEDGER, open_ledger
from twilio_fax_compat.ledger._protocol import InboxEntry, Ledger, LedgerUnavailable, WaitingEvent
from twilio_fax_compat.ledger.memory import MemoryLedger

__all__ = [
    "PROCESS_LEDGER",
    "InboxEntry",
    "Ledger",
    "LedgerUnavailable",
    "MemoryLedger",
    "WaitingEvent",
    "open_ledger",
]
