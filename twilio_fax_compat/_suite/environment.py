"""Environment variables that are set for the duration of a run."""

from __future__ import annotations

import os
from typing import Mapping

from attrs import define, field


@define(eq=False)
class Variables:
    """Sets environment variables, and restores what they were."""

    _before: dict[str, str | None] = field(init=False, factory=dict)

    def set(self, environ: Mapping[str, str]) -> None:
        """Set the variables of *environ*."""
        for name, value in environ.items():
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value

    def restore(self) -> None:
        """Restore every variable that was set."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}
