"""
Claims that a killed process does not keep.

`Ledger.claim` gives a name to one caller and does not say to whom. So each caller first writes its
process down, and then claims. Whoever finds the name claimed reads who may have claimed it. If none of
those processes lives, the caller claims the next name. So a process that is killed right after its claim
blocks nobody.
"""

from __future__ import annotations

import os
import time
from typing import Any, Mapping

from attrs import field, frozen

from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.ledger.processes import NOBODYS, name_of_process, who_has

_BY = ":by:"


@frozen
class Claim:
    """
    What this process has for itself. *name* is what the ledger gave it.

    The claimers of *what* are written down under *key*, this one as *mark*. Without a mark, the ledger was
    away and knows nothing of the claim.
    """

    what: str
    name: str
    key: str = field(default="", repr=False)
    mark: str = ""

    def give_back(self, ledger: Ledger) -> None:
        """Let the next caller claim it. Raises what the ledger raises."""
        if self.mark:
            _write(ledger, self.key, {self.mark: {}})
        ledger.release(self.name)

    def forget_claimers(self, ledger: Ledger) -> None:
        """Delete who claimed it, when nobody can want it any more. Raises what the ledger raises."""
        marks = _claimers(ledger, self.key, self.what + _BY) if self.mark else {}
        if marks:
            _write(ledger, self.key, {mark: {} for mark in marks})


def take(ledger: Ledger, what: str, key: str, seconds: float) -> Claim | None:
    """
    Return the claim of *what*, which lasts for *seconds*; None if another caller has it.

    The claimers are written down in the facts of *key*. Raises what the ledger raises.
    """
    # `entries_of` leaves out an entry that has a key: it stands for no send.
    entry = {"key": key, "owner": name_of_process(), "wall": time.time()}
    place = 0
    while True:
        prefix = f"{what}{_BY}{place}:"
        claim = Claim(what, f"{what}:{place}" if place else what, key, prefix + os.urandom(8).hex())
        _write(ledger, key, {claim.mark: entry})
        if ledger.claim(claim.name, seconds) == "new":
            return claim
        try:
            _write(ledger, key, {claim.mark: {}})
            claimers = _claimers(ledger, key, prefix).values()
        except Exception:  # noqa: BLE001 - it is known that another caller has it
            return None
        if not claimers or any(_is_there(one) for one in claimers):
            return None
        place += 1


def _claimers(ledger: Ledger, key: str, prefix: str) -> Mapping[str, Mapping[str, Any]]:
    entries = ledger.recall((key,)).get(key, NOTHING_KNOWN).sends or {}
    return {token: entry for token, entry in entries.items() if token.startswith(prefix)}


def _is_there(entry: Mapping[str, Any]) -> bool:
    return entry.get("owner") == name_of_process() or who_has("", entry, None) != NOBODYS


def _write(ledger: Ledger, key: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    ledger.remember(key, Facts(sends=entries))
