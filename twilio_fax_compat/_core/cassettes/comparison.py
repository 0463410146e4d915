"""What a program sees differently when Telnyx, and not Twilio, is behind a call."""

from __future__ import annotations

from typing import Mapping, Sequence

from attrs import define, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import JSON
from twilio_fax_compat._core.translation.faxes import whole_number

LOSSES: Mapping[str, str] = {
    "price": "Telnyx tells no price with a fax",
    "price_unit": "Telnyx tells no price with a fax",
    "account_sid": "it is the client's own account's",
    "media_sid": "the one media of a fax has the fax's own digits, and shows by its link",
    "media_url": "a link is told only of a fax that has stored media, and never by a create",
    "num_pages": "it is a whole number, and never told by a create",
    "duration": "it is a whole number, and never told by a create",
    "quality": "it is one of standard, fine and superfine",
    "content_type": "Telnyx keeps PDF only",
    "api_version": "it is always v1",
    "date_created": "dates are UTC with whole seconds, as 2021-03-04T05:06:07Z",
    "date_updated": "dates are UTC with whole seconds, as 2021-03-04T05:06:07Z",
    "links": "every fax has them, on the host fax.twilio.com",
    "url": "every resource has one, on the host fax.twilio.com",
    "code": "Telnyx's error reads as another of Twilio's codes",
    "message": "errors are worded by Telnyx, with the recorded words inside, numbers cut",
    "previous_page_url": "every page but the first has it",
}
"""What may differ and leaves an interaction convertible, and why it does."""

_COUNTS = frozenset({"num_pages", "duration"})


@define
class Comparison:
    """What differs: *losses* can be lived with, *refusals* cannot. Both are sentences, each once."""

    losses: list[str] = field(factory=list)
    refusals: list[str] = field(factory=list)

    def lose(self, name: str, reason: str = "") -> None:
        """Note that the field *name* differs."""
        _add(self.losses, f"{name}: {reason or LOSSES[name]}")

    def refuse(self, reason: str) -> None:
        """Note what makes the whole answer another one."""
        _add(self.refusals, reason)

    def resources(self, recorded: JSON, shown: JSON, names: Mapping[str, str] = {}) -> None:
        """
        Compare a recorded fax or media with the one that is *shown* now.

        *names* says under which name a field's difference is told, where that is another.
        """
        for key in {**shown, **recorded}:
            if key not in shown:
                if recorded[key] is not None:
                    self.lose(key, "there is no such field")
            elif not _same(key, recorded.get(key), shown[key]):
                name = names.get(key, key)
                if name in LOSSES:
                    self.lose(name)
                else:
                    self.refuse(_instead(name, shown[key], recorded.get(key)))

    def problems(self, status: int, recorded: JSON | None, shown: JSON) -> None:
        """Compare two errors of the same HTTP *status*."""
        recorded = recorded or {}
        if recorded.get("code", status) != shown.get("code"):
            self.lose("code")
        if recorded.get("message") != shown.get("message"):
            self.lose("message")

    def lists(self, recorded: Sequence[object], shown: Sequence[JSON]) -> None:
        """Compare the faxes of a recorded list with those of the one *shown* now."""
        if len(recorded) != len(shown):
            self.refuse(f"the list would have {len(shown)} faxes instead of {len(recorded)}")
            return
        for then, now in zip(recorded, shown):
            if isinstance(then, dict):
                self.resources(then, now)
            else:
                self.refuse("the list has something that is no fax")


def _same(name: str, recorded: object, shown: object) -> bool:
    if name in _COUNTS:
        # Twilio's client makes numbers of texts.
        number = whole_number(recorded)
        recorded = recorded if number is None else number
    return recorded == shown and isinstance(recorded, bool) == isinstance(shown, bool)


def _instead(name: str, shown: object, recorded: object) -> str:
    return mask(f"{name} would be {shown!r} instead of {recorded!r}")


def _add(sentences: list[str], sentence: str) -> None:
    if sentence not in sentences:
        sentences.append(sentence)
