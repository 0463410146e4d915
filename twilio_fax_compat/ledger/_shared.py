"""Opens the ledger of an application in another process, for a command."""

from __future__ import annotations

from pathlib import Path

from twilio_fax_compat.ledger._opening import ENVIRONMENT, PROCESS_LEDGER, open_ledger
from twilio_fax_compat.ledger._protocol import Ledger

_SQLITE = "sqlite:///"


def shared_ledger(url: str | None) -> Ledger:
    """
    Return the ledger that *url* names, which must exist and not be in memory.

    Raises ValueError if there is no such ledger, and what `open_ledger` raises.
    """
    if not url:
        raise ValueError(
            f"no ledger is given: pass --ledger URL or set {ENVIRONMENT} to the application's ledger"
        )
    ledger = open_ledger(url)
    if ledger is PROCESS_LEDGER:
        raise ValueError(
            "a ledger in memory is not shared between processes: use one that is, as in "
            "sqlite:////var/lib/myapp/fax.db"
        )
    if url.startswith(_SQLITE) and not Path(url[len(_SQLITE) :]).exists():
        raise ValueError(f"there is no ledger at {url[len(_SQLITE) :]}")
    return ledger
