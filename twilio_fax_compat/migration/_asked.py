"""Count in the ledger what the legacy provider was asked, so that `migration finish` knows when that was."""

from __future__ import annotations

import os
import re
from time import monotonic

from twilio_fax_compat._core.messages import TwilioRequest
from twilio_fax_compat._core.migration.counters import ASKED, counter_name
from twilio_fax_compat._core.migration.decisions import LEGACY
from twilio_fax_compat._telnyx import client_facts
from twilio_fax_compat.ledger import Ledger

BETWEEN_COUNTS = 60.0
"""Seconds for which a process does not count the same again. The counters show hours, and no numbers."""

_ONE_FAX = re.compile(r"/Faxes/[^/]+")
_ON_ONE = {"GET": "fetch", "POST": "update", "DELETE": "delete"}

# By process, ledger and request: when it was counted. The ledger is kept so that its id stays its own.
_counted: dict[tuple[int, int, str], tuple[float, Ledger]] = {}


def note_asked(request: TwilioRequest, ledger: Ledger) -> None:
    """Count that the legacy provider gets *request*. Without the ledger, nothing happens."""
    what = _what(request)
    place, now = (os.getpid(), id(ledger), what), monotonic()
    if place not in _counted or now - _counted[place][0] >= BETWEEN_COUNTS:
        _counted[place] = now, ledger
        client_facts.count(ledger, counter_name(ASKED, LEGACY, what))


def _what(request: TwilioRequest) -> str:
    path = request.path.rstrip("/")
    if path == "/Faxes":
        return "create" if request.method == "POST" else "list"
    if _ONE_FAX.fullmatch(path):
        return _ON_ONE.get(request.method, "other")
    return "media"
