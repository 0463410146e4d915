"""`unset` marks an argument that was not given. It is ``twilio``'s object if that is installed."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, Mapping

__all__ = ["of", "unset"]

unset: Any = object()

if not getattr(sys.modules.get("twilio"), "__twilio_fax_compat__", False):
    with suppress(ImportError):
        from twilio.base.values import unset  # type: ignore[no-redef]


def of(d: Mapping[str, Any]) -> dict[str, Any]:
    """Return *d* without the entries that are `unset`."""
    return {name: value for name, value in d.items() if value is not unset}
