"""What every ledger does."""

from __future__ import annotations

from typing import Iterator, Mapping, Protocol, Sequence

from attrs import field, frozen

from twilio_fax_compat._core.facts import Facts


class LedgerUnavailable(Exception):
    """A ledger's state cannot be reached; the text tells why and has no credentials."""


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


class Ledger(Protocol):
    """
    Keeps `Facts` by Telnyx fax id, the ids of events, an inbox of events, and counters.

    Every method can be called from any thread, is atomic, and raises LedgerUnavailable when the
    state cannot be reached. Times are seconds.
    """

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Add *facts* to what is known of a fax."""

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of those *fax_ids* that are known."""

    def recent(self, seconds: float) -> Iterator[tuple[str, Facts]]:
        """
        Yield the fax ids and facts that were touched in the last so many *seconds*, in any order.

        Ids that begin with ``send:`` are no faxes and are left out. What changes meanwhile may be
        told as it was or as it is.
        """

    def count(self, name: str) -> None:
        """Add 1 to the counter *name* of the current hour."""

    def counts(self, since: float) -> dict[str, int]:
        """
        Return the counters that are not 0, from *since* seconds ago until now.

        The hour in which that was counts as a whole.
        """

    def claim(self, event_id: str, lease: float) -> str:
        """
        Take an event into one's hands for *lease* seconds.

        Returns ``new`` to whoever has it now, ``busy`` while somebody else does, and ``done`` for
        an event that was settled.
        """

    def prolong(self, event_id: str, lease: float) -> None:
        """Keep a claim of one's own for *lease* seconds from now."""

    def settle(self, event_id: str) -> None:
        """Note that an event needs nothing more."""

    def release(self, event_id: str) -> None:
        """Give a claim up, so that the event can be claimed again."""

    def put(self, entry: InboxEntry) -> bool:
        """
        Store *entry*, due at once and never taken.

        Returns False, and stores nothing, when the inbox has an entry of that event or the event
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
        """Remove an event's entry and settle the event, both or neither."""

    def postpone(self, event_id: str, seconds: float, *, count_attempt: bool = True) -> None:
        """
        Give an event's entry back, to be due in so many *seconds*.

        *count_attempt* False does not count that it was taken now as an attempt.
        """

    def waiting(self) -> int:
        """Return how many entries are not finished, taken and postponed ones included."""

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

    def close(self) -> None:
        """Give up what is open; a later call opens it again."""
