"""A ledger in an SQLite file, for the processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Callable, ClassVar, Sequence, TypeVar

from attrs import define, field

from twilio_fax_compat.ledger._pool import Pool
from twilio_fax_compat.ledger._protocol import InboxEntry, LedgerUnavailable
from twilio_fax_compat.ledger._sql import RETENTION, SqlLedger
from twilio_fax_compat.ledger._tables import Query, Row, migrate, newest

T = TypeVar("T")


@define(eq=False)
class SQLiteLedger(SqlLedger):
    """
    A ledger in the file at *path*. A new file is readable by its owner only.

    An operation waits up to *timeout* seconds for other processes. *clock* returns seconds, and is the
    same in all processes. Facts and events older than *retention* seconds are deleted about once an
    hour.
    """

    whole: ClassVar[str] = "CAST({} AS INTEGER)"

    path: str
    timeout: float = 10.0
    clock: Callable[[], float] = field(default=time.time, repr=False)
    retention: float = RETENTION
    _swept: float | None = field(default=None, init=False, repr=False)
    _pool: Pool[sqlite3.Connection] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # A later os.chdir does not change the file.
        self.path = str(Path(self.path).absolute())
        self._pool = Pool(self._connect)

    def transact(self, work: Callable[[Query], T], *, writes: bool = True) -> T:
        """Run *work* in a transaction and return its result."""
        if not writes:
            return self._transact(work, "BEGIN")
        # SQLite polls for its write lock, so that some of many threads might never get it.
        turn = self._pool.turn()
        if not turn.acquire(timeout=self.timeout):
            raise self._unavailable("database is locked")
        try:
            return self._transact(work, "BEGIN IMMEDIATE")
        finally:
            turn.release()

    def take(self, lease: float, application: str = "") -> InboxEntry | None:
        """Return an entry of *application* that is due, the longest due first."""
        # Polling an empty inbox must not take the write lock.
        if not self.transact(partial(_has_due, application=application), writes=False):
            return None
        return super().take(lease, application)

    def close(self) -> None:
        """Close the connections. A later call opens the file again."""
        self._pool.close()

    def _transact(self, work: Callable[[Query], T], begin: str) -> T:
        try:
            with self._pool.lent() as connection:
                connection.execute(begin)
                result = work(_query(connection, self.clock))
                connection.execute("COMMIT")
                return result
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: object) -> LedgerUnavailable:
        return LedgerUnavailable("SQLite, {}: {}".format(self.path, error))

    def _connect(self) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < (3, 24):
            raise self._unavailable(
                "SQLite 3.24 or newer is needed, this is " + sqlite3.sqlite_version
            )
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self._unavailable(error.strerror) from error
        connection = sqlite3.connect(
            self.path, timeout=self.timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # A committed event survives a power failure. Deleted content is overwritten.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        self._write_ahead(connection)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == newest(version):
            return
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        version = migrate(_query(connection, self.clock), version, sequence="INTEGER", bytes="BLOB")
        connection.execute("PRAGMA user_version = {:d}".format(version))
        connection.execute("COMMIT")

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait while another process switches the same new file to WAL.
        end = time.monotonic() + self.timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return


def _query(connection: sqlite3.Connection, clock: Callable[[], float]) -> Query:
    def query(statement: str, **parameters: object) -> tuple[Sequence[Row], int]:
        cursor = connection.execute(statement, {"now": clock(), **parameters})
        return cursor.fetchall(), cursor.rowcount

    return query


def _has_due(query: Query, application: str) -> bool:
    rows, _ = query(
        "SELECT 1 FROM fax_ledger_inbox"
        " WHERE application IN ('', :application) AND due <= :now LIMIT 1",
        application=application,
    )
    return bool(rows)
