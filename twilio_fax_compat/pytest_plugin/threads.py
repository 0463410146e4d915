"""Which test a thread works for: the one that started it, or that submitted its work."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any, Callable

from attrs import define, field

_ATTRIBUTE = "_twilio_fax_compat_test"


@define(eq=False)
class ThreadOwners:
    """
    Marks threads that are started during the run with what *current* returns.

    `owner` returns the mark of the calling thread, and what *current* returns in a thread without one.
    """

    current: Callable[[], Any]
    _undo: list[Callable[[], None]] = field(factory=list)

    def start(self) -> None:
        """Begin to mark threads."""
        self._replace(threading.Thread, "start", self._start_thread)
        self._replace(ThreadPoolExecutor, "submit", self._submit)

    def stop(self) -> None:
        """Stop marking threads."""
        while self._undo:
            self._undo.pop()()

    def owner(self) -> Any:
        """Return what the calling thread works for."""
        marks = vars(threading.current_thread())
        return marks[_ATTRIBUTE] if _ATTRIBUTE in marks else self.current()

    def _start_thread(self, original: Any, thread: threading.Thread) -> None:
        vars(thread)[_ATTRIBUTE] = self.owner()
        original(thread)

    def _submit(self, original: Any, executor: Any, function: Any, *args: Any, **named: Any) -> Any:
        owner = self.owner()

        @wraps(function)
        def work(*args: Any, **named: Any) -> Any:
            marks = vars(threading.current_thread())
            before, marks[_ATTRIBUTE] = marks.get(_ATTRIBUTE), owner
            try:
                return function(*args, **named)
            finally:
                marks[_ATTRIBUTE] = before

        return original(executor, work, *args, **named)

    def _replace(self, holder: Any, name: str, around: Callable[..., Any]) -> None:
        original = getattr(holder, name)

        @wraps(original)
        def replacement(*args: Any, **named: Any) -> Any:
            return around(original, *args, **named)

        setattr(holder, name, replacement)
        self._undo.append(lambda: setattr(holder, name, original))
