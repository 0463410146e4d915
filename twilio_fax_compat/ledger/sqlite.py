"""A ledger in a SQLite file, for all processes of one machine (https://www.sqlite.org/wal.html)."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import local
from time import time
from typing import Any, Callable, Iterator, Sequence

from attrs import asdict

from twilio_fax_compat._core.messages import Facts, merged
from twilio_fax_compat.ledger import LedgerUnavailable

VERSION = 1
RETENTION = 180 * 86400.0
"""Seconds for which anything is kept: Twilio kept its log of faxes for 180 days."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    fax_id TEXT PRIMARY KEY, facts TEXT NOT NULL, changed REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT PRIMARY KEY, leased_until REAL, changed REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS facts_changed ON facts (changed);
CREATE INDEX IF NOT EXISTS events_changed ON events (changed);
"""
_AT_ONCE = 500


class _Connection(sqlite3.Connection):
    """A connection that is closed when the thread that used it is gone."""

    def __del__(self) -> None:
        with suppress(sqlite3.Error):  # it was never opened
            self.close()


class SQLiteLedger:
    """
    Keeps facts and events in the file *path*; no numbers, addresses or documents are in it.

    *retention* is in seconds; what is older goes with the next new event. Threads, processes and
    children after a fork may use it at once. Every method raises LedgerUnavailable when the file
    cannot be used.
    """

    def __init__(
        self, path: str, retention: float = RETENTION, clock: Callable[[], float] = time
    ) -> None:
        self.path = str(Path(path).absolute())
        self.retention = retention
        self._clock = clock
        self._of_thread = local()
        with self._using() as connection:
            known = connection.execute("PRAGMA user_version").fetchone()[0]
            if known > VERSION:
                raise LedgerUnavailable("the ledger's file is of a newer release")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def remember(self, fax_id: str, facts: Facts) -> None:
        """Add *facts* to what is known of a fax."""
        with self._writing() as connection:
            row = connection.execute(
                "SELECT facts FROM facts WHERE fax_id = ?", (fax_id,)
            ).fetchone()
            text = json.dumps(asdict(merged(_facts(row[0]) if row else None, facts)))
            connection.execute(
                "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (fax_id, text, self._clock())
            )

    def recall(self, fax_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of those *fax_ids* that are known."""
        found: dict[str, Facts] = {}
        with self._using() as connection:
            for start in range(0, len(fax_ids), _AT_ONCE):
                some = list(fax_ids[start : start + _AT_ONCE])
                marks = ", ".join("?" * len(some))
                rows = connection.execute(
                    f"SELECT fax_id, facts FROM facts WHERE fax_id IN ({marks})",  # noqa: S608
                    some,
                )
                found.update((fax_id, _facts(text)) for fax_id, text in rows)
        return found

    def claim(self, event_id: str, lease: float) -> str:
        """Take an event into one's hands for *lease* seconds: ``new``, ``busy`` or ``done``."""
        with self._writing() as connection:
            now = self._clock()
            row = connection.execute(
                "SELECT leased_until FROM events WHERE event_id = ?", (event_id,)
            ).fetchone()
            if row is not None and row[0] is None:
                return "done"
            if row is not None and row[0] > now:
                return "busy"
            connection.execute(
                "INSERT OR REPLACE INTO events VALUES (?, ?, ?)", (event_id, now + lease, now)
            )
            self._forget(connection, now - self.retention)
            return "new"

    def settle(self, event_id: str) -> None:
        """Note that an event needs nothing more."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO events VALUES (?, NULL, ?)", (event_id, self._clock())
            )

    def release(self, event_id: str) -> None:
        """Give a claim up, so that the event can be claimed again."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM events WHERE event_id = ? AND leased_until IS NOT NULL", (event_id,)
            )

    def close(self) -> None:
        """Close the connection of this thread."""
        connection = getattr(self._of_thread, "connection", None)
        if connection is not None:
            self._of_thread.connection = None
            connection.close()

    @staticmethod
    def _forget(connection: sqlite3.Connection, before: float) -> None:
        connection.execute("DELETE FROM facts WHERE changed < ?", (before,))
        connection.execute("DELETE FROM events WHERE changed < ?", (before,))

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection()
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"the ledger's file cannot be used: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        mine: Any = self._of_thread
        # A connection must not be carried into a child process.
        if getattr(mine, "connection", None) is None or mine.process != os.getpid():
            mine.connection = sqlite3.connect(
                self.path,
                timeout=10,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
            mine.process = os.getpid()
            with closing(mine.connection.execute("PRAGMA synchronous = FULL")):
                pass
        connection: sqlite3.Connection = mine.connection
        return connection


def _facts(text: str) -> Facts:
    return Facts(**json.loads(text))
