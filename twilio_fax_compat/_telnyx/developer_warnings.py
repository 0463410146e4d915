"""Warnings to the developer of the program that uses this package."""

from __future__ import annotations

import sys
import warnings

from twilio_fax_compat._core.effects import Warn
from twilio_fax_compat.warnings import TelnyxCompatibilityWarning

_warned: set[str] = set()


def warn_once(warning: Warn) -> None:
    """Warn the developer, at the line that called this package."""
    if warning.parameter in _warned:
        return
    warnings.warn(warning.text, TelnyxCompatibilityWarning, stacklevel=_callers_level())
    _warned.add(warning.parameter)


def _callers_level() -> int:
    level = 1
    frame = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in (package, "twilio"):
            return level
        frame = frame.f_back
        level += 1
    return level
