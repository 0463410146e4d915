"""Decide whether the stage ``complete`` is safe: whether the legacy provider has nothing left to do."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from attrs import frozen

from twilio_fax_compat._core.migration.counters import ASKED, CALLBACK, read_counter_name
from twilio_fax_compat._core.migration.decisions import LEGACY
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat.ledger import Ledger

HOUR, DAY = 3600.0, 86400.0

PERIODS: Mapping[str, float] = {
    "1h": HOUR,
    "6h": 6 * HOUR,
    "24h": DAY,
    "3d": 3 * DAY,
    "7d": 7 * DAY,
    "14d": 14 * DAY,
    "30d": 30 * DAY,
    "90d": 90 * DAY,
    "180d": 180 * DAY,
}
"""The periods in which the legacy provider may have been asked last, from the shortest on."""

QUIET = "24h"
"""For this long the legacy provider must have sent nothing and called nothing back."""

UNFINISHED = "7d"
"""A fax without a known end that changed in this period may still be on its way."""

_SHOWN = 20


@frozen
class Finish:
    """
    What is left at the legacy provider.

    *asked* has, for each kind of request and for ``callback``, the shortest of `PERIODS` in which it
    happened last. *unfinished* are SIDs of faxes without a known end that changed in the period
    `UNFINISHED`, and *unknown* is the number of older ones. *open_sends* is the number of sends that may
    have gone out without an answer. *stage* is the flag's, None if no roll-out is configured. *is_known* is
    False if the ledger has nothing at all of the legacy provider.
    """

    stage: str | None
    asked: Mapping[str, str]
    unfinished: Sequence[str]
    unknown: int
    open_sends: int
    is_known: bool = True

    @property
    def is_safe(self) -> bool:
        """Whether nothing blocks the stage ``complete``."""
        return not self.blocking

    @property
    def blocking(self) -> list[str]:
        """What must end first, as sentences that name the next step."""
        texts = []
        if self.stage is None:
            texts.append(
                "no roll-out is configured: set TWILIO_FAX_COMPAT_ROLLOUT, or name the flag with --rollout"
            )
        elif self.stage not in ("on", "complete"):
            texts.append(f"the stage is {self.stage}: set it to on first, and wait for {QUIET}")
        if _is_recent(self.asked.get("create")):
            texts.append(
                f"the legacy provider was asked to send a fax in the last {self.asked['create']}: wait until "
                f"it was not for {QUIET}"
            )
        if _is_recent(self.asked.get(CALLBACK)):
            texts.append(
                f"the legacy provider called the application back in the last {self.asked[CALLBACK]}: "
                "move the numbers that still receive there, or wait for its last faxes"
            )
        if self.open_sends:
            texts.append(
                f"{self.open_sends} sends may have gone out through the legacy provider without an answer: "
                "look them up there; they are forgotten after 24 hours"
            )
        if self.unfinished:
            texts.append(
                "faxes without a known end there, of the last {}: {}. Fetch them, or wait for their "
                "callbacks".format(UNFINISHED, ", ".join(self.unfinished[:_SHOWN]))
                + (" and more" if len(self.unfinished) > _SHOWN else "")
            )
        if not self.is_known:
            texts.append(
                "this ledger knows nothing of the legacy provider: name the one that the application uses "
                "with --ledger"
            )
        return texts

    @property
    def notes(self) -> list[str]:
        """What will be different at ``complete``, and does not block it."""
        texts = []
        reads = [
            f"{what} in the last {self.asked[what]}"
            for what in ("fetch", "list", "media", "update", "delete")
            if what in self.asked
        ]
        if reads:
            texts.append(
                "the legacy provider was asked for old faxes: {}. At complete, such a fetch is a 404, and "
                "lists have Telnyx's faxes alone: export first what you must keep".format(
                    ", ".join(reads)
                )
            )
        if self.unknown:
            texts.append(
                f"{self.unknown} older faxes have no known end: no callback, fetch or list has shown one"
            )
        return texts

    def as_json(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {
            "safe": self.is_safe,
            "stage": self.stage,
            "last_asked": dict(self.asked),
            "unfinished": list(self.unfinished),
            "unknown": self.unknown,
            "open_sends": self.open_sends,
            "blocking": self.blocking,
            "notes": self.notes,
        }


def finish(ledger: Ledger, stage: str | None) -> Finish:
    """Return what *ledger* knows of the legacy provider. Raises LedgerUnavailable."""
    asked = _last_asked(ledger)
    every = _has_end(ledger, PERIODS["180d"])
    without_end = {key for key, has_end in every.items() if not has_end}
    unfinished = without_end & _has_end(ledger, PERIODS[UNFINISHED]).keys()
    return Finish(
        stage,
        asked,
        sorted(fax_sid(key) or key for key in unfinished),
        len(without_end - unfinished),
        sum(entry.get("provider") == LEGACY for entry in ledger.open_sends()),
        is_known=bool(asked or every),
    )


def _last_asked(ledger: Ledger) -> dict[str, str]:
    found: dict[str, str] = {}
    for period, seconds in PERIODS.items():
        for name in ledger.counts(seconds):
            read = read_counter_name(name)
            if read is not None and read.kind == ASKED and read.group == LEGACY:
                found.setdefault(read.detail, period)
    return found


def _has_end(ledger: Ledger, seconds: float) -> dict[str, bool]:
    """Return for each fax of the legacy provider in the period whether its end is known."""
    return {
        key: facts.status is not None
        for key, facts in ledger.recent(seconds)
        if facts.provider == LEGACY
    }


def _is_recent(period: str | None) -> bool:
    return period is not None and PERIODS[period] <= PERIODS[QUIET]
