"""Removes what this package stored of a fax."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Iterator, Sequence

from attrs import frozen

from twilio_fax_compat._core.attempts import LEGACY
from twilio_fax_compat._core.translation.ids import fax_id_of, fax_sid
from twilio_fax_compat._core.translation.statuses import TERMINAL_STATUSES
from twilio_fax_compat._core.webhooks.events import stored_event
from twilio_fax_compat.ledger import Ledger

if TYPE_CHECKING:
    from twilio_fax_compat.webhooks.storage import Storage

_LEASE = 60.0  # for this long no event of the fax is delivered meanwhile


@frozen
class Purged:
    """
    What became of the traces of a fax, as *texts*.

    *is_done* is False if some could not be removed. *is_final* is False if more events are expected.
    """

    texts: Sequence[str]
    is_done: bool = True
    is_final: bool = True


def purge(
    words: Sequence[str], ledger: Ledger | None, store: str | None
) -> Iterator[tuple[str, Purged]]:
    """
    Remove the faxes *words*, SIDs or Telnyx ids, from the ledger and from the documents at *store*.

    Yields the SID of each and what became of it. Raises ValueError for a wrong word or without a place,
    before anything is removed; LedgerUnavailable; and ImportError without the package of the storage.
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
    for fax in faxes:
        yield fax_sid(fax) or "", _purge_one(fax, ledger, storage)


def _purge_one(fax: str, ledger: Ledger | None, storage: Storage | None) -> Purged:
    from_ledger = Purged(()) if ledger is None else _purge_from(ledger, fax)
    if storage is None or not from_ledger.is_done:
        return from_ledger
    try:
        text = "document deleted" if storage.delete(fax_sid(fax) or "") else "no document"
    except OSError as error:
        text = f"its document cannot be deleted: {type(error).__name__}"
        return Purged((*from_ledger.texts, text), False, from_ledger.is_final)
    return Purged((*from_ledger.texts, text), is_final=from_ledger.is_final)


def _purge_from(ledger: Ledger, fax: str) -> Purged:
    """
    Remove the facts and the waiting events of *fax*, a Telnyx id.

    The events count as delivered: if Telnyx sends them again, they are not delivered.
    """
    lock = "fax:" + fax
    if ledger.claim(lock, _LEASE) == "busy":
        return Purged(
            ("not purged: an event of it is being delivered; try again in a minute",), False
        )
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
    texts = [] if facts is None else ["facts deleted"]
    if events:
        texts.append(f"{events} waiting events dropped")
    is_final = (
        facts is None
        or facts.provider == LEGACY
        or (facts.reported or facts.status) in TERMINAL_STATUSES
    )
    return Purged(texts or ["nothing in the ledger"], is_final=is_final)


def _fax(word: str) -> str:
    identifier = fax_id_of(word)
    if identifier is None:
        raise ValueError(f"{word[:12]}... is not a Twilio SID or a Telnyx id")
    return identifier
