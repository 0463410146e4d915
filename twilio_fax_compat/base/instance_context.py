"""The base class of a resource's context."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.base.version import Version


class InstanceContext:
    """One resource, identified by its SID."""

    def __init__(self, version: Version) -> None:
        self._version = version
