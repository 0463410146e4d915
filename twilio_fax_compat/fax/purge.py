"""``twilio-fax-compat fax purge``: removes what this package stored of a fax."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Sequence

from attrs import frozen

from twilio_fax_compat._core.attempts import LEGACY
from twilio_fax_compat._core.translation.ids import fax_id, fax_sid
from twilio_fax_compat._core.translation.statuses import TERMINAL_STATUSES
from twilio_fax_compat._core.webhooks.events import stored_event
from twilio_fax_compat.ledger import Ledger

_LEASE = 60.0  # for this long no event of the fax is delivered meanwhile


@frozen
class Traces:
    """What was found of a fax, and removed. *is_final* is True if no more events are expected."""

    has_facts: bool = False
    events: int = 0
    is_final: bool = True


class InDelivery(Exception):
    """An event of the fax is being delivered to the application."""


def purge(words: Sequence[str], ledger: Ledger | None, store: str | None) -> int:
    """
    Remove the faxes *words*, SIDs or Telnyx ids, from the ledger and the documents at *store*.

    Prints what was removed, and returns the exit status: 1 if something could not be removed. Raises
    ValueError for a wrong word or without a place, before anything is removed, and LedgerUnavailable.
    """
    faxes = [_fax(word) for word in words]
    if not faxes:
        raise ValueError("write: twilio-fax-compat fax purge FX... [--store URL]")
    if ledger is None and store is None:
        raise ValueError("nothing to purge from: pass --ledger URL, --store URL or both")
    storage = None
    if store is not None:
        from twilio_fax_compat.webhooks.storage import Storage

        storage = Storage(store)
    status = 0
    for fax in faxes:
        sid = fax_sid(fax) or ""
        results = []
        try:
            if ledger is not None:
                results.append(_in_words(sid, purge_from(ledger, fax)))
            if storage is not None:
                results.append("document deleted" if storage.delete(sid) else "no document")
        except InDelivery:
            results.append("not purged: an event of it is being delivered; try again in a minute")
            status = 1
        except OSError as error:
            results.append(f"its document cannot be deleted: {type(error).__name__}")
            status = 1
        print(f"{sid}: {', '.join(results)}")
    if ledger is not None and not ledger.erase():
        print(
            "The ledger removes the deleted content from its files later: SQLite when the other "
            "processes pause, PostgreSQL with VACUUM. Its backups are yours to delete.",
            file=sys.stderr,
        )
    print("Telnyx keeps its own record until client.fax.faxes(sid).delete().")
    return status


def purge_from(ledger: Ledger, fax: str) -> Traces:
    """
    Remove the facts and the waiting events of *fax*, a Telnyx id. Raises InDelivery.

    The events count as delivered: if Telnyx sends them again, they are not delivered.
    """
    lock = "fax:" + fax
    if ledger.claim(lock, _LEASE) == "busy":
        raise InDelivery(fax)
    try:
        facts = ledger.recall((fax,)).get(fax)
        events = 0
        for waiting in ledger.waiting_events():
            event = stored_event(waiting.body)
            if event is not None and event.fax_id == fax:
                ledger.finish(waiting.event_id)
                events += 1
        ledger.forget((fax,))
    finally:
        with suppress(Exception):
            ledger.release(lock)
    is_final = (
        facts is None
        or facts.provider == LEGACY
        or (facts.reported or facts.status) in TERMINAL_STATUSES
    )
    return Traces(facts is not None, events, is_final)


def _fax(word: str) -> str:
    identifier = fax_id(word) or (word.lower() if fax_sid(word) else None)
    if identifier is None:
        raise ValueError(f"{word[:12]}... is not a Twilio SID or a Telnyx id")
    return identifier


def _in_words(sid: str, traces: Traces) -> str:
    if not traces.has_facts and not traces.events:
        return "nothing in the ledger"
    parts = ["facts deleted"] if traces.has_facts else []
    if traces.events:
        parts.append(f"{traces.events} waiting events dropped")
    if not traces.is_final:
        print(
            f"{sid}: its end was not reported yet. A later event stores facts again: purge it again "
            "then",
            file=sys.stderr,
        )
    return ", ".join(parts)
