"""
Claims that a killed process does not keep.

`Ledger.claim` gives a name to one caller and does not say to whom. So each caller first writes its
process down, and then claims. Whoever finds the name claimed reads who that can have been: if all of
them are gone, the next name in line is free. Between a claim and what it is for, there is no moment in
which a kill leaves it to nobody.
"""

from __future__ import annotations

import os
import time
from itertools import count
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

    The claimers of *what* are written down under *key*, this one as *mark*.
    """

    what: str
    name: str
    key: str = field(repr=False)
    mark: str

    def give_back(self, ledger: Ledger) -> None:
        """Let the next caller claim it. Raises what the ledger raises."""
        _write(ledger, self.key, {self.mark: {}})
        ledger.release(self.name)

    def forget_claimers(self, ledger: Ledger) -> None:
        """Delete who claimed it, when nobody can want it any more. Raises what the ledger raises."""
        marks = [mark for mark in _claimers(ledger, self.key) if mark.startswith(self.what + _BY)]
        if marks:
            _write(ledger, self.key, {mark: {} for mark in marks})


def take(
    ledger: Ledger, what: str, key: str, seconds: float, details: Mapping[str, Any]
) -> Claim | None:
    """
    Return the claim of *what*, which lasts for *seconds*; None if another caller has it.

    The claimers are written down in the facts of *key*, each with *details*. Raises what the ledger
    raises.
    """
    entry = {**details, "owner": name_of_process(), "wall": time.time()}
    for place in count():
        prefix = f"{what}{_BY}{place}:"
        claim = Claim(what, f"{what}:{place}" if place else what, key, prefix + os.urandom(8).hex())
        _write(ledger, key, {claim.mark: entry})
        if ledger.claim(claim.name, seconds) == "new":
            return claim
        try:
            _write(ledger, key, {claim.mark: {}})
            marks = [one for mark, one in _claimers(ledger, key).items() if mark.startswith(prefix)]
        except Exception:  # noqa: BLE001 - it is known that another caller has it
            return None
        if not marks or any(_is_there(one) for one in marks):
            return None
    return None


def is_claimer(token: str) -> bool:
    """Return whether an entry in the facts of a key only says who claimed something."""
    return _BY in token


def _claimers(ledger: Ledger, key: str) -> Mapping[str, Mapping[str, Any]]:
    entries = ledger.recall((key,)).get(key, NOTHING_KNOWN).sends or {}
    return {token: entry for token, entry in entries.items() if is_claimer(token)}


def _is_there(entry: Mapping[str, Any]) -> bool:
    return entry.get("owner") == name_of_process() or who_has("", entry, None) != NOBODYS


def _write(ledger: Ledger, key: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    ledger.remember(key, Facts(sends=entries))
