"""Decide which provider sends a fax, by a plan."""

from __future__ import annotations

from hashlib import sha256
from typing import Mapping

from attrs import field, frozen

from twilio_fax_compat._core.attempts import LEGACY, TELNYX
from twilio_fax_compat._core.masking import mask_number
from twilio_fax_compat._core.migration.plans import (
    KEYS,
    STAGES,
    NumberRules,
    Plan,
    normalised,
    read_plan,
)
from twilio_fax_compat._core.translation.create_form import reorder_legacy_arguments

__all__ = [
    "KEYS",
    "LEGACY",
    "STAGES",
    "TELNYX",
    "Decision",
    "Plan",
    "Subject",
    "decide",
    "decide_for",
    "point_of",
    "read_plan",
]

_STEP = 100 / 2**53


@frozen
class Subject:
    """
    The send to decide about: its destination *to*, its *sender* and the *account* SID.

    *key*, one of `KEYS`, names the value to decide by, unless the plan names another.
    """

    to: str = field(default="", repr=mask_number)
    sender: str = field(default="", repr=mask_number)
    account: str = ""
    key: str = "to"

    @classmethod
    def of(cls, fields: Mapping[str, object], account_sid: str | None, key: str = "to") -> Subject:
        """Return the subject of a Twilio create form, *fields* by wire name."""
        form = reorder_legacy_arguments(fields)
        return cls(
            normalised(form.get("To")),
            normalised(form.get("From")),
            normalised(account_sid),
            key,
        )

    def value(self, key: str) -> str:
        """Return the value of *key*, one of `KEYS`; an empty text if it is missing."""
        return self.to if key == "to" else self.sender if key == "from" else self.account

    def key_hash(self, key: str | None = None) -> str:
        """Return a hash of the value of *key*: 16 hexadecimal digits, always the same."""
        return sha256(self.value(key or self.key).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def destination_prefix(self) -> str:
        """The first five characters of the destination, too few to identify a subscriber."""
        return self.to[:5] if self.to.startswith("+") else self.to.partition(":")[0][:5]


def point_of(key_hash: str) -> float:
    """Return the place of a key hash: at least 0, below 100."""
    return (int(key_hash, 16) >> 11) * _STEP


@frozen
class Decision:
    """
    Who sends a fax.

    *provider* is `LEGACY` or `TELNYX`; *reason* is ``stage``, or in a ramp ``denied``, ``allowed`` or
    ``percentage``; ``retry`` if the fax stays with the provider that may have sent it already,
    ``fallback`` if Telnyx did not send it; *key_hash* is the hash of the value that decided.
    """

    stage: str
    provider: str
    reason: str
    key_hash: str


def decide(plan: Plan, fields: Mapping[str, object], account_sid: str | None) -> Decision:
    """Return who sends the fax of a Twilio create form, *fields* by wire name."""
    return decide_for(plan, Subject.of(fields, account_sid))


def decide_for(plan: Plan, subject: Subject) -> Decision:
    """Return who sends: the same for the same key. A larger percentage only adds keys to Telnyx."""
    key_hash = subject.key_hash(plan.key)
    stage = plan.stage
    if stage != "ramp":
        return Decision(stage, TELNYX if stage in ("on", "complete") else LEGACY, "stage", key_hash)
    if _matches(plan.deny, subject):
        return Decision(stage, LEGACY, "denied", key_hash)
    if _matches(plan.allow, subject):
        return Decision(stage, TELNYX, "allowed", key_hash)
    provider = TELNYX if point_of(key_hash) < plan.percent else LEGACY
    return Decision(stage, provider, "percentage", key_hash)


def _matches(rules: NumberRules, subject: Subject) -> bool:
    return any(patterns.match(subject.value(key)) for key, patterns in rules.items())
