from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.base.version import Version


class InstanceContext:
    """One resource, known by its SID."""

    def __init__(self, version: Version) -> None:
        self._version = version
