"""Which ledger a client or a middleware uses."""

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
    Return *ledger*, which may be a URL, else the one that *environ* names, else the process's own.

    The same URL is the same ledger. Raises what `open_ledger` does.
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
"""What every client of this process shares unless it is given another."""


def open_ledger(url: str) -> Ledger:
    """
    Return the ledger that *url* names; nothing is connected to before its first use.

    ``memory:`` is `PROCESS_LEDGER`; ``sqlite:///relative/path.db`` and
    ``sqlite:////absolute/path.db`` are shared by the processes of one machine,
    ``postgresql://user:password@host/database`` by all that reach the server.

    Raises ValueError for any other URL, and ImportError when PostgreSQL's driver is not installed.
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
    # The rest of a URL may hold a password.
    raise ValueError(
        "a ledger is memory:, sqlite:///relative/path.db, sqlite:////absolute/path.db or "
        "postgresql://user:password@host/database, not {}".format(
            scheme + ":..." if colon else "a text without a scheme"
        )
    )
