"""An index of faxes by time of creation, direction and number."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime
from typing import Mapping

from attrs import define, field, frozen

from twilio_fax_compat.testing.fax import Fax

INDEXED = ("direction", "from", "to")


@frozen
class Bounds:
    """A range of times, in the words of Telnyx's filters; None means no bound."""

    gt: datetime | None = None
    gte: datetime | None = None
    lt: datetime | None = None
    lte: datetime | None = None


@define(eq=False)
class SortedFaxes:
    """Faxes in the order of their creation. No two have the same time."""

    faxes: list[Fax] = field(factory=list, repr=False)
    _times: list[datetime] = field(factory=list, repr=False)

    def add(self, fax: Fax) -> None:
        """Add *fax*, which must be newer than all others."""
        self.faxes.append(fax)
        self._times.append(fax.created)

    def remove(self, fax: Fax) -> None:
        """Remove *fax*, which must be in the list."""
        place = bisect_left(self._times, fax.created)
        del self.faxes[place], self._times[place]

    def between(self, bounds: Bounds) -> list[Fax]:
        """Return the faxes created within *bounds*, oldest first."""
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
    """All faxes, and the faxes of each direction and number."""

    everything: SortedFaxes = field(factory=SortedFaxes)
    _by_field: dict[tuple[str, str], SortedFaxes] = field(factory=dict, repr=False)

    def add(self, fax: Fax) -> None:
        """Add *fax*, which must be newer than all others."""
        self.everything.add(fax)
        for key in _keys(fax):
            faxes = self._by_field.get(key)
            if faxes is None:
                faxes = self._by_field[key] = SortedFaxes()
            faxes.add(fax)

    def remove(self, fax: Fax) -> None:
        """Remove *fax*."""
        self.everything.remove(fax)
        for key in _keys(fax):
            self._by_field[key].remove(fax)

    def find(self, equal: Mapping[str, str], bounds: Bounds) -> list[Fax]:
        """
        Return the faxes with the values *equal* that were created within *bounds*, oldest first.

        The keys of *equal* are names in `INDEXED`.
        """
        nothing = SortedFaxes()
        index = [self._by_field.get(pair, nothing) for pair in equal.items()]
        shortest = min(index, key=lambda faxes: len(faxes.faxes), default=self.everything)
        faxes = shortest.between(bounds)
        if len(equal) > 1:
            wanted = equal.items()
            faxes = [fax for fax in faxes if wanted <= fax.resource.items()]
        return faxes


def _keys(fax: Fax) -> list[tuple[str, str]]:
    return [(name, fax.resource[name]) for name in INDEXED]
