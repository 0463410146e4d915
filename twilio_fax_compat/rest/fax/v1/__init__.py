"""Version v1 of Twilio's fax API."""

from __future__ import annotations

from twilio_fax_compat.base.domain import Domain
from twilio_fax_compat.base.version import Version
from twilio_fax_compat.rest.fax.v1.fax import FaxList


class V1(Version):
    """Version v1, ``client.fax.v1``."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self.version = "v1"
        self._faxes: FaxList | None = None

    @property
    def faxes(self) -> FaxList:
        """The faxes."""
        if self._faxes is None:
            self._faxes = FaxList(self)
        return self._faxes

    def __repr__(self) -> str:
        return "<Twilio.Fax.V1>"
