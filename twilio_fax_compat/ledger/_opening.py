"""Opens the ledger that an argument, the environment or a URL names."""

from __future__ import annotations

from threading import Lock
from typing import Mapping

from twilio_fax_compat.ledger._protocol import Ledger
from twilio_fax_compat.ledger.memory import MemoryLedger

ENVIRONMENT = "TWILIO_FAX_COMPAT_LEDGER"

_opened: dict[str, Ledger] = {}
_opening = Lock()


def chosen_ledger(ledger: Ledger | str | None, environ: Mapping[str, str]) -> Ledger:
    """
    Return the ledger to use: *ledger*, else the one in *environ*, else `PROCESS_LEDGER`.

    *ledger* may be a URL; the same URL returns the same object. Raises the errors of `open_ledger`.
    """
    if ledger is None:
        ledger = environ.get(ENVIRONMENT) or PROCESS_LEDGER
    if not isinstance(ledger, str):
        return ledger
    with _opening:
        if ledger not in _opened:
            _opened[ledger] = open_ledger(ledger)
        return _opened[ledger]


PROCESS_LEDGER = MemoryLedger()
"""The ledger in memory that all clients of this process share by default."""


def open_ledger(url: str) -> Ledger:
    """
    Return the ledger that *url* names. It connects when it is first used.

    - ``memory:`` is `PROCESS_LEDGER`.
    - ``sqlite:///relative/path.db`` and ``sqlite:////absolute/path.db`` are a file that the processes
      of one machine share.
    - ``postgresql://user:password@host/database`` is a database that several machines share.

    Raises ValueError for any other URL, and ImportError when psycopg is not installed.
    """
    scheme, colon, rest = url.partition(":")
    if url == "memory:":
        return PROCESS_LEDGER
    if scheme == "sqlite" and rest.startswith("///") and rest[3:] not in ("", ":memory:"):
        from twilio_fax_compat.ledger.sqlite import SQLiteLedger

        return SQLiteLedger(rest[3:])
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        from twilio_fax_compat.ledger.postgres import PostgresLedger

        return PostgresLedger(url)
    # The message leaves out the rest of the URL, which may contain a password.
    raise ValueError(
        "a ledger is memory:, sqlite:///relative/path.db, sqlite:////absolute/path.db or "
        "postgresql://user:password@host/database, not {}".format(
            scheme + ":..." if colon else "a text without a scheme"
        )
    )
