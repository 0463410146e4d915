"""The base class of a list of resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.base.version import Version


class ListResource:
    """All resources of a kind."""

    def __init__(self, version: Version) -> None:
        self._version = version
