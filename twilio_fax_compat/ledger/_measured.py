"""Measures how long a ledger takes."""

from __future__ import annotations

from time import monotonic

from twilio_fax_compat.metrics import measure


class measured:  # noqa: N801 - used as a function; a generator would cost more than the measurement
    """Measure the block: its duration, or its error. *name* is the kind of the ledger."""

    __slots__ = ("_access", "_begun", "_name")

    def __init__(self, name: str, *, writes: bool) -> None:
        self._name = name
        self._access = "write" if writes else "read"

    def __enter__(self) -> None:
        self._begun = monotonic()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            seconds = monotonic() - self._begun
            measure("ledger_seconds", seconds, ledger=self._name, access=self._access)
        else:
            measure("ledger_errors", ledger=self._name, access=self._access)
