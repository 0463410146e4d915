"""Faxes in the order of their creation, found by time and number without looking at them all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime
from typing import Mapping

from attrs import define, field, frozen

from twilio_fax_compat.testing.fax import Fax

INDEXED = ("direction", "from", "to")


@frozen
class Bounds:
    """A span of time: later than *gt*, *gte* or later, and so on; None does not bound."""

    gt: datetime | None = None
    gte: datetime | None = None
    lt: datetime | None = None
    lte: datetime | None = None


@define(eq=False)
class SortedFaxes:
    """Faxes in the order of their creation, no two of the same moment."""

    faxes: list[Fax] = field(factory=list, repr=False)
    _times: list[datetime] = field(factory=list, repr=False)

    def add(self, fax: Fax) -> None:
        """Put the newest fax at the end."""
        self.faxes.append(fax)
        self._times.append(fax.created)

    def remove(self, fax: Fax) -> None:
        """Remove a fax that is there."""
        place = bisect_left(self._times, fax.created)
        del self.faxes[place], self._times[place]

    def between(self, bounds: Bounds) -> list[Fax]:
        """Return the faxes that were created within the *bounds*, oldest first."""
        times = self._times
        start, end = 0, len(times)
        if bounds.gt is not None:
            start = bisect_right(times, bounds.gt)
        if bounds.gte is not None:
            start = max(start, bisect_left(times, bounds.gte))
        if bounds.lt is not None:
            end = bisect_left(times, bounds.lt)
        if bounds.lte is not None:
            end = min(end, bisect_right(times, bounds.lte))
        return self.faxes[start:end]


@define(eq=False)
class FaxIndex:
    """All faxes, and those of each direction and number."""

    everything: SortedFaxes = field(factory=SortedFaxes)
    _by_field: dict[tuple[str, str], SortedFaxes] = field(factory=dict, repr=False)

    def add(self, fax: Fax) -> None:
        """Take in the newest fax."""
        self.everything.add(fax)
        for key in _keys(fax):
            faxes = self._by_field.get(key)
            if faxes is None:
                faxes = self._by_field[key] = SortedFaxes()
            faxes.add(fax)

    def remove(self, fax: Fax) -> None:
        """Take out a fax."""
        self.everything.remove(fax)
        for key in _keys(fax):
            self._by_field[key].remove(fax)

    def find(self, equal: Mapping[str, str], bounds: Bounds) -> list[Fax]:
        """
        Return the faxes with those values and of that time, oldest first.

        *equal* may name what is `INDEXED`.
        """
        nothing = SortedFaxes()
        index = [self._by_field.get(pair, nothing) for pair in equal.items()]
        shortest = min(index, key=lambda faxes: len(faxes.faxes), default=self.everything)
        found = shortest.between(bounds)
        if len(equal) > 1:
            wanted = equal.items()
            found = [fax for fax in found if wanted <= fax.resource.items()]
        return found


def _keys(fax: Fax) -> list[tuple[str, str]]:
    return [(name, fax.resource[name]) for name in INDEXED]
