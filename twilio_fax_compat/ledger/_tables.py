"""The tables of a ledger, and how they grow from version to version."""

from __future__ import annotations

from typing import Any, Protocol, Sequence

from twilio_fax_compat.ledger._protocol import LedgerUnavailable

Row = Sequence[Any]


class Query(Protocol):
    """
    Runs a statement within one transaction; returns its rows and how many it changed.

    Statements name their parameters ``:so``; ``:now`` is always there.
    """

    def __call__(self, statement: str, **parameters: object) -> tuple[Sequence[Row], int]:
        """Run *statement*."""


# Every later version of the tables adds one; the tables tell how many were applied.
# A document is JSON text, which holds what a column of text would refuse. An event is settled
# when its "until" is null.
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
)


def newest(version: int) -> int:
    """
    Return the version that tables of *version* are to have.

    Raises LedgerUnavailable for those of a newer version of this package.
    """
    if version > len(MIGRATIONS):
        raise LedgerUnavailable(
            "the ledger's tables are of version {}, and this package knows none after {}".format(
                version, len(MIGRATIONS)
            )
        )
    return len(MIGRATIONS)


def migrate(query: Query, version: int, **types: str) -> int:
    """Bring tables of *version* up to date and return the version they have then."""
    for statements in MIGRATIONS[version:]:
        for statement in statements.split(";"):
            query(statement.format(**types))
    return newest(version)
