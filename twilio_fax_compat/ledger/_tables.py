"""The SQL tables of a ledger, and their schema migrations."""

from __future__ import annotations

from typing import Any, Callable, Protocol, Sequence, TypeVar

from twilio_fax_compat.ledger._protocol import LedgerUnavailable

Row = Sequence[Any]
T = TypeVar("T")


class Query(Protocol):
    """
    Runs a statement in a transaction. Returns its rows, and the number of rows that it changed.

    Parameters are written ``:name``. ``:now``, the current time in seconds, is always available.
    """

    def __call__(self, statement: str, **parameters: object) -> tuple[Sequence[Row], int]:
        """Run *statement*."""


class Transactions:
    """What runs SQL in transactions."""

    def transact(self, work: Callable[[Query], T], *, writes: bool = True) -> T:
        """Run *work* in a transaction and return its result; a lost connection runs it again."""
        raise NotImplementedError


# A new schema version appends an entry. The database stores how many entries were applied.
# A document is JSON text. An event is settled if its "until" is null. "at" is when a row was written: a row
# from the future shows that the clock was set back.
MIGRATIONS = (
    """
    CREATE TABLE fax_ledger_facts (
        fax_id TEXT PRIMARY KEY,
        document TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL
    );
    CREATE TABLE fax_ledger_events (
        event_id TEXT PRIMARY KEY,
        until DOUBLE PRECISION,
        at DOUBLE PRECISION NOT NULL
    );
    CREATE INDEX fax_ledger_facts_at ON fax_ledger_facts (at);
    CREATE INDEX fax_ledger_events_at ON fax_ledger_events (at);
    CREATE TABLE fax_ledger_inbox (
        place {sequence} PRIMARY KEY,
        event_id TEXT NOT NULL UNIQUE,
        body {bytes} NOT NULL,
        headers TEXT NOT NULL,
        url TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        due DOUBLE PRECISION NOT NULL
    )
    """,
    """
    CREATE TABLE fax_ledger_tallies (
        hour BIGINT NOT NULL,
        name TEXT NOT NULL,
        number BIGINT NOT NULL,
        PRIMARY KEY (hour, name)
    )
    """,
    """
    ALTER TABLE fax_ledger_inbox ADD COLUMN application TEXT NOT NULL DEFAULT '';
    CREATE INDEX fax_ledger_inbox_due ON fax_ledger_inbox (application, due, place)
    """,
    """
    ALTER TABLE fax_ledger_tallies RENAME TO fax_ledger_counts;
    ALTER TABLE fax_ledger_inbox ADD COLUMN at DOUBLE PRECISION NOT NULL DEFAULT 0;
    CREATE INDEX fax_ledger_inbox_at ON fax_ledger_inbox (at);
    CREATE INDEX fax_ledger_facts_recent ON fax_ledger_facts (at, fax_id);
    DROP INDEX fax_ledger_facts_at
    """,
    """
    ALTER TABLE fax_ledger_inbox ADD COLUMN received DOUBLE PRECISION NOT NULL DEFAULT 0;
    ALTER TABLE fax_ledger_inbox ADD COLUMN reason TEXT NOT NULL DEFAULT '';
    UPDATE fax_ledger_inbox SET received = at
    """,
)


def newest(version: int) -> int:
    """
    Return the schema version that this package uses, for tables of *version*.

    Raises LedgerUnavailable if a newer version of this package made the tables.
    """
    if version > len(MIGRATIONS):
        raise LedgerUnavailable(
            "the ledger's tables have version {}, and this package supports versions up to {}: upgrade "
            "twilio-fax-compat".format(version, len(MIGRATIONS))
        )
    return len(MIGRATIONS)


def migrate(query: Query, version: int, **types: str) -> int:
    """Migrate tables from *version* to the newest version, and return that."""
    for statements in MIGRATIONS[version:]:
        for statement in statements.split(";"):
            query(statement.format(**types))
    return newest(version)
