"""A ledger in an SQLite file, for the processes of one machine."""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, ClassVar, Sequence, TypeVar

from attrs import define, field

from twilio_fax_compat._core.facts import SEND_KEYS
from twilio_fax_compat.ledger._measured import measured
from twilio_fax_compat.ledger._pool import Pool, pool_of
from twilio_fax_compat.ledger._protocol import InboxEntry, LedgerUnavailable
from twilio_fax_compat.ledger._sql import RETENTION, SqlLedger
from twilio_fax_compat.ledger._tables import Query, Row, migrate, newest

logger = logging.getLogger("twilio_fax_compat")

T = TypeVar("T")

# SQLite waits this long for a lock before other threads, or a fork, get a chance.
_WAIT = 0.25
_BETWEEN_ATTEMPTS = 0.005
_BETWEEN_CLEANUPS = 1.0

# Files, by device and inode, that were open when this process was forked.
_crossed: set[tuple[int, int]] = set()


class _Connection(sqlite3.Connection):
    """A connection, and the device and inode of the file that it was opened for."""

    identity: tuple[int, int] | None = None


@define(eq=False)
class SQLiteLedger(SqlLedger):
    """
    A ledger in the file at *path*. A new file is readable by its owner only.

    An operation waits up to *timeout* seconds for other processes. *clock* returns seconds, and is the
    same in all processes. Facts and events older than *retention* seconds are deleted step by step.
    """

    whole: ClassVar[str] = "CAST({} AS INTEGER)"

    path: str
    timeout: float = 10.0
    clock: Callable[[], float] = field(default=time.time, repr=False)
    retention: float = RETENTION
    _next_sweep: float | None = field(default=None, init=False, repr=False)
    # A process that was killed may have left deleted content behind.
    _has_deleted: bool = field(default=True, init=False, repr=False)
    _next_cleanup: float = field(init=False, repr=False)
    _pool: Pool[_Connection] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # A later os.chdir does not change the file.
        self.path = str(Path(self.path).absolute())
        self._next_cleanup = time.monotonic() + _BETWEEN_CLEANUPS
        self._pool = pool_of(self, self._connect, self._note_crossing, self._is_stale, self._rescue)

    def transact(self, work: Callable[[Query], T], *, writes: bool = True) -> T:
        """Run *work* in a transaction and return its result."""
        with measured("sqlite", writes=writes):
            return self._transact_measured(work, writes)

    def _transact_measured(self, work: Callable[[Query], T], writes: bool) -> T:
        if not writes:
            return self._transact(work, "BEGIN")
        # SQLite polls for its write lock, so that some of many threads might never get it.
        turn = self._pool.turn()
        if not turn.acquire(timeout=self.timeout):
            raise self._unavailable("database is locked")
        try:
            result = self._transact(work, "BEGIN IMMEDIATE")
        finally:
            turn.release()
        self._clean_up_at_times()
        return result

    def take(self, lease: float, application: str = "") -> InboxEntry | None:
        """Return an entry of *application* that is due, the longest due first."""
        entry = super().take(lease, application)
        if entry is None:
            self._clean_up_at_times()
        return entry

    def finish(self, event_id: str) -> None:
        """Delete an event's entry and settle the event."""
        super().finish(event_id)
        self._has_deleted = True

    def forget(self, keys: Sequence[str]) -> None:
        """Delete the facts of those *keys*."""
        super().forget(keys)
        if keys:
            self._clean_up()

    def sweep(self, older_than: float) -> int:
        """Delete facts, settled events, expired claims and counters that are too old."""
        number = super().sweep(older_than)
        if number:
            self._clean_up()
        return number

    def erase(self) -> bool:
        """Remove deleted content from the write-ahead log; wait up to *timeout* seconds for others."""
        end = time.monotonic() + self.timeout
        self._clean_up()
        while self._has_deleted and time.monotonic() < end:
            time.sleep(0.05)
            self._clean_up()
        return not self._has_deleted

    def check(self) -> None:
        """Raise LedgerUnavailable if the file cannot be opened and written."""
        try:
            self.transact(_nothing)
        finally:
            self._pool.close()

    def close(self) -> None:
        """Close the connections. A later call opens the file again."""
        self._pool.close()

    def _clean_up_at_times(self) -> None:
        if self._has_deleted and time.monotonic() >= self._next_cleanup:
            self._clean_up()

    def _clean_up(self) -> None:
        """Remove deleted content from the write-ahead log. If that fails, it is done later."""
        self._next_cleanup = time.monotonic() + _BETWEEN_CLEANUPS
        self._has_deleted = False
        is_busy = True
        with suppress(sqlite3.Error, LedgerUnavailable), self._pool.lent() as connection:
            ((is_busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_busy:
            self._has_deleted = True

    def _transact(self, work: Callable[[Query], T], begin: str) -> T:
        end = time.monotonic() + self.timeout
        pid = os.getpid()
        while True:
            try:
                with self._pool.lent() as connection:
                    busy = _begin(connection, begin)
                    if busy is None:
                        result = work(_query(connection, self.clock))
                        if os.getpid() != pid:
                            raise self._unavailable("the process forked during an operation")
                        connection.execute("COMMIT")
                        return result
            except sqlite3.Error as error:
                if not _is_busy(error):
                    raise self._unavailable(error) from error
                busy = error
            if time.monotonic() >= end:
                raise self._unavailable(busy) from busy
            # No connection is lent here: a fork waits for those that are.
            time.sleep(_BETWEEN_ATTEMPTS)

    def _unavailable(self, error: object) -> LedgerUnavailable:
        return LedgerUnavailable("SQLite, {}: {}".format(self.path, error))

    def _connect(self) -> _Connection:
        if sqlite3.sqlite_version_info < (3, 24):
            raise self._unavailable(
                "SQLite 3.24 or newer is needed, this is " + sqlite3.sqlite_version
            )
        try:
            if not Path(self.path).exists():
                _create(os.path.realpath(self.path))
            if _crossed and _identity(self.path) in _crossed:
                raise self._unavailable(
                    "the file was open when this process was forked. Call ledger.close() before the "
                    "fork, or let each worker load the application (uWSGI: lazy-apps = true)"
                )
            identity = _identity(self.path)
        except OSError as error:
            raise self._unavailable(error.strerror) from error
        # mode=rw: SQLite would create a file that everybody can read.
        connection = sqlite3.connect(
            Path(self.path).as_uri() + "?mode=rw",
            uri=True,
            timeout=self.timeout,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        connection.identity = identity
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_stale(self, connection: _Connection) -> bool:
        # Nothing may open the file here: closing it again would drop SQLite's locks.
        try:
            return _identity(self.path) != connection.identity
        except OSError:
            return True

    def _rescue(self, stale: _Connection) -> None:
        """Copy the sends without a known end from a file that was deleted or replaced."""
        logger.warning(
            "the file of the ledger was deleted or replaced while it was in use, and is opened again: %s",
            self.path,
        )
        rows = []
        with suppress(sqlite3.Error):
            rows = stale.execute(
                "SELECT fax_id, document, at FROM fax_ledger_facts"
                " WHERE fax_id >= ? AND fax_id < ?",
                (SEND_KEYS, SEND_KEYS[:-1] + chr(ord(SEND_KEYS[-1]) + 1)),
            ).fetchall()
        connection = self._connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR IGNORE INTO fax_ledger_facts (fax_id, document, at) VALUES (?, ?, ?)",
                rows,
            )
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _note_crossing(self) -> None:
        with suppress(OSError):
            _crossed.add(_identity(self.path))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # A committed event survives a power failure. Deleted content is overwritten.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        self._write_ahead(connection)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != newest(version):
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            query = _query(connection, self.clock)
            version = migrate(query, version, sequence="INTEGER", bytes="BLOB")
            connection.execute("PRAGMA user_version = {:d}".format(version))
            connection.execute("COMMIT")
        wait = min(_WAIT, self.timeout)
        connection.execute("PRAGMA busy_timeout = {:d}".format(int(wait * 1000)))

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait while another process switches the same new file to WAL.
        end = time.monotonic() + self.timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return


def _create(path: str) -> None:
    """
    Create an empty database that its owner alone can read, unless *path* exists.

    The file gets its name when its descriptor is closed already. To close any descriptor of a file
    drops all locks that SQLite has on it in this process
    (https://www.sqlite.org/howtocorrupt.html, "Posix advisory locks canceled").
    """
    directory, name = os.path.split(path)
    descriptor, temporary = tempfile.mkstemp(prefix=name + ".", dir=directory)  # mode 600
    os.close(descriptor)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return  # another process created it
    except OSError:
        # This file system has no hard links. So this descriptor stays open as long as the process.
        with suppress(FileExistsError):
            os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    finally:
        Path(temporary).unlink()


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_dev, status.st_ino


def _begin(connection: sqlite3.Connection, statement: str) -> sqlite3.Error | None:
    """Begin a transaction, and return the error if another process has the lock."""
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
        return error
    return None


def _is_busy(error: sqlite3.Error) -> bool:
    return "lock" in str(error)  # "database is locked", "locking protocol"


def _query(connection: sqlite3.Connection, clock: Callable[[], float]) -> Query:
    def query(statement: str, **parameters: object) -> tuple[Sequence[Row], int]:
        cursor = connection.execute(statement, {"now": clock(), **parameters})
        return cursor.fetchall(), cursor.rowcount

    return query


def _nothing(query: Query) -> None:
    """Write nothing."""
