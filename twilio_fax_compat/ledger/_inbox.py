"""The inbox in a database table."""

from __future__ import annotations

import json
from typing import ClassVar, Iterator, Sequence

from twilio_fax_compat.ledger._protocol import InboxEntry, WaitingEvent
from twilio_fax_compat.ledger._tables import Query, Row, Transactions
from twilio_fax_compat.ledger._texts import from_column, to_column

# Written so that even a PostgreSQL without statistics of the table reads one row of an index.
_LATEST = "(SELECT max(at) FROM fax_ledger_inbox)"
_EARLIEST = "(SELECT due FROM fax_ledger_inbox WHERE application = {} ORDER BY due LIMIT 1)"


_AT_ONCE = 100


class SqlInbox(Transactions):
    """The inbox of a ledger, in SQL that SQLite and PostgreSQL both run."""

    for_update: ClassVar[str] = ""  # SQL that locks selected rows, without waiting for other locks

    def put(self, entry: InboxEntry) -> bool:
        """Store *entry* unless its event is in the inbox or was settled."""
        event_id = to_column(entry.event_id)

        def work(query: Query) -> bool:
            # Older entries stay before this one.
            self._correct_times(query)
            _, changed = query(
                "INSERT INTO fax_ledger_inbox"
                " (event_id, application, body, headers, url, attempts, due, at, received)"
                " VALUES (:event_id, :application, :body, :headers, :url, 0, :now, :now, :now)"
                " ON CONFLICT (event_id) DO NOTHING",
                event_id=event_id,
                application=to_column(entry.application),
                body=entry.body,
                headers=json.dumps(dict(entry.headers)),
                url=to_column(entry.url),
            )
            # Check after the insertion, which waits while another process finishes this event.
            if changed and self._is_settled(query, event_id):
                self._remove(query, event_id)
                return False
            return bool(changed)

        return self.transact(work)

    def take(self, lease: float, application: str = "") -> InboxEntry | None:
        """Return an entry of *application* that is due, the longest due first."""
        # Entries of earlier versions have no application. They are older.
        owners = tuple(dict.fromkeys(("", to_column(application))))
        # Polling an empty inbox must not take SQLite's write lock.
        if not self.transact(lambda query: _has_work(query, owners), writes=False):
            return None

        def work(query: Query) -> InboxEntry | None:
            self._correct_times(query)
            for owner in owners:
                rows, _ = query(
                    "SELECT event_id, body, headers, url, attempts"  # noqa: S608
                    " FROM fax_ledger_inbox WHERE application = :owner AND due <= :now"
                    f" ORDER BY due, place LIMIT 1 {self.for_update}",
                    owner=owner,
                )
                for event_id, body, headers, url, attempts in rows:
                    query(
                        "UPDATE fax_ledger_inbox"
                        " SET due = :now + :lease, at = :now, attempts = attempts + 1"
                        " WHERE event_id = :event_id",
                        lease=lease,
                        event_id=event_id,
                    )
                    return InboxEntry(
                        from_column(event_id),
                        body,
                        json.loads(headers),
                        from_column(url),
                        attempts + 1,
                        from_column(owner),
                    )
            return None

        return self.transact(work)

    def finish(self, event_id: str) -> None:
        """Delete an event's entry and settle the event."""
        key = to_column(event_id)

        def work(query: Query) -> None:
            self._remove(query, key)
            self._settle(query, key)

        self.transact(work)

    def postpone(
        self,
        event_id: str,
        seconds: float,
        *,
        count_attempt: bool = True,
        reason: str | None = None,
    ) -> None:
        """Make an event's entry due in *seconds* seconds."""
        self.transact(
            lambda query: query(
                "UPDATE fax_ledger_inbox"
                " SET due = :now + :seconds, at = :now, attempts = attempts - :less,"
                " reason = COALESCE(CAST(:reason AS TEXT), reason) WHERE event_id = :event_id",
                seconds=seconds,
                less=int(not count_attempt),
                reason=None if reason is None else to_column(reason),
                event_id=to_column(event_id),
            )
        )

    def waiting(self) -> int:
        """Return how many inbox entries are not finished."""

        def work(query: Query) -> int:
            ((count,),), _ = query("SELECT count(*) FROM fax_ledger_inbox")
            return int(count)

        return self.transact(work, writes=False)

    def waiting_events(self) -> Iterator[WaitingEvent]:
        """Yield the inbox entries that are not finished, the first stored first."""
        last = -1
        while True:
            rows = self._waiting_after(last)
            for place, event_id, application, body, attempts, age, due_in, reason in rows:
                last = place
                yield WaitingEvent(
                    from_column(event_id),
                    from_column(application),
                    bytes(body),
                    attempts,
                    age,
                    due_in,
                    from_column(reason),
                )
            if len(rows) < _AT_ONCE:
                return

    def _waiting_after(self, place: int) -> Sequence[Row]:
        def work(query: Query) -> Sequence[Row]:
            rows, _ = query(
                "SELECT place, event_id, application, body, attempts,"
                " :now - received, due - :now, reason"
                " FROM fax_ledger_inbox WHERE place > :place ORDER BY place LIMIT :limit",
                place=place,
                limit=_AT_ONCE,
            )
            return rows

        return self.transact(work, writes=False)

    def oldest_waiting(self) -> float | None:
        """Return how many seconds ago the first inbox entry was stored; None if the inbox is empty."""

        def work(query: Query) -> float | None:
            rows, _ = query("SELECT :now - received FROM fax_ledger_inbox ORDER BY place LIMIT 1")
            return float(rows[0][0]) if rows else None

        return self.transact(work, writes=False)

    def _correct_times(self, query: Query) -> None:
        """Let entries from the future last as long from now, because the clock was set back."""
        rows, _ = query(f"SELECT {_LATEST} > :now")
        if rows[0][0]:
            query(
                "UPDATE fax_ledger_inbox SET due = due - at + :now, at = :now"  # noqa: S608
                " WHERE place IN ("
                f" SELECT place FROM fax_ledger_inbox WHERE at > :now {self.for_update})"
            )

    def _remove(self, query: Query, event_id: str) -> None:
        query("DELETE FROM fax_ledger_inbox WHERE event_id = :event_id", event_id=event_id)

    def _settle(self, query: Query, event_id: str) -> None:
        query(
            "INSERT INTO fax_ledger_events (event_id, until, at) VALUES (:event_id, NULL, :now)"
            " ON CONFLICT (event_id) DO UPDATE SET until = NULL, at = excluded.at",
            event_id=event_id,
        )

    def _is_settled(self, query: Query, event_id: str) -> bool:
        rows, _ = query(
            "SELECT 1 FROM fax_ledger_events WHERE event_id = :event_id AND until IS NULL",
            event_id=event_id,
        )
        return bool(rows)


def _has_work(query: Query, owners: tuple[str, ...]) -> bool:
    """Return whether an entry of *owners* is due, or the time of any entry has to be corrected."""
    rows, _ = query(
        "SELECT {} > :now, {} <= :now, {} <= :now".format(
            _LATEST, _EARLIEST.format(":first"), _EARLIEST.format(":last")
        ),
        first=owners[0],
        last=owners[-1],
    )
    return any(rows[0])
