"""Summarise the ledger: both providers side by side, and the findings of the shadow stage."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable, Mapping

from attrs import field, frozen

from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.migration.counters import (
    ACCEPTED,
    CREATE,
    SHADOW,
    SHADOW_KINDS,
    read_counter_name,
)
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX
from twilio_fax_compat._core.translation.statuses import twilio_status

UNKNOWN = "unknown"
"""The status of a fax without a known end: it is in progress, or no webhook arrived."""

_FAILED = ("failed", "busy", "no-answer")


@frozen
class Side:
    """
    One provider: the number of its *sends* by outcome, and of its *faxes* by Twilio status.

    The outcomes are those of `twilio_fax_compat._core.migration.counters`.
    """

    sends: Counter[str] = field(factory=Counter)
    faxes: Counter[str] = field(factory=Counter)

    @property
    def error_rate(self) -> float | None:
        """The share of sends that the provider did not accept; None without sends."""
        return _share(_total(self.sends) - self.sends[ACCEPTED], _total(self.sends))

    @property
    def failure_rate(self) -> float | None:
        """Failed faxes divided by failed and delivered ones; None without any."""
        failed = sum(self.faxes[status] for status in _FAILED)
        return _share(failed, failed + self.faxes["delivered"])

    def as_json(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {
            "sends": _total(self.sends),
            "outcomes": dict(ranked(self.sends)),
            "error_rate": self.error_rate,
            "faxes": _total(self.faxes),
            "statuses": dict(ranked(self.faxes)),
            "failure_rate": self.failure_rate,
        }


def sides(counts: Mapping[str, int], faxes: Iterable[tuple[str, Facts]]) -> dict[str, Side]:
    """Return both providers' sides, from the counters and the *faxes* of a ledger."""
    by_name = {LEGACY: Side(), TELNYX: Side()}
    for name, number in counts.items():
        read = read_counter_name(name)
        if read is not None and read.kind == CREATE and read.group in by_name:
            by_name[read.group].sends[read.detail] += number
    for _, facts in faxes:
        # Facts without a provider come from Telnyx's webhooks.
        provider = facts.provider if facts.provider in by_name else TELNYX
        by_name[provider].faxes[status_of(facts)] += 1
    return by_name


def status_of(facts: Facts) -> str:
    """Return the Twilio status of a fax, or `UNKNOWN`."""
    if facts.provider == LEGACY:
        return facts.status or UNKNOWN
    status = twilio_status(
        facts.status, failure_reason=facts.failure_reason, cancel_asked=facts.cancel_asked
    )
    return status or UNKNOWN


def findings(counts: Mapping[str, int]) -> dict[str, Counter[str]]:
    """Return the findings of the shadow stage and their counts, by kind."""
    by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in SHADOW_KINDS}
    for name, number in counts.items():
        read = read_counter_name(name)
        if read is not None and read.kind == SHADOW and read.group in by_kind:
            by_kind[read.group][read.detail] += number
    return by_kind


def ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    """Return the items and their counts, the most frequent first."""
    return sorted(counter.items(), key=lambda counted: (-counted[1], counted[0]))


def _total(counter: Counter[str]) -> int:
    return sum(counter.values())


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
