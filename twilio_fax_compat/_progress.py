"""Shows a person how far a command is, on a terminal and nowhere else."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TextIO

_PATIENCE = 1.0  # nothing is shown to whoever waits less than this many seconds
_BETWEEN = 0.1
_WIDTH = 24


class Progress:
    """
    A bar, or a count, on the standard error stream while the ``with`` block runs.

    It is shown after one second, and removed at the end. Nothing is written if *stream* is not a
    terminal, so a pipe and a log stay clean.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_wanted = self._stream is not None and self._stream.isatty()
        self._next = monotonic() + _PATIENCE
        self._shown = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove what is shown, so that a line can be printed."""
        if self._shown:
            self._write("")

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """Show that *done* (of *total*, if it is known) items are done; *what* names them."""
        if not self._is_wanted or monotonic() < self._next:
            return
        self._next = monotonic() + _BETWEEN
        text = f"{what}: {done}"
        if total:
            filled = min(_WIDTH, _WIDTH * done // total)
            text = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {text} of {total}"
        self._write(text)

    def _write(self, text: str) -> None:
        self._stream.write(f"\r{text.ljust(self._shown)}" + ("\r" if not text else ""))
        self._stream.flush()
        self._shown = len(text)
