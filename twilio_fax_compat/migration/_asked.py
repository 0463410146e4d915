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

_counted: dict[tuple[int, int, str], float] = {}


def note_asked(request: TwilioRequest, ledger: Ledger) -> None:
    """Count that the legacy provider gets *request*. Without the ledger, nothing happens."""
    what = _what(request)
    place, now = (os.getpid(), id(ledger), what), monotonic()
    if now - _counted.get(place, -BETWEEN_COUNTS) >= BETWEEN_COUNTS:
        _counted[place] = now
        client_facts.count(ledger, counter_name(ASKED, LEGACY, what))


def _what(request: TwilioRequest) -> str:
    path = request.path.rstrip("/")
    if path == "/Faxes":
        return "create" if request.method == "POST" else "list"
    if _ONE_FAX.fullmatch(path):
        return _ON_ONE.get(request.method, "other")
    return "media"
