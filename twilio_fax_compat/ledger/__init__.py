"""What is known of a fax beyond Telnyx's own record of it, and which events were received."""

from __future__ import annotations

from twilio_fax_compat.ledger._opening import PROCESS_LEDGER, open_ledger
from twilio_fax_compat.ledger._protocol import InboxEntry, Ledger, LedgerUnavailable
from twilio_fax_compat.ledger.memory import MemoryLedger

__all__ = [
    "PROCESS_LEDGER",
    "InboxEntry",
    "Ledger",
    "LedgerUnavailable",
    "MemoryLedger",
    "open_ledger",
]
