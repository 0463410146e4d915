"""Counters in a database table."""

from __future__ import annotations

from typing import ClassVar

from twilio_fax_compat.ledger._tables import Query, Transactions
from twilio_fax_compat.ledger._texts import from_column, to_column


class SqlCounters(Transactions):
    """The counters of a ledger, in SQL that SQLite and PostgreSQL both run."""

    whole: ClassVar[str]  # SQL that rounds {}, a positive number, down

    def count(self, name: str) -> None:
        """Add 1 to the counter *name* in the current hour."""
        hour = self._hour(":now")
        self.transact(
            lambda query: query(
                "INSERT INTO fax_ledger_counts (hour, name, number)"  # noqa: S608
                f" VALUES ({hour}, :name, 1) ON CONFLICT (hour, name)"
                " DO UPDATE SET number = fax_ledger_counts.number + 1",
                name=to_column(name),
            )
        )
        self._sweep_at_times()

    def counts(self, since: float) -> dict[str, int]:
        """Return each counter that is not 0 and its sum over the last *since* seconds."""
        hour = self._hour(":now - :age")

        def work(query: Query) -> dict[str, int]:
            rows, _ = query(
                "SELECT name, SUM(number) FROM fax_ledger_counts"  # noqa: S608
                f" WHERE hour >= {hour} GROUP BY name",
                age=since,
            )
            return {from_column(name): int(number) for name, number in rows}

        return self.transact(work, writes=False)

    def _hour(self, moment: str) -> str:
        return self.whole.format("({}) / 3600".format(moment))

    def _sweep_counts(self, query: Query, older_than: float, limit: int) -> int:
        hour = self._hour(":now - :age")
        _, number = query(
            "DELETE FROM fax_ledger_counts WHERE (hour, name) IN ("  # noqa: S608
            f" SELECT hour, name FROM fax_ledger_counts WHERE hour < {hour} LIMIT :limit)",
            age=older_than,
            limit=limit,
        )
        return number

    def _sweep_at_times(self) -> None:
        """Delete a few rows that are too old, if a sweep is due."""
        raise NotImplementedError
