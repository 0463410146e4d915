"""Opens the ledger that an argument, the environment or a URL names."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger._protocol import Ledger
from twilio_fax_compat.ledger.memory import MemoryLedger

ENVIRONMENT = "TWILIO_FAX_COMPAT_LEDGER"

_FORMS = (
    "memory:, sqlite:///relative/path.db, sqlite:////absolute/path.db or "
    "postgresql://user:password@host/database"
)

_opened: dict[str, Ledger] = {}


def chosen_ledger(ledger: Ledger | str | None, environ: Mapping[str, str]) -> Ledger:
    """
    Return the ledger to use: *ledger*, else the one in *environ*, else `PROCESS_LEDGER`.

    *ledger* may be a URL; the same URL returns the same object. Raises the errors of `open_ledger`.
    """
    if ledger is None:
        ledger = environ.get(ENVIRONMENT) or PROCESS_LEDGER
    if isinstance(ledger, str):
        # Without a lock, which could stay locked in the child of a fork.
        return _opened.get(ledger) or _opened.setdefault(ledger, open_ledger(ledger))
    if not all(callable(getattr(ledger, name, None)) for name in ("recall", "remember")):
        raise TwilioException(
            f"ledger= must be a URL or a ledger, not {type(ledger).__name__}. A URL is {_FORMS}"
        )
    return ledger


PROCESS_LEDGER = MemoryLedger()
"""The ledger in memory that all clients of this process share by default."""


def open_ledger(url: str) -> Ledger:
    """
    Return the ledger that *url* names. It connects when it is first used.

    - ``memory:`` is `PROCESS_LEDGER`.
    - ``sqlite:///relative/path.db`` and ``sqlite:////absolute/path.db`` are a file that the processes
      of one machine share. Its directory must exist.
    - ``postgresql://user:password@host/database`` is a database that several machines share.

    Raises TwilioException for any other URL, and ImportError when psycopg is not installed.
    """
    if not isinstance(url, str):
        raise TwilioException(f"a ledger's URL must be a str, not {type(url).__name__}: {_FORMS}")
    scheme, colon, rest = url.partition(":")
    if url == "memory:":
        return PROCESS_LEDGER
    if scheme == "sqlite" and rest.startswith("///") and rest[3:] not in ("", ":memory:"):
        return _sqlite_ledger(rest[3:])
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        from twilio_fax_compat.ledger.postgres import PostgresLedger

        return PostgresLedger(url)
    # The message leaves out the rest of the URL, which may contain a password.
    raise TwilioException(
        "the ledger's URL must be {}, not {}. Correct ledger= or {}".format(
            _FORMS, scheme + ":..." if colon else "a text without a scheme", ENVIRONMENT
        )
    )


def _sqlite_ledger(name: str) -> Ledger:
    from twilio_fax_compat.ledger.sqlite import SQLiteLedger

    path = Path(name).absolute()
    if "\0" in name:
        raise TwilioException("the ledger's path must not contain a NUL character")
    if path.is_dir():
        raise TwilioException(f"the ledger {path} is a directory: add the name of a file")
    if not path.parent.is_dir():
        raise TwilioException(
            f"the ledger's directory {path.parent} does not exist: create it, or correct ledger= or "
            f"{ENVIRONMENT}. After sqlite:, three slashes begin a relative path, four an absolute one"
        )
    return SQLiteLedger(name)
