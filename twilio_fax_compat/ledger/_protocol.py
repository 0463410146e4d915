"""The methods of every ledger."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Protocol, Sequence

from attrs import field, frozen

from twilio_fax_compat._core.facts import Facts


class LedgerUnavailable(Exception):
    """The ledger cannot be reached. The text says why, and contains no credentials."""


@frozen
class InboxEntry:
    """
    A webhook that was received and waits to be delivered, as it came.

    *attempts* counts how often it was taken. *application* names the application that it belongs to.
    """

    event_id: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    url: str = field(repr=False)
    attempts: int = 0
    application: str = ""


@frozen
class WaitingEvent:
    """
    What is known of an inbox entry that is not finished.

    *age* is the number of seconds since it was stored, and *due_in* the number until it is due; that is
    negative if it is overdue. *attempts* counts how often it was taken. *reason* says why the last attempt
    failed, an empty text if that is not known. It has no numbers of the fax.
    """

    event_id: str
    application: str
    body: bytes = field(repr=False)
    attempts: int
    age: float
    due_in: float
    reason: str = ""


class Ledger(Protocol):
    """
    Stores `Facts` by Telnyx fax id, claims on events, an inbox of events, and counters.

    Every method is atomic, can be called from any thread, and raises LedgerUnavailable if the ledger
    cannot be reached. All times are seconds. If the clock is set back, a claim or a delay lasts as
    long as it was asked for from then on, and not until the clock has caught up.
    """

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Merge *facts* into the facts of a fax."""

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of *fax_ids* by fax id; ids without facts are left out."""

    def recent(self, seconds: float) -> Iterator[tuple[str, Facts]]:
        """
        Yield fax ids and facts that changed in the last *seconds* seconds, in any order.

        The ``send:`` keys of sends are left out. If facts change meanwhile, the old or the new ones
        are yielded.
        """

    def open_sends(self) -> Iterator[Mapping[str, Any]]:
        """Yield what is stored of each send without a known end, in any order."""

    def count(self, name: str) -> None:
        """Add 1 to the counter *name* in the current hour."""

    def counts(self, since: float) -> dict[str, int]:
        """
        Return each counter that is not 0 and its sum over the last *since* seconds.

        The first hour counts as a whole.
        """

    def claim(self, event_id: str, lease: float) -> str:
        """
        Try to lock an event for *lease* seconds.

        Returns ``new`` if the caller has the lock, ``busy`` if another caller has it, and ``done`` if
        the event was settled.
        """

    def prolong(self, event_id: str, lease: float) -> None:
        """Extend the caller's claim to *lease* seconds from now."""

    def settle(self, event_id: str) -> None:
        """Record that an event needs no more work."""

    def release(self, event_id: str) -> None:
        """End a claim, so that the event can be claimed again."""

    def put(self, entry: InboxEntry) -> bool:
        """
        Store *entry*, due at once, with no attempts.

        Returns False and stores nothing if the inbox has an entry of the same event, or if the event
        was settled.
        """

    def take(self, lease: float, application: str = "") -> InboxEntry | None:
        """
        Return an entry of *application* that is due, the longest due first; None if none is due.

        Nobody else gets the entry for *lease* seconds; then it is due again unless it was finished.
        Entries without an application, as earlier versions of this package stored them, go to
        whichever application asks first.
        """

    def finish(self, event_id: str) -> None:
        """Delete an event's entry and settle the event, in one step."""

    def postpone(
        self,
        event_id: str,
        seconds: float,
        *,
        count_attempt: bool = True,
        reason: str | None = None,
    ) -> None:
        """
        Make an event's entry due in *seconds* seconds.

        With *count_attempt* False, the last `take` does not count as an attempt. *reason* says why
        the last attempt failed; None leaves the earlier reason.
        """

    def waiting(self) -> int:
        """Return how many inbox entries are not finished, including taken and postponed ones."""

    def waiting_events(self) -> Iterator[WaitingEvent]:
        """Yield the inbox entries that are not finished, the first stored first."""

    def oldest_waiting(self) -> float | None:
        """Return how many seconds ago the first inbox entry was stored; None if the inbox is empty."""

    def forget(self, keys: Sequence[str]) -> None:
        """
        Delete the facts of those *keys*, which are fax ids or the ``send:`` keys of sends.

        A key without facts is ignored.
        """

    def sweep(self, older_than: float) -> int:
        """
        Delete what was last changed more than *older_than* seconds ago, and return how many rows.

        Facts, settled events, expired claims and counters are deleted, and never an inbox entry.
        """

    def erase(self) -> bool:
        """
        Remove deleted content from the storage, such as a write-ahead log, as far as the ledger can.

        Returns whether nothing of it is left; False if other processes are at work, or if the
        database server removes it later.
        """

    def check(self) -> None:
        """
        Raise LedgerUnavailable if the ledger cannot be opened and written.

        This leaves no connection open, so that a server can call it before it forks.
        """

    def close(self) -> None:
        """Close connections. A later call opens them again."""
