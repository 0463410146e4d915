"""The number of faxes that a live run may send, counted for all its processes and threads."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from attrs import frozen


@frozen
class Budget:
    """At most *number* faxes, counted in the SQLite file *path*: every process counts there."""

    path: str
    number: int

    def take(self, token: str) -> bool:
        """Return whether the fax with this *token* may be sent; a repeated token counts once."""
        # A connection of its own for each call: it must not be carried over a fork.
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS faxes (token TEXT PRIMARY KEY)")
            connection.execute("BEGIN IMMEDIATE")
            (count,) = connection.execute("SELECT count(*) FROM faxes").fetchone()
            known = connection.execute("SELECT 1 FROM faxes WHERE token = ?", (token,)).fetchone()
            may_be_sent = known is not None or count < self.number
            if may_be_sent and known is None:
                connection.execute("INSERT INTO faxes VALUES (?)", (token,))
            connection.execute("COMMIT")
        return may_be_sent
