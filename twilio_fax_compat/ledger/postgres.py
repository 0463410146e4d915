"""A ledger in a PostgreSQL database, for processes of many machines."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any, Callable, ClassVar, Sequence, TypeVar

from attrs import define, field

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger._measured import measured
from twilio_fax_compat.ledger._pool import Pool, pool_of
from twilio_fax_compat.ledger._protocol import LedgerUnavailable
from twilio_fax_compat.ledger._sql import RETENTION, SqlLedger
from twilio_fax_compat.ledger._tables import Query, Row, migrate, newest

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise ImportError(
        "a ledger in PostgreSQL needs psycopg. Install it: pip install 'twilio-fax-compat[postgresql]'"
    ) from error

T = TypeVar("T")

# libpq settings that the URL can override. They limit how long an unreachable server holds a call.
_DEFAULTS = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "fallback_application_name": "twilio_fax_compat",
}
# An index cannot search for a volatile function such as clock_timestamp().
_SERVER_NOW = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) AS DOUBLE PRECISION)"
_LOCK = 7723018445  # the advisory lock of a schema migration


@define(eq=False)
class PostgresLedger(SqlLedger):
    """
    A ledger in the database at *url*. It creates its tables in the first schema of the search path.

    *clock* returns seconds; by default the server's clock is used. Facts and events older than
    *retention* seconds are deleted step by step.

    Raises TwilioException if *url* is not a PostgreSQL connection URL.
    """

    for_update: ClassVar[str] = "FOR UPDATE SKIP LOCKED"
    whole: ClassVar[str] = "CAST(FLOOR({}) AS BIGINT)"

    url: str = field(repr=False)
    clock: Callable[[], float] | None = field(default=None, repr=False)
    retention: float = RETENTION
    _next_sweep: float | None = field(default=None, init=False, repr=False)
    _settings: dict[str, Any] = field(init=False, repr=False)
    _pool: Pool[psycopg.Connection[Any]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        try:
            self._settings = {**_DEFAULTS, **conninfo_to_dict(self.url)}
        except psycopg.Error:
            # The driver's text quotes the URL.
            raise TwilioException(
                "the ledger's URL is not a valid PostgreSQL connection URL"
            ) from None
        self._pool = pool_of(self, self._connect)

    def transact(self, work: Callable[[Query], T], *, writes: bool = True) -> T:
        """
        Run *work* in a transaction and return its result.

        If that fails, it runs once more: the server may have closed an idle connection.
        """
        with measured("postgresql", writes=writes):
            return self._transact_twice(work)

    def _transact_twice(self, work: Callable[[Query], T]) -> T:
        try:
            return self._transact(work)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            # The other idle connections may be broken too.
            self._pool.close()
        except psycopg.Error as error:
            raise self._unavailable(error) from error
        try:
            return self._transact(work)
        except psycopg.Error as error:
            raise self._unavailable(error) from error

    def erase(self) -> bool:
        """Return False: the server removes deleted rows with its next ``VACUUM``."""
        return False

    def check(self) -> None:
        """Raise LedgerUnavailable if the database cannot be opened and written."""
        try:
            self.transact(_lock_a_table)
        finally:
            self._pool.close()

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        self._pool.close()

    def _transact(self, work: Callable[[Query], T]) -> T:
        with self._pool.lent() as connection:
            pid = os.getpid()
            result = work(_query(connection, self.clock))
            if os.getpid() != pid:
                raise LedgerUnavailable("PostgreSQL: the process forked during an operation")
            connection.commit()
            return result

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            # Connection poolers may not support prepared statements.
            connection = psycopg.connect(**self._settings, prepare_threshold=None)
        except psycopg.Error as error:
            raise self._unavailable(error) from error
        try:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            _prepare(connection)
        except psycopg.Error as error:
            connection.close()
            raise self._unavailable(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _unavailable(self, error: psycopg.Error) -> LedgerUnavailable:
        text = " ".join(str(error).split())
        password = self._settings.get("password")
        if password:
            text = text.replace(str(password), "***")
        return LedgerUnavailable(
            "PostgreSQL, database {} at {}: {}".format(
                self._settings.get("dbname", "by default"),
                self._settings.get("host", "the default host"),
                text or type(error).__name__,
            )
        )


def _lock_a_table(query: Query) -> None:
    query("LOCK TABLE fax_ledger_facts IN ROW EXCLUSIVE MODE")  # as a write does


def _prepare(connection: psycopg.Connection[Any]) -> None:
    query = _query(connection, None)
    version = _version(query)
    if version != newest(version):
        query("SELECT pg_advisory_xact_lock(CAST(:key AS BIGINT))", key=_LOCK)
        # Another process may have created the tables since.
        query("CREATE TABLE IF NOT EXISTS fax_ledger_version (version INTEGER NOT NULL)")
        query(
            "INSERT INTO fax_ledger_version"
            " SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM fax_ledger_version)"
        )
        version = migrate(
            query,
            _version(query),
            sequence="BIGINT GENERATED ALWAYS AS IDENTITY",
            bytes="BYTEA",
        )
        query("UPDATE fax_ledger_version SET version = :version", version=version)
    connection.commit()


def _version(query: Query) -> int:
    ((name,),), _ = query("SELECT to_regclass('fax_ledger_version')")
    if name is None:
        return 0
    ((version,),), _ = query("SELECT version FROM fax_ledger_version")
    return int(version)


def _query(connection: psycopg.Connection[Any], clock: Callable[[], float] | None) -> Query:
    def query(statement: str, **parameters: object) -> tuple[Sequence[Row], int]:
        text = _translated(statement, own_clock=clock is not None)
        if clock is not None:
            parameters["now"] = clock()
        cursor = connection.execute(text, parameters)
        return cursor.fetchall() if cursor.description else (), cursor.rowcount

    return query


@lru_cache(maxsize=256)
def _translated(statement: str, *, own_clock: bool) -> bytes:
    if not own_clock:
        statement = statement.replace(":now", _SERVER_NOW)
    return re.sub(r":(\w+)", r"%(\1)s", statement).encode()
