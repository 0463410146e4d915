"""The base class of one resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.base.version import Version


class InstanceResource:
    """One resource, with the properties that a response had."""

    def __init__(self, version: Version) -> None:
        self._version = version
