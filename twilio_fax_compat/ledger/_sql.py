"""The SQL that the ledgers in SQLite and in PostgreSQL share."""

from __future__ import annotations

import json
import time
from typing import ClassVar, Iterator, Mapping, Sequence

from attrs import asdict, fields_dict

from twilio_fax_compat._core.facts import SEND_KEYS, Facts, merged
from twilio_fax_compat.ledger._counters import SqlCounters
from twilio_fax_compat.ledger._protocol import InboxEntry
from twilio_fax_compat.ledger._tables import Query, Row

RETENTION = 180 * 86400.0
"""Seconds for which facts and events are kept. Twilio kept its fax logs for 180 days."""

_SETTLE = (
    "INSERT INTO fax_ledger_events (event_id, until, at) VALUES (:event_id, NULL, :now)"
    " ON CONFLICT (event_id) DO UPDATE SET until = NULL, at = excluded.at"
)
_NOTHING = Facts()
_BETWEEN_SWEEPS = 3600.0
_AT_ONCE = 500  # SQLite before 3.32 allows 999 parameters


class SqlLedger(SqlCounters):
    """The operations of a ledger, in SQL that SQLite and PostgreSQL both run."""

    for_update: ClassVar[str] = ""

    retention: float
    _swept: float | None = None

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Merge *facts* into the facts of a fax."""

        def work(query: Query) -> None:
            # The insertion locks the row until the transaction ends, even if the row is new.
            query(
                "INSERT INTO fax_ledger_facts (fax_id, document, at) VALUES (:fax_id, 'null', :now)"
                " ON CONFLICT (fax_id) DO UPDATE SET at = excluded.at",
                fax_id=fax_id,
            )
            ((document,),), _ = query(
                "SELECT document FROM fax_ledger_facts WHERE fax_id = :fax_id", fax_id=fax_id
            )
            result = merged(_read(document), facts)
            if fax_id.startswith(SEND_KEYS) and not result.sends:
                query("DELETE FROM fax_ledger_facts WHERE fax_id = :fax_id", fax_id=fax_id)
                return
            query(
                "UPDATE fax_ledger_facts SET document = :document WHERE fax_id = :fax_id",
                document=_written(result),
                fax_id=fax_id,
            )

        self.transact(work)

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of *fax_ids* by fax id; ids without facts are left out."""
        if not fax_ids:
            return {}

        def work(query: Query) -> dict[str, Facts]:
            facts_by_id = {}
            for some in _groups(fax_ids):
                rows, _ = query(
                    "SELECT fax_id, document FROM fax_ledger_facts WHERE fax_id IN (:"  # noqa: S608
                    + ", :".join(some)
                    + ")",
                    **some,
                )
                facts_by_id.update(
                    {fax_id: _read(document) or _NOTHING for fax_id, document in rows}
                )
            return facts_by_id

        return self.transact(work, writes=False)

    def recent(self, seconds: float) -> Iterator[tuple[str, Facts]]:
        """Yield fax ids and facts that changed in the last *seconds* seconds."""
        last = ""

        def work(query: Query) -> Sequence[Row]:
            rows, _ = query(
                "SELECT fax_id, document FROM fax_ledger_facts"
                " WHERE fax_id > :last AND at >= :now - :age"
                " AND substr(fax_id, 1, :size) <> :send ORDER BY fax_id LIMIT :limit",
                last=last,
                age=seconds,
                send=SEND_KEYS,
                size=len(SEND_KEYS),
                limit=_AT_ONCE,
            )
            return rows

        rows = self.transact(work, writes=False)
        while rows:
            for fax_id, document in rows:
                yield fax_id, _read(document) or _NOTHING
            last = rows[-1][0]
            rows = self.transact(work, writes=False) if len(rows) == _AT_ONCE else ()

    def claim(self, event_id: str, lease: float) -> str:
        """Try to lock an event for *lease* seconds."""

        def work(query: Query) -> str:
            _, changed = query(
                "INSERT INTO fax_ledger_events (event_id, until, at)"
                " VALUES (:event_id, :now + :lease, :now)"
                " ON CONFLICT (event_id) DO UPDATE SET until = excluded.until, at = excluded.at"
                " WHERE fax_ledger_events.until <= excluded.at",
                event_id=event_id,
                lease=lease,
            )
            if changed:
                return "new"
            return "done" if _is_settled(query, event_id) else "busy"

        answer = self.transact(work)
        if answer == "new":
            self._sweep()
        return answer

    def prolong(self, event_id: str, lease: float) -> None:
        """Extend the caller's claim to *lease* seconds from now."""
        self.transact(
            lambda query: query(
                "UPDATE fax_ledger_events SET until = :now + :lease, at = :now"
                " WHERE event_id = :event_id AND until IS NOT NULL",
                event_id=event_id,
                lease=lease,
            )
        )

    def settle(self, event_id: str) -> None:
        """Record that an event needs no more work."""
        self.transact(lambda query: query(_SETTLE, event_id=event_id))

    def release(self, event_id: str) -> None:
        """End a claim, so that the event can be claimed again."""
        self.transact(
            lambda query: query(
                "DELETE FROM fax_ledger_events WHERE event_id = :event_id AND until IS NOT NULL",
                event_id=event_id,
            )
        )

    def put(self, entry: InboxEntry) -> bool:
        """Store *entry* unless its event is in the inbox or was settled."""

        def work(query: Query) -> bool:
            _, changed = query(
                "INSERT INTO fax_ledger_inbox"
                " (event_id, application, body, headers, url, attempts, due)"
                " VALUES (:event_id, :application, :body, :headers, :url, 0, :now)"
                " ON CONFLICT (event_id) DO NOTHING",
                event_id=entry.event_id,
                application=entry.application,
                body=entry.body,
                headers=json.dumps(dict(entry.headers)),
                url=entry.url,
            )
            # Check after the insertion, which waits while another process finishes this event.
            if changed and _is_settled(query, entry.event_id):
                _remove(query, entry.event_id)
                return False
            return bool(changed)

        return self.transact(work)

    def take(self, lease: float, application: str = "") -> InboxEntry | None:
        """Return an entry of *application* that is due, the longest due first."""

        def work(query: Query) -> InboxEntry | None:
            rows: Sequence[Row] = ()
            # Entries of earlier versions have no application. They are older.
            for owner in dict.fromkeys(("", application)):
                rows, _ = query(
                    "SELECT event_id, body, headers, url, attempts, application"  # noqa: S608
                    " FROM fax_ledger_inbox WHERE application = :owner AND due <= :now"
                    " ORDER BY due, place LIMIT 1 " + self.for_update,
                    owner=owner,
                )
                if rows:
                    break
            else:
                return None
            event_id, body, headers, url, attempts, owner = rows[0]
            query(
                "UPDATE fax_ledger_inbox SET due = :now + :lease, attempts = attempts + 1"
                " WHERE event_id = :event_id",
                lease=lease,
                event_id=event_id,
            )
            return InboxEntry(event_id, body, json.loads(headers), url, attempts + 1, owner)

        return self.transact(work)

    def finish(self, event_id: str) -> None:
        """Delete an event's entry and settle the event."""

        def work(query: Query) -> None:
            _remove(query, event_id)
            query(_SETTLE, event_id=event_id)

        self.transact(work)

    def postpone(self, event_id: str, seconds: float, *, count_attempt: bool = True) -> None:
        """Make an event's entry due in *seconds* seconds."""
        self.transact(
            lambda query: query(
                "UPDATE fax_ledger_inbox SET due = :now + :seconds, attempts = attempts - :less"
                " WHERE event_id = :event_id",
                seconds=seconds,
                less=int(not count_attempt),
                event_id=event_id,
            )
        )

    def waiting(self) -> int:
        """Return how many inbox entries are not finished."""

        def work(query: Query) -> int:
            ((count,),), _ = query("SELECT count(*) FROM fax_ledger_inbox")
            return int(count)

        return self.transact(work, writes=False)

    def forget(self, keys: Sequence[str]) -> None:
        """Delete the facts of those *keys*."""
        if not keys:
            return

        def work(query: Query) -> None:
            for some in _groups(keys):
                query(
                    "DELETE FROM fax_ledger_facts WHERE fax_id IN (:"  # noqa: S608
                    + ", :".join(some)
                    + ")",
                    **some,
                )

        self.transact(work)

    def sweep(self, older_than: float) -> int:
        """Delete facts, settled events, expired claims and counters that are too old."""

        def work(query: Query) -> int:
            _, facts = query(
                "DELETE FROM fax_ledger_facts WHERE at < :now - :age",
                age=older_than,
            )
            _, events = query(
                "DELETE FROM fax_ledger_events WHERE at < :now - :age"
                " AND (until IS NULL OR until <= :now)",
                age=older_than,
            )
            return facts + events + self._sweep_counts(query, older_than)

        return self.transact(work)

    def _sweep(self) -> None:
        now = time.monotonic()
        if self._swept is None or now - self._swept >= _BETWEEN_SWEEPS:
            self._swept = now
            self.sweep(self.retention)


