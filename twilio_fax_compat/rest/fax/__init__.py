"""The Fax domain of Twilio's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twilio_fax_compat.base.domain import Domain
from twilio_fax_compat.rest.fax.v1 import V1

if TYPE_CHECKING:
    from twilio_fax_compat.rest.fax.v1.fax import FaxList


class Fax(Domain):
    """The Fax domain, ``client.fax``."""

    def __init__(self, twilio: Any) -> None:
        """Take the client, or any object with its ``request`` method."""
        super().__init__(twilio)
        self.base_url = "https://fax.twilio.com"
        self._v1: V1 | None = None

    @property
    def v1(self) -> V1:
        """Version v1 of fax."""
        if self._v1 is None:
            self._v1 = V1(self)
        return self._v1

    @property
    def faxes(self) -> FaxList:
        """The faxes of version v1."""
        return self.v1.faxes

    def __repr__(self) -> str:
        return "<Twilio.Fax>"
