"""The number of faxes that a live run may send, counted for all its processes and threads."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import Iterator
from uuid import uuid4

from attrs import field, frozen

_TABLE = (
    "CREATE TABLE IF NOT EXISTS faxes "
    "(token TEXT PRIMARY KEY, worker TEXT, process INTEGER, status INTEGER)"
)


@frozen
class Budget:
    """
    At most *number* faxes, counted in the SQLite file *path*: every process counts there.

    *worker* is the same in the process that made the object and in its forks.
    """

    path: str
    number: int
    worker: str = field(factory=lambda: uuid4().hex)

    def take(self, token: str) -> bool:
        """Return whether the fax with this *token* may be sent; a repeated token counts once."""
        with self._opened() as connection:
            (count,) = connection.execute("SELECT count(*) FROM faxes").fetchone()
            known = connection.execute("SELECT 1 FROM faxes WHERE token = ?", (token,)).fetchone()
            if known is None and count < self.number:
                row = token, self.worker, os.getpid()
                connection.execute("INSERT INTO faxes VALUES (?, ?, ?, NULL)", row)
            return known is not None or count < self.number

    def note(self, token: str, status: int) -> None:
        """Keep the HTTP *status* with which Telnyx answered the fax with this *token*."""
        with self._opened() as connection:
            connection.execute("UPDATE faxes SET status = ? WHERE token = ?", (status, token))

    def sent_by_forks(self) -> dict[str, int | None]:
        """Return the tokens that forks of this process took, with the status of their answers."""
        with self._opened() as connection:
            rows = connection.execute(
                "SELECT token, status FROM faxes WHERE worker = ? AND process <> ?",
                (self.worker, os.getpid()),
            )
            return dict(rows.fetchall())

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # A connection of its own for each call: it must not be carried over a fork.
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLE)
            yield connection
            connection.execute("COMMIT")
