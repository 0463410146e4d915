"""
Which provider sends a fax: the stages of a gradual move, read from a flag, and the decision.

A plan is one of five stages. ``off``: the legacy provider sends; ``shadow``: it sends, and what Telnyx
would be asked is checked; ``ramp``: lists and a percentage choose; ``on``: Telnyx sends, the legacy
provider is still read; ``complete``: there is no legacy provider.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any, Mapping

from attrs import field, fields_dict, frozen

from twilio_fax_compat._core.masking import mask, mask_number
from twilio_fax_compat._core.orders import in_todays_order

STAGES = ("off", "shadow", "ramp", "on", "complete")
LEGACY, TELNYX = "legacy", "telnyx"
KEYS = ("to", "from", "account")
"""What lists match and what the percentage can be of: destination, sender and account SID."""

_WORDS: Mapping[str, str] = {
    **{stage: stage for stage in STAGES if stage != "ramp"},
    **dict.fromkeys(("legacy", "false"), "off"),
    **dict.fromkeys(("telnyx", "true"), "on"),
}
_EXPECTED = 'write off, shadow, 25%, on, complete, or a JSON object such as {"percent": 25}'
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%")
_NUMBERS = re.compile(r"\+[1-9][0-9]{1,14}|\+[0-9]{0,15}\*|sips?:[^\s*]+\*?", re.IGNORECASE)
_ACCOUNTS = re.compile(r"[^\s*]+\*?")
_PUNCTUATION = re.compile(r"[ ().-]+")
_LONG_NUMBER = re.compile(r"[0-9]{5,}")
_STEP = 100 / 2**53


@frozen
class Patterns:
    """Texts to match: *exact* ones, and *prefixes* of others."""

    exact: frozenset[str] = field(repr=False)
    prefixes: tuple[str, ...] = field(repr=False)

    def match(self, text: str) -> bool:
        """Tell whether *text* is one of them or begins with one."""
        return text in self.exact or text.startswith(self.prefixes)


Rules = Mapping[str, Patterns]


def _read_rules(value: object) -> Rules:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError('allow and deny are objects such as {"to": ["+1415*"]}')
    return {_read_key(key): _read_patterns(key, told) for key, told in value.items()}


def _read_patterns(key: str, value: object) -> Patterns:
    if isinstance(value, Patterns):
        return value
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError(f"what {key} is matched with is a list of texts")
    shape = _ACCOUNTS if key == "account" else _NUMBERS
    exact, prefixes = set(), set()
    for pattern in value:
        if not isinstance(pattern, str) or not shape.fullmatch(pattern):
            raise ValueError(
                f"{key}: {_shown(pattern)} is neither one whole value, as +14155550100, nor the "
                "beginning of some, as +1415*"
            )
        text = _normalised(pattern)
        if text.endswith("*"):
            prefixes.add(text[:-1])
        else:
            exact.add(text)
    return Patterns(frozenset(exact), tuple(sorted(prefixes)))


def _read_stage(value: object) -> str:
    if not isinstance(value, str) or value not in STAGES:
        raise ValueError(f"stage: {_shown(value)} is none of {', '.join(STAGES)}")
    return value


def _read_percent(value: object) -> float:
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value.strip())
        value = float(match.group(1)) if match else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        raise ValueError(f"percent: {_shown(value)} is no number from 0 to 100")
    return float(value)


def _read_key(value: object) -> str:
    if not isinstance(value, str) or value not in KEYS:
        raise ValueError(f"{_shown(value)} is none of {', '.join(KEYS)}")
    return value


def _sizes(rules: Rules) -> str:
    return repr({key: len(some.exact) + len(some.prefixes) for key, some in rules.items()})


@frozen
class Plan:
    """
    Who sends what.

    *stage* is one of `STAGES`. The others count while it is ``ramp``: *percent* (0 to 100) of the
    values of *key* (one of `KEYS`) go to Telnyx; *allow* and *deny* map keys to lists of whole
    values or beginnings (``{"to": ["+1415*"]}``); deny wins over allow, allow over the percentage.

    Raises ValueError for anything else.
    """

    stage: str = field(converter=_read_stage)
    percent: float = field(default=0.0, converter=_read_percent)
    allow: Rules = field(factory=dict, converter=_read_rules, repr=_sizes)
    deny: Rules = field(factory=dict, converter=_read_rules, repr=_sizes)
    key: str = field(default="to", converter=_read_key)


def read_plan(value: object) -> Plan:
    """
    Return the plan that the *value* of a flag means.

    That is a text (``off``, ``shadow``, ``12.5%``, ``on``, ``complete``; ``legacy`` is off and
    ``telnyx`` is on), a boolean, a mapping or JSON text with the fields of `Plan` (without a
    ``stage`` it is ``ramp``), or a `Plan`.

    Raises ValueError that names what is wrong, without a full number, and nothing else.
    """
    if isinstance(value, Plan):
        return value
    if isinstance(value, bool):
        return Plan("on" if value else "off")
    if isinstance(value, Mapping):
        return _read_mapping(value)
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no stage: {_EXPECTED}")
    text = value.strip()
    if text.startswith("{"):
        return _read_json(text)
    word = text.lower()
    if word in _WORDS:
        return Plan(_WORDS[word])
    if _PERCENT.fullmatch(word):
        return Plan("ramp", word)
    raise ValueError(f"{_shown(text)} is no stage: {_EXPECTED}")


def _read_json(text: str) -> Plan:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the JSON object cannot be read: is it whole?") from None
    return _read_mapping(told)


def _read_mapping(told: Mapping[Any, Any]) -> Plan:
    unknown = [name for name in told if name not in fields_dict(Plan)]
    if unknown:
        raise ValueError(f"{_shown(unknown[0])} is none of {', '.join(fields_dict(Plan))}")
    if not told.keys() & {"stage", "percent", "allow"}:
        raise ValueError("an object needs a stage, a percent or an allow")
    stage = told.get("stage", "ramp")
    if isinstance(stage, str):
        stage = stage.strip().lower()
        stage = _WORDS.get(stage, stage)
    return Plan(**{**told, "stage": stage})


def _shown(value: object) -> str:
    if not isinstance(value, (str, int, float)):
        return f"a value of type {type(value).__name__}"
    text = repr(value) if isinstance(value, str) else format(value, ".6g")
    text = text if len(text) <= 40 else text[:40] + "..."
    return _LONG_NUMBER.sub(lambda match: "..." + match.group()[-4:], mask(text))


def _normalised(value: object) -> str:
    text = "" if value is None else str(value).strip()
    return text.lower() if text[:3].lower() == "sip" else _PUNCTUATION.sub("", text)


@frozen
class Subject:
    """
    The send that is decided about: its destination *to*, its *sender* and the *account* SID.

    *key*, one of `KEYS`, says which of them decides unless a plan says otherwise.
    """

    to: str = field(default="", repr=mask_number)
    sender: str = field(default="", repr=mask_number)
    account: str = ""
    key: str = "to"

    @classmethod
    def of(cls, fields: Mapping[str, object], account_sid: str | None, key: str = "to") -> Subject:
        """Return that of a Twilio create form, *fields* by wire name."""
        form = in_todays_order(fields)
        return cls(
            _normalised(form.get("To")),
            _normalised(form.get("From")),
            str(account_sid or ""),
            key,
        )

    def value(self, key: str) -> str:
        """Return the value of *key*, one of `KEYS`; an empty text when there is none."""
        return self.to if key == "to" else self.sender if key == "from" else self.account

    def key_hash(self, key: str | None = None) -> str:
        """Return 16 hexadecimal digits that stand for the value of *key*, always the same."""
        return sha256(self.value(key or self.key).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def destination_prefix(self) -> str:
        """The first characters of the destination, too few to tell whose it is."""
        return self.to[:5] if self.to.startswith("+") else self.to.partition(":")[0][:5]


def point_of(key_hash: str) -> float:
    """Return where a key hash lies from 0 to 100, below 100 in any case."""
    return (int(key_hash, 16) >> 11) * _STEP


@frozen
class Decision:
    """
    Who sends a fax.

    *provider* is `LEGACY` or `TELNYX`; *reason* is ``stage``, or in a ramp ``denied``, ``allowed`` or
    ``percentage``; *key_hash* stands for the key that was decided by.
    """

    stage: str
    provider: str
    reason: str
    key_hash: str


def decide(plan: Plan, fields: Mapping[str, object], account_sid: str | None) -> Decision:
    """Return who sends what a Twilio create form, *fields* by wire name, asks for."""
    return decide_for(plan, Subject.of(fields, account_sid))


def decide_for(plan: Plan, subject: Subject) -> Decision:
    """Return who sends: the same for the same key, and with a larger percentage never less Telnyx."""
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


def _matches(rules: Rules, subject: Subject) -> bool:
    return any(patterns.match(subject.value(key)) for key, patterns in rules.items())
