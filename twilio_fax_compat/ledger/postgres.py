"""A ledger in a PostgreSQL database, for all that reach its server."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Callable, ClassVar, Sequence, TypeVar

from attrs import define, field

from twilio_fax_compat.ledger._pool import Pool
from twilio_fax_compat.ledger._protocol import LedgerUnavailable
from twilio_fax_compat.ledger._sql import RETENTION, SqlLedger
from twilio_fax_compat.ledger._tables import Query, Row, migrate, newest

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise ImportError(
        "a ledger in PostgreSQL needs psycopg: pip install 'twilio-fax-compat[postgresql]'"
    ) from error

T = TypeVar("T")

# What libpq is told unless the URL tells it: who does not answer is given up in seconds.
_PATIENCE = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "fallback_application_name": "twilio_fax_compat",
}
_SERVERS_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"
_LOCK = 7723018445  # of those who make or change the tables


@define(eq=False)
class PostgresLedger(SqlLedger):
    """
    A ledger in the database at *url*, in tables that it makes in the first schema of the path.

    *clock* returns seconds; without one the server's clock counts, the same for every host. Facts
    and events older than *retention* seconds go, once an hour, with a new event.

    Raises ValueError when *url* is no connection URL of PostgreSQL.
    """

    for_update: ClassVar[str] = "FOR UPDATE SKIP LOCKED"
    whole: ClassVar[str] = "CAST(FLOOR({}) AS BIGINT)"

    url: str = field(repr=False)
    clock: Callable[[], float] | None = field(default=None, repr=False)
    retention: float = RETENTION
    _swept: float | None = field(default=None, init=False, repr=False)
    _settings: dict[str, Any] = field(init=False, repr=False)
    _pool: Pool[psycopg.Connection[Any]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        try:
            self._settings = {**_PATIENCE, **conninfo_to_dict(self.url)}
        except psycopg.Error:
            # Its text quotes the URL.
            raise ValueError("the ledger's URL is no connection URL of PostgreSQL") from None
        self._pool = Pool(self._connect)

    def transact(self, work: Callable[[Query], T], *, writes: bool = True) -> T:
        """
        Run *work* in a transaction and return what it returns.

        Once more if that fails: the server may have closed the connection long ago.
        """
        try:
            return self._transact(work)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            # Then the others that idle are not to be trusted either.
            self._pool.close()
        except psycopg.Error as error:
            raise self._unavailable(error) from error
        try:
            return self._transact(work)
        except psycopg.Error as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._pool.close()

    def _transact(self, work: Callable[[Query], T]) -> T:
        with self._pool.lent() as connection:
            result = work(_query(connection, self.clock))
            connection.commit()
            return result

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            # Poolers between us and the server may not know prepared statements.
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


def _prepare(connection: psycopg.Connection[Any]) -> None:
    query = _query(connection, None)
    found = _version(query)
    if found != newest(found):
        query("SELECT pg_advisory_xact_lock(CAST(:key AS BIGINT))", key=_LOCK)
        # The server looks anew whether others made it meanwhile.
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
        statement = statement.replace(":now", _SERVERS_NOW)
    return re.sub(r":(\w+)", r"%(\1)s", statement).encode()
