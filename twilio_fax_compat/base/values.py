"""The mark of an argument that was not given: that of the installed ``twilio`` package, if any."""

from __future__ import annotations

import sys
from typing import Any, Dict, Mapping

__all__ = ["of", "unset"]

unset: Any = object()

if not getattr(sys.modules.get("twilio"), "__twilio_fax_compat__", False):
    try:
        from twilio.base.values import unset  # type: ignore[no-redef]
    except ImportError:
        pass


def of(d: Mapping[str, Any]) -> Dict[str, Any]:
    """Return *d* without the entries that are `unset`."""
    return {name: value for name, value in d.items() if value is not unset}
