from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.base.version import Version


class InstanceResource:
    """One resource and what is known of it."""

    def __init__(self, version: Version) -> None:
        self._version = version
