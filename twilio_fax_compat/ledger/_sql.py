"""The SQL that the ledgers in SQLite and in PostgreSQL share."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any, Iterator, Mapping, Sequence

from attrs import asdict, fields_dict

from twilio_fax_compat._core.facts import SEND_KEYS, Facts, entries_of, merged
from twilio_fax_compat.ledger._counters import SqlCounters
from twilio_fax_compat.ledger._inbox import SqlInbox
from twilio_fax_compat.ledger._protocol import LedgerUnavailable
from twilio_fax_compat.ledger._tables import Query, Row
from twilio_fax_compat.ledger._texts import from_column, to_column

RETENTION = 180 * 86400.0
"""Seconds for which facts and events are kept. Twilio kept its fax logs for 180 days."""

_NOTHING = Facts()
_BETWEEN_SWEEPS = 3600.0
# A sweep deletes this many rows of a table in a transaction, and then lets others work.
_STEP = 500
_BETWEEN_STEPS = 0.02
_AT_ONCE = 500  # SQLite before 3.32 allows 999 parameters
_NAMES = frozenset(fields_dict(Facts))


class SqlLedger(SqlCounters, SqlInbox):
    """The operations of a ledger, in SQL that SQLite and PostgreSQL both run."""

    retention: float
    _next_sweep: float | None = None

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Merge *facts* into the facts of a fax."""
        key = to_column(fax_id)

        def work(query: Query) -> None:
            # The insertion locks the row until the transaction ends, even if the row is new.
            query(
                "INSERT INTO fax_ledger_facts (fax_id, document, at) VALUES (:fax_id, 'null', :now)"
                " ON CONFLICT (fax_id) DO UPDATE SET at = excluded.at",
                fax_id=key,
            )
            ((document,),), _ = query(
                "SELECT document FROM fax_ledger_facts WHERE fax_id = :fax_id", fax_id=key
            )
            result = merged(_read(document), facts)
            if fax_id.startswith(SEND_KEYS) and not result.sends:
                query("DELETE FROM fax_ledger_facts WHERE fax_id = :fax_id", fax_id=key)
                return
            query(
                "UPDATE fax_ledger_facts SET document = :document WHERE fax_id = :fax_id",
                document=_written(result),
                fax_id=key,
            )

        self.transact(work)

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of *fax_ids* by fax id; ids without facts are left out."""
        if not fax_ids:
            return {}

        def work(query: Query) -> dict[str, Facts]:
            facts_by_id = {}
            for names, parameters in _groups(fax_ids):
                rows, _ = query(
                    f"SELECT fax_id, document FROM fax_ledger_facts WHERE fax_id IN ({names})",  # noqa: S608
                    **parameters,
                )
                for fax_id, document in rows:
                    facts_by_id[from_column(fax_id)] = _read(document) or _NOTHING
            return facts_by_id

        return self.transact(work, writes=False)

    def recent(self, seconds: float) -> Iterator[tuple[str, Facts]]:
        """Yield fax ids and facts that changed in the last *seconds* seconds, the oldest first."""
        last: tuple[float, str] | None = None
        yielded = set()
        while True:
            rows = self._rows_after(last, seconds)
            for fax_id, document, _ in rows:
                # Facts that changed meanwhile come again, at a later time.
                if fax_id not in yielded and not fax_id.startswith(SEND_KEYS):
                    yielded.add(fax_id)
                    yield from_column(fax_id), _read(document) or _NOTHING
            if len(rows) < _AT_ONCE:
                return
            last = rows[-1][2], rows[-1][0]

    def _rows_after(self, last: tuple[float, str] | None, seconds: float) -> Sequence[Row]:
        """Return some rows after the time and fax id *last*, else the first of the last *seconds*."""
        after = "at >= :now - :age" if last is None else "(at, fax_id) > (:at, :fax_id)"
        at, fax_id = last or (0.0, "")

        def work(query: Query) -> Sequence[Row]:
            rows, _ = query(
                f"SELECT fax_id, document, at FROM fax_ledger_facts WHERE {after}"  # noqa: S608
                " ORDER BY at, fax_id LIMIT :limit",
                **({"age": seconds} if last is None else {"at": at, "fax_id": fax_id}),
                limit=_AT_ONCE,
            )
            return rows

        return self.transact(work, writes=False)

    def open_sends(self) -> Iterator[Mapping[str, Any]]:
        """Yield what is stored of each send without a known end, by key."""
        last = ""
        while True:
            rows = self._sends_after(last)
            for key, document in rows:
                last = key
                yield from entries_of(_read(document) or _NOTHING)
            if len(rows) < _AT_ONCE:
                return

    def _sends_after(self, key: str) -> Sequence[Row]:
        def work(query: Query) -> Sequence[Row]:
            rows, _ = query(
                "SELECT fax_id, document FROM fax_ledger_facts"
                " WHERE fax_id LIKE :pattern AND fax_id > :key ORDER BY fax_id LIMIT :limit",
                pattern=SEND_KEYS + "%",
                key=key,
                limit=_AT_ONCE,
            )
            return rows

        return self.transact(work, writes=False)

    def claim(self, event_id: str, lease: float) -> str:
        """Try to lock an event for *lease* seconds."""
        key = to_column(event_id)

        def work(query: Query) -> str:
            _, changed = query(
                "INSERT INTO fax_ledger_events (event_id, until, at)"
                " VALUES (:event_id, :now + :lease, :now)"
                " ON CONFLICT (event_id) DO UPDATE SET until = excluded.until, at = excluded.at"
                " WHERE fax_ledger_events.until <= excluded.at",
                event_id=key,
                lease=lease,
            )
            if changed:
                return "new"
            # A claim from the future: the clock was set back. The claim lasts as long from now.
            query(
                "UPDATE fax_ledger_events SET until = until - at + :now, at = :now"
                " WHERE event_id = :event_id AND until IS NOT NULL AND at > :now",
                event_id=key,
            )
            return "done" if self._is_settled(query, key) else "busy"

        answer = self.transact(work)
        if answer == "new":
            self._sweep_at_times()
        return answer

    def prolong(self, event_id: str, lease: float) -> None:
        """Extend the caller's claim to *lease* seconds from now."""
        self.transact(
            lambda query: query(
                "UPDATE fax_ledger_events SET until = :now + :lease, at = :now"
                " WHERE event_id = :event_id AND until IS NOT NULL",
                event_id=to_column(event_id),
                lease=lease,
            )
        )

    def settle(self, event_id: str) -> None:
        """Record that an event needs no more work."""
        self.transact(lambda query: self._settle(query, to_column(event_id)))

    def release(self, event_id: str) -> None:
        """End a claim, so that the event can be claimed again."""
        self.transact(
            lambda query: query(
                "DELETE FROM fax_ledger_events WHERE event_id = :event_id AND until IS NOT NULL",
                event_id=to_column(event_id),
            )
        )

    def forget(self, keys: Sequence[str]) -> None:
        """Delete the facts of those *keys*."""
        if not keys:
            return

        def work(query: Query) -> None:
            for names, parameters in _groups(keys):
                query(
                    f"DELETE FROM fax_ledger_facts WHERE fax_id IN ({names})",  # noqa: S608
                    **parameters,
                )

        self.transact(work)

    def sweep(self, older_than: float) -> int:
        """Delete facts, settled events, expired claims and counters that are too old."""
        total = 0
        while True:
            number, is_done = self._sweep_step(older_than)
            total += number
            if is_done:
                return total
            time.sleep(_BETWEEN_STEPS)

    def _sweep_step(self, older_than: float) -> tuple[int, bool]:
        """Delete a few rows. Return how many, and whether no more are left."""

        def work(query: Query) -> tuple[int, int, int]:
            _, facts = query(
                "DELETE FROM fax_ledger_facts WHERE fax_id IN ("  # noqa: S608
                " SELECT fax_id FROM fax_ledger_facts WHERE at < :now - :age"
                f" ORDER BY at LIMIT :limit {self.for_update})",
                age=older_than,
                limit=_STEP,
            )
            _, events = query(
                "DELETE FROM fax_ledger_events WHERE event_id IN ("  # noqa: S608
                " SELECT event_id FROM fax_ledger_events WHERE at < :now - :age"
                f" AND (until IS NULL OR until <= :now) ORDER BY at LIMIT :limit {self.for_update})",
                age=older_than,
                limit=_STEP,
            )
            return facts, events, self._sweep_counts(query, older_than, _STEP)

        numbers = self.transact(work)
        return sum(numbers), max(numbers) < _STEP

    def _sweep_at_times(self) -> None:
        now = time.monotonic()
        if self._next_sweep is None or now >= self._next_sweep:
            self._next_sweep = now + _BETWEEN_SWEEPS
            # What called this has succeeded, whatever becomes of the sweep.
            with suppress(LedgerUnavailable):
                _, is_done = self._sweep_step(self.retention)
                if not is_done:
                    self._next_sweep = now + _BETWEEN_STEPS


def _groups(keys: Sequence[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the names and values of parameters for *keys*, for a few keys at a time."""
    for start in range(0, len(keys), _AT_ONCE):
        some = enumerate(keys[start : start + _AT_ONCE])
        parameters = {"id{}".format(number): to_column(key) for number, key in some}
        yield ", ".join(":" + name for name in parameters), parameters


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
    return Facts(**{name: value for name, value in values.items() if name in _NAMES})
