"""Compares a recorded Twilio response with what the client returns on Telnyx."""

from __future__ import annotations

from typing import Mapping, Sequence

from attrs import define, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import JSON
from twilio_fax_compat._core.translation.faxes import whole_number

LOSSES: Mapping[str, str] = {
    "price": "Telnyx gives no price for a fax",
    "price_unit": "Telnyx gives no price for a fax",
    "account_sid": "it is the account SID of the client",
    "media_sid": "a fax has one media, with the digits of the fax, and only if it has a link",
    "media_url": "only a fax with stored media has a link, and a create never returns one",
    "num_pages": "Telnyx reports it in webhooks only, so it is None until one arrives",
    "duration": "Telnyx reports it in webhooks only, so it is None until one arrives",
    "quality": "it is one of standard, fine and superfine",
    "content_type": "Telnyx stores only PDF",
    "api_version": "it is always v1",
    "date_created": "dates are in UTC with whole seconds, for example 2021-03-04T05:06:07Z",
    "date_updated": "dates are in UTC with whole seconds, for example 2021-03-04T05:06:07Z",
    "links": "every fax has links, on the host fax.twilio.com",
    "url": "every resource has one, on the host fax.twilio.com",
    "code": "Telnyx's error becomes a different Twilio code",
    "message": "the text is Telnyx's, with the recorded text inside and numbers masked",
    "previous_page_url": "every page except the first has one",
}
"""Fields that may differ in a converted interaction, and the reason."""

_COUNTS = frozenset({"num_pages", "duration"})


@define
class Comparison:
    """The differences as unique sentences: *refusals* rule out a conversion, *losses* do not."""

    losses: list[str] = field(factory=list)
    refusals: list[str] = field(factory=list)

    def lose(self, name: str, reason: str = "") -> None:
        """Add the field *name* to the losses, with a *reason* or the one in `LOSSES`."""
        _add(self.losses, f"{name}: {reason or LOSSES[name]}")

    def refuse(self, reason: str) -> None:
        """Add a *reason* why the interaction cannot be converted."""
        _add(self.refusals, reason)

    def resources(self, recorded: JSON, returned: JSON, names: Mapping[str, str] = {}) -> None:
        """
        Compare a recorded fax or media with the resource that the client returns.

        *names* maps a field to the name that the report uses, if that is another one.
        """
        for key in {**returned, **recorded}:
            if key not in returned:
                if recorded[key] is not None:
                    self.lose(key, "the client has no such field")
            elif not _same(key, recorded.get(key), returned[key]):
                name = names.get(key, key)
                if name in LOSSES:
                    self.lose(name)
                else:
                    self.refuse(_instead(name, returned[key], recorded.get(key)))

    def problems(self, status: int, recorded: JSON | None, returned: JSON) -> None:
        """Compare two errors of the same HTTP *status*."""
        recorded = recorded or {}
        if recorded.get("code", status) != returned.get("code"):
            self.lose("code")
        if recorded.get("message") != returned.get("message"):
            self.lose("message")

    def lists(self, recorded: Sequence[object], returned: Sequence[JSON]) -> None:
        """Compare the faxes of a recorded list with those of the list that the client returns."""
        if len(recorded) != len(returned):
            self.refuse(f"the list would have {len(returned)} faxes instead of {len(recorded)}")
            return
        for recorded_fax, returned_fax in zip(recorded, returned):
            if isinstance(recorded_fax, dict):
                self.resources(recorded_fax, returned_fax)
            else:
                self.refuse("the list has an entry that is not a fax")


def _same(name: str, recorded: object, returned: object) -> bool:
    if name in _COUNTS:
        # Twilio's client makes numbers of texts.
        number = whole_number(recorded)
        recorded = recorded if number is None else number
    return recorded == returned and isinstance(recorded, bool) == isinstance(returned, bool)


def _instead(name: str, returned: object, recorded: object) -> str:
    return mask(f"{name} would be {returned!r} instead of {recorded!r}")


def _add(sentences: list[str], sentence: str) -> None:
    if sentence not in sentences:
        sentences.append(sentence)