def _is_settled(query: Query, event_id: str) -> bool:
    rows, _ = query(
        "SELECT 1 FROM fax_ledger_events WHERE event_id = :event_id AND until IS NULL",
        event_id=event_id,
    )
    return bool(rows)


def _remove(query: Query, event_id: str) -> None:
    query("DELETE FROM fax_ledger_inbox WHERE event_id = :event_id", event_id=event_id)


def _groups(fax_ids: Sequence[str]) -> Iterator[Mapping[str, str]]:
    for start in range(0, len(fax_ids), _AT_ONCE):
        some = fax_ids[start : start + _AT_ONCE]
        yield {"id{}".format(number): fax_id for number, fax_id in enumerate(some)}


def _written(facts: Facts) -> str:
    document = asdict(
        facts, recurse=False, filter=lambda at, value: value != getattr(_NOTHING, at.name)
    )
    if facts.action is not None:
        document["action"] = dict(facts.action)
    if facts.sends is not None:
        document["sends"] = {token: dict(entry) for token, entry in facts.sends.items() if entry}
    return json.dumps(document)


def _read(document: str) -> Facts | None:
    values = json.loads(document)
    if values is None:
        return None
    # A newer version of this package may have stored other fields.
    return Facts(**{name: value for name, value in values.items() if name in fields_dict(Facts)})
