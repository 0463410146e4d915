"""Which ledger a client or a middleware uses."""

from __future__ import annotations

from threading import Lock
from typing import Mapping

from twilio_fax_compat.ledger import PROCESS_LEDGER, Ledger, open_ledger

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
