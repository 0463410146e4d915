"""
Faxes of a list that are translated when somebody reads them.

Most programs read a few fields of each fax of a list. To translate all 18 of every fax takes longer than to
read them from the network.
"""

from __future__ import annotations

from datetime import datetime
from typing import Mapping, Sequence

from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.messages import JSON, TwilioResponse
from twilio_fax_compat._core.translation.faxes import fax_payload, status_of
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.translation.times import twilio_timestamp, usual_moment


class LazyFax:
    """
    A Telnyx *fax*, as Twilio's. The arguments are those of `fax_payload`.

    The properties are the fields that most programs read, with the values that `payload` has.
    """

    __slots__ = ("_account_sid", "_api_url", "_facts", "_fax")

    is_lazy = True

    def __init__(
        self, fax: Mapping[str, object], account_sid: str | None, facts: Facts, api_url: str
    ) -> None:
        self._fax = fax
        self._account_sid = account_sid
        self._facts = facts
        self._api_url = api_url

    def payload(self) -> JSON:
        """Return the whole Twilio payload of the fax."""
        return fax_payload(self._fax, self._account_sid, self._facts, self._api_url)

    @property
    def sid(self) -> str | None:
        """The SID."""
        return fax_sid(self._fax.get("id"))

    @property
    def from_(self) -> object:
        """The number it was sent from."""
        return self._fax.get("from")

    @property
    def to(self) -> object:
        """The number or SIP URI it was sent to."""
        return self._fax.get("to")

    @property
    def status(self) -> str | None:
        """The status."""
        return status_of(self._fax, self._facts)

    @property
    def direction(self) -> object:
        """``inbound`` or ``outbound``."""
        return self._fax.get("direction")

    @property
    def date_created(self) -> str | None:
        """When it was created, as Twilio writes it."""
        return twilio_timestamp(self._fax.get("created_at"))

    @property
    def created(self) -> datetime | None:
        """What Twilio's client makes of `date_created`, or None if that takes a closer look."""
        return usual_moment(self._fax.get("created_at"))


class ListResponse(TwilioResponse):
    """
    The 200 of a list of *faxes*, with *meta* of Twilio's list envelope.

    *faxes* is None once somebody has set another payload.
    """

    __slots__ = ("_whole", "faxes", "meta")

    def __init__(self, faxes: Sequence[LazyFax], meta: JSON) -> None:
        self.status = 200
        self.cause = None
        self.faxes: Sequence[LazyFax] | None = faxes
        self.meta = meta
        self._whole: JSON | None = None

    @property
    def payload(self) -> JSON | None:
        """The whole payload. It is made when it is first read."""
        if self._whole is None and self.faxes is not None:
            self._whole = {"faxes": [fax.payload() for fax in self.faxes], "meta": self.meta}
        return self._whole

    @payload.setter
    def payload(self, value: JSON | None) -> None:
        self._whole, self.faxes = value, None
