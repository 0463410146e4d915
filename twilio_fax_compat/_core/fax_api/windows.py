"""Which page of a list to ask for when a part of the list is known."""

from __future__ import annotations

from typing import NamedTuple

TRIES = 64
"""How many page numbers, and sizes, are tried."""


class Window(NamedTuple):
    """A page of a list, by its *number*, which counts from 1, and its *size*."""

    number: int
    size: int

    @property
    def start(self) -> int:
        """The number of items before the page."""
        return (self.number - 1) * self.size

    @property
    def end(self) -> int:
        """The number of items up to the end of the page, if it is full."""
        return self.number * self.size


def window_after(passed: int, wanted: int, most: int) -> Window:
    """
    Return the smallest page that has the last of *passed* items, 1 or more, and *wanted* items after it.

    The last known item shows that the list has not moved. If no page of at most *most* items has room for
    so much, return the one with the most new items. If none has any, return the page after *passed*.
    """
    # More pages make smaller ones, but far more do not fit.
    highest = min((passed + wanted) // (wanted + 1), passed // most + TRIES)
    for number in range(highest, 0, -1):
        size = -(-(passed + wanted) // number)
        if size > most:
            break
        window = Window(number, size)
        if window.start < passed:
            return window
    sizes = range(most, max(most - TRIES, 0), -1)
    windows = [Window((passed - 1) // size + 1, size) for size in sizes]
    best = max(windows, key=lambda window: window.end)
    # Tiny pages may all end at the last known item.
    return best if best.end > passed else Window(passed // most + 1, most)
