"""
Parse the value of a flag into a plan of the gradual move.

A plan has one of five stages. ``off``: the legacy provider sends. ``shadow``: it sends, and the request
to Telnyx is checked. ``ramp``: lists and a percentage choose the provider. ``on``: Telnyx sends, the
legacy provider is still read. ``complete``: only Telnyx is used.
"""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

from attrs import field, fields_dict, frozen

from twilio_fax_compat._core.masking import mask

STAGES = ("off", "shadow", "ramp", "on", "complete")
KEYS = ("to", "from", "account")
"""The values that lists match and percentages count: destination, sender, account SID."""

_WORDS: Mapping[str, str] = {
    **{stage: stage for stage in STAGES if stage != "ramp"},
    **dict.fromkeys(("legacy", "false"), "off"),
    **dict.fromkeys(("telnyx", "true"), "on"),
}
_EXPECTED = 'write off, shadow, 25%, on, complete, or a JSON object such as {"percent": 25}'
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%")
_NUMBERS = re.compile(
    r"\+[1-9][0-9]{1,14}|\+[0-9]{0,15}\*|sips?:(?:[^\s*]+|[^\s*]*\*)", re.IGNORECASE
)
_ACCOUNTS = re.compile(r"[^\s*]+\*?")
_PUNCTUATION = re.compile(r"[ ().-]+")
_LONG_NUMBER = re.compile(r"[0-9]{5,}")


@frozen
class Patterns:
    """Texts to match: *exact* ones, and *prefixes* of others."""

    exact: frozenset[str] = field(repr=False)
    prefixes: tuple[str, ...] = field(repr=False)

    def match(self, text: str) -> bool:
        """Return whether *text* equals an exact one or begins with a prefix."""
        return text in self.exact or text.startswith(self.prefixes)


NumberRules = Mapping[str, Patterns]


def _read_rules(value: object) -> NumberRules:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError('allow and deny are objects such as {"to": ["+1415*"]}')
    return {_read_key(key): _read_patterns(key, patterns) for key, patterns in value.items()}


def _read_patterns(key: str, value: object) -> Patterns:
    if isinstance(value, Patterns):
        return value
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError(f"the patterns of {key} must be a list of texts")
    shape = _ACCOUNTS if key == "account" else _NUMBERS
    exact, prefixes = set(), set()
    for pattern in value:
        if not isinstance(pattern, str) or not shape.fullmatch(pattern):
            raise ValueError(
                f"{key}: {_shown(pattern)} is neither one whole value, as +14155550100, nor a "
                "prefix, as +1415*"
            )
        text = normalised(pattern)
        if text.endswith("*"):
            prefixes.add(text[:-1])
        else:
            exact.add(text)
    return Patterns(frozenset(exact), tuple(sorted(prefixes)))


def _read_stage(value: object) -> str:
    if not isinstance(value, str) or value not in STAGES:
        raise ValueError(f"stage: {_shown(value)} must be one of {', '.join(STAGES)}")
    return value


def _read_percent(value: object) -> float:
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value.strip())
        value = float(match.group(1)) if match else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        raise ValueError(f"percent: {_shown(value)} is not a number from 0 to 100")
    return float(value)


def _read_key(value: object) -> str:
    if not isinstance(value, str) or value not in KEYS:
        raise ValueError(f"{_shown(value)} must be one of {', '.join(KEYS)}")
    return value


def _sizes(rules: NumberRules) -> dict[str, int]:
    return {key: len(some.exact) + len(some.prefixes) for key, some in rules.items()}


def _without_numbers(rules: NumberRules) -> str:
    return repr(_sizes(rules))


@frozen
class Plan:
    """
    Which provider sends which fax.

    *stage* is one of `STAGES`. The other fields count only in the stage ``ramp``: *percent* (0 to 100) of the
    values of *key* (one of `KEYS`) go to Telnyx; *allow* and *deny* map keys to lists of whole
    values or prefixes (``{"to": ["+1415*"]}``); deny wins over allow, allow over the percentage.

    Raises ValueError for anything else.
    """

    stage: str = field(converter=_read_stage)
    percent: float = field(default=0.0, converter=_read_percent)
    allow: NumberRules = field(factory=dict, converter=_read_rules, repr=_without_numbers)
    deny: NumberRules = field(factory=dict, converter=_read_rules, repr=_without_numbers)
    key: str = field(default="to", converter=_read_key)

    def sizes(self, name: str) -> dict[str, int]:
        """Return the lengths of the lists of *name* (``allow`` or ``deny``), by key."""
        return _sizes(self.allow if name == "allow" else self.deny)


def read_plan(value: object) -> Plan:
    """
    Return the plan for the *value* of a flag.

    The value is a text (``off``, ``shadow``, ``12.5%``, ``on``, ``complete``; ``legacy`` is off and
    ``telnyx`` is on), a boolean, a mapping or JSON text with the fields of `Plan` (without a
    ``stage`` it is ``ramp``), or a `Plan`.

    Raises only ValueError, which names the wrong value without a full number.
    """
    if isinstance(value, Plan):
        return value
    if isinstance(value, bool):
        return Plan("on" if value else "off")
    if isinstance(value, Mapping):
        return _read_mapping(value)
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not a stage: {_EXPECTED}")
    text = value.strip()
    if text.startswith("{"):
        return _read_json(text)
    word = text.lower()
    if word in _WORDS:
        return Plan(_WORDS[word])
    if _PERCENT.fullmatch(word):
        return Plan("ramp", word)
    raise ValueError(f"{_shown(text)} is not a stage: {_EXPECTED}")


def _read_json(text: str) -> Plan:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the JSON object cannot be parsed: is it complete?") from None
    return _read_mapping(data)


def _read_mapping(data: Mapping[Any, Any]) -> Plan:
    unknown = [name for name in data if name not in fields_dict(Plan)]
    if unknown:
        raise ValueError(f"{_shown(unknown[0])} must be one of {', '.join(fields_dict(Plan))}")
    if not data.keys() & {"stage", "percent", "allow"}:
        raise ValueError("an object needs a stage, a percent or an allow")
    stage = data.get("stage", "ramp")
    if isinstance(stage, str):
        stage = stage.strip().lower()
        stage = _WORDS.get(stage, stage)
    return Plan(**{**data, "stage": stage})


def _shown(value: object) -> str:
    if not isinstance(value, (str, int, float)):
        return f"a value of type {type(value).__name__}"
    if not isinstance(value, str):
        # Too few digits in a row to show a phone number.
        if not abs(value) < 1e4:
            return "a number that is too large"
        return f"{value:.4f}".rstrip("0").rstrip(".")
    text = repr(value)
    text = text if len(text) <= 40 else text[:40] + "..."
    return _LONG_NUMBER.sub(lambda match: "..." + match.group()[-4:], mask(text))


def normalised(value: object) -> str:
    """Return a number, SIP URI or SID in the form that is matched and hashed; None is an empty text."""
    text = "" if value is None else str(value).strip()
    return text.lower() if text[:3].lower() == "sip" else _PUNCTUATION.sub("", text)
