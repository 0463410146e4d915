"""Texts of a report: without numbers, documents and credentials, and with times and addresses."""

from __future__ import annotations

import re
from typing import Iterable

from twilio_fax_compat._core.masking import mask

_NOT_A_NUMBER = re.compile(
    r"(?<![0-9A-Za-z.+-])(?:"
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?"
    r"|(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?::\d{1,5})?"
    r")(?![\w.-])"
)
"""Dates, times and IPv4 addresses."""

_TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")
"""Twilio's auth tokens; a SID has two letters in front."""


def masked(text: str) -> str:
    """
    Return *text* without numbers, SIP users, URLs' paths and credentials.

    Dates, times and IP addresses, which look like numbers, stay.
    """
    kept = _NOT_A_NUMBER.findall(text)
    pieces = _NOT_A_NUMBER.split(text)
    hidden = "".join(
        piece + ("" if place == len(kept) else "\0{}\0".format(_letters(place)))
        for place, piece in enumerate(pieces)
    )
    hidden = mask(_TOKEN.sub("***", hidden))
    return re.sub("\0([a-z]+)\0", lambda match: kept[_place(match.group(1))], hidden)


def masked_ids(nodeids: Iterable[str]) -> dict[str, str]:
    """Return the masked form of each test id; equal ones get ``#1``, ``#2`` in the order of the ids."""
    by_mask: dict[str, list[str]] = {}
    for nodeid in sorted(set(nodeids)):
        by_mask.setdefault(masked(nodeid), []).append(nodeid)
    return {
        nodeid: text if len(same) == 1 else "{}#{}".format(text, number)
        for text, same in by_mask.items()
        for number, nodeid in enumerate(same, 1)
    }


def _letters(place: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(place))


def _place(letters: str) -> int:
    return int("".join(str(ord(letter) - ord("a")) for letter in letters))
