"""
How a client uses its ledger: a ledger that cannot be reached makes no call fail.

Telnyx has the fax, and the ledger only knows more about it. So a call is answered without that, with a
warning. Facts that could not be written are kept in this process, and written when the ledger is back.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Sequence

from twilio_fax_compat._core.effects import Warn
from twilio_fax_compat._core.facts import Facts, merged
from twilio_fax_compat._telnyx.developer_warnings import warn_once
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable, MemoryLedger
from twilio_fax_compat.warnings import TelnyxCompatibilityWarning

logger = logging.getLogger("twilio_fax_compat")

_WARNING = (
    "the ledger cannot be reached: {}. Until it can, page counts, durations, failure reasons and "
    "cancellations that other processes stored are missing"
)

# By the id of a ledger, which is kept so that its id stays its own: the facts that it could not take.
_kept: dict[int, tuple[Ledger, MemoryLedger]] = {}


def recall(ledger: Ledger, fax_ids: Sequence[str]) -> dict[str, Facts]:
    """Return the facts of *fax_ids*: what *ledger* has, if it can be reached, and what is kept here."""
    kept = _kept_for(ledger).recall(fax_ids) if id(ledger) in _kept else {}
    try:
        stored = ledger.recall(fax_ids)
        for fax_id, facts in kept.items():
            _write(ledger, fax_id, facts)
    except Exception as error:  # noqa: BLE001 - the call goes on without
        _warn("read", error)
        return kept
    return {**stored, **{key: merged(stored.get(key), facts) for key, facts in kept.items()}}


def remember(ledger: Ledger, fax_id: str, facts: Facts) -> None:
    """Write *facts* to *ledger*. If it cannot be reached, keep them in this process."""
    if id(ledger) in _kept:
        earlier = _kept_for(ledger).recall((fax_id,)).get(fax_id)
        facts = merged(earlier, facts)
    try:
        _write(ledger, fax_id, facts)
    except Exception as error:  # noqa: BLE001 - Telnyx has done what was asked
        _warn("write to", error)
        _kept_for(ledger).remember(fax_id, facts)


def count(ledger: Ledger, name: str) -> None:
    """Add 1 to a counter of *ledger*. If it cannot be reached, that is not counted."""
    try:
        ledger.count(name)
    except Exception as error:  # noqa: BLE001 - the call goes on without
        _warn("write to", error)


def _write(ledger: Ledger, fax_id: str, facts: Facts) -> None:
    ledger.remember(fax_id, facts)
    if id(ledger) in _kept:
        _kept_for(ledger).forget((fax_id,))


def _kept_for(ledger: Ledger) -> MemoryLedger:
    return _kept.setdefault(id(ledger), (ledger, MemoryLedger()))[1]


def _warn(what: str, error: Exception) -> None:
    # Only errors of this package's own ledgers are known to contain nothing private.
    text = str(error) if isinstance(error, LedgerUnavailable) else type(error).__name__
    logger.warning("could not %s the ledger: %s", what, text)
    # A program that turns warnings into errors needs what Telnyx did all the same.
    with suppress(TelnyxCompatibilityWarning):
        warn_once(Warn("ledger", _WARNING.format(text)))
