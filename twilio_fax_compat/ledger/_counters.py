"""Counters in a database table."""

from __future__ import annotations

from typing import Callable, ClassVar, TypeVar

from twilio_fax_compat.ledger._tables import Query

T = TypeVar("T")


class SqlCounters:
    """The counters of a ledger, in SQL that SQLite and PostgreSQL both run."""

    whole: ClassVar[str]  # SQL that rounds {}, a positive number, down

    def transact(self, work: Callable[[Query], T], *, writes: bool = True) -> T:
        """Run *work* in a transaction and return its result; a lost connection runs it again."""
        raise NotImplementedError

    def count(self, name: str) -> None:
        """Add 1 to the counter *name* in the current hour."""
        hour = self._hour(":now")
        self.transact(
            lambda query: query(
                "INSERT INTO fax_ledger_tallies (hour, name, number)"  # noqa: S608
                f" VALUES ({hour}, :name, 1) ON CONFLICT (hour, name)"
                " DO UPDATE SET number = fax_ledger_tallies.number + 1",
                name=name,
            )
        )
        self._sweep()

    def counts(self, since: float) -> dict[str, int]:
        """Return each counter that is not 0 and its sum over the last *since* seconds."""
        hour = self._hour(":now - :age")

        def work(query: Query) -> dict[str, int]:
            rows, _ = query(
                "SELECT name, SUM(number) FROM fax_ledger_tallies"  # noqa: S608
                f" WHERE hour >= {hour} GROUP BY name",
                age=since,
            )
            return {name: int(number) for name, number in rows}

        return self.transact(work, writes=False)

    def _hour(self, moment: str) -> str:
        return self.whole.format("({}) / 3600".format(moment))

    def _sweep_counts(self, query: Query, older_than: float) -> int:
        hour = self._hour(":now - :age")
        _, number = query(
            f"DELETE FROM fax_ledger_tallies WHERE hour < {hour}",  # noqa: S608
            age=older_than,
        )
        return number

    def _sweep(self) -> None:
        """Delete rows that are too old, if that was not done lately."""
        raise NotImplementedError
