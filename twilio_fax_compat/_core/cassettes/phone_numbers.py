"""
Finds phone numbers in text, however they are written, and writes others in their place.

Country codes: https://www.itu.int/pub/T-SP-E.164D. Prefixes inside a country and to other countries:
https://www.itu.int/oth/T0202.aspx?parent=T0202.
"""

from __future__ import annotations

import re
from typing import Iterator, Mapping

from twilio_fax_compat._core.masking import TIMES_AND_ADDRESSES

_ESCAPED = (
    r"%(?:20|09|2[89DdEeFf]|[Cc]2%[Aa]0|[Ee]2%80%[0-9A-Fa-f]{2}|[Ee]2%88%92)"
    r"|\\u(?:00[Aa]0|20[0-9A-Fa-f]{2}|2212|202[Ff])"
    r"|&(?:nbsp|ndash|mdash|minus|thinsp|#[0-9]{2,5}|#x[0-9A-Fa-f]{2,4});"
)
"""Separators as URLs, JSON and HTML write them."""

_SPACES = "\\s\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2064\u2066-\u2069\u2212\ufeff"
_SEPARATOR = rf"(?:{_ESCAPED}|[().\-/{_SPACES}\u00b7\u2022])"
_GAP = _SEPARATOR + "{0,3}"
_ANY_GAP = rf"(?:{_ESCAPED}|[^0-9A-Za-z\"'{{}}\[\],;:=&%<>\\]){{0,3}}"
"""What may stand between the digits of a number that is known already."""

_PLUS = r"(?:\+|\uff0b|%2[Bb]|\\u002[Bb]|&(?:#43|#x2[Bb]|plus);)"
_BEFORE = r"(?:(?<![\w.:+/-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4}))"

_NORTH_AMERICAN = re.compile(rf"{_PLUS}{_GAP}(1(?:{_GAP}\d){{10}})(?!\d)")
_INTERNATIONAL = re.compile(rf"{_PLUS}{_GAP}(\d(?:{_GAP}\d){{6,14}})(?!\d)")
_PREFIXED = re.compile(rf"{_BEFORE}(?:00|011){_GAP}([1-9](?:{_GAP}\d){{8,13}})(?![\w])")
_NANP_NATIONAL = re.compile(
    rf"{_BEFORE}(?:1{_SEPARATOR}{{1,3}})?"
    rf"(\(?[2-9]\d\d{_SEPARATOR}{{1,3}}[2-9]\d\d{_SEPARATOR}{{1,3}}\d{{4}})(?![\w])"
)
_NATIONAL = re.compile(
    rf"{_BEFORE}(\(?0[1-9]\d{{0,4}}\)?(?:{_SEPARATOR}{{1,2}}\d{{2,8}}){{1,5}})(?![\w:])"
)
_RUN = re.compile(
    rf"%[0-9A-Fa-f]{{2}}|\\u[0-9A-Fa-f]{{4}}|\\x[0-9A-Fa-f]{{2}}|&#x?[0-9A-Fa-f]+;|\d(?:{_ANY_GAP}\d)*"
)
"""An escape, whose digits are not digits of a number, or digits with what stands between them."""

_DIGIT = re.compile(rf"({_ESCAPED})|\d")

_TWO_DIGITS = re.compile("2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
"""The country codes with two digits. 1 and 7 have one digit, and the others have three."""

_TRUNKS = ("0", "8", "06", "01", "80")
"""What is dialled before a number inside a country: https://www.itu.int/oth/T0202.aspx?parent=T0202."""

_LONGEST = 20


def digits_of(text: str) -> str:
    """Return the digits of a number as it is written, without escapes and an optional ``(0)``."""
    text = re.sub(r"(?<=\d)(\W*)\(0\)", r"\1", text)
    return "".join(str(int(text[at])) for at in _digit_positions(text))


def _digit_positions(text: str) -> list[int]:
    return [match.start() for match in _DIGIT.finditer(text) if match.group(1) is None]


def numbers_in(text: str) -> Iterator[str]:
    """
    Yield the phone numbers in *text*.

    Each is its digits from the country code on, or from the 0 on where the country is unknown.
    """
    if len(re.findall(r"\d", text)) < 7:
        return
    for match in _INTERNATIONAL.finditer(text):
        yield from _with_groups(match.group(1))
    for match in _NORTH_AMERICAN.finditer(text):
        yield digits_of(match.group(1))
    for match in _PREFIXED.finditer(text):
        if not _is_time(match):
            yield digits_of(match.group(1))
    for match in _NANP_NATIONAL.finditer(text):
        yield "1" + digits_of(match.group(1))
    for match in _NATIONAL.finditer(text):
        digits = digits_of(match.group(1))
        if 9 <= len(digits) <= 12 and not _is_time(match):
            yield digits


def number_in_field(text: str) -> str | None:
    """Return the digits of a field that should hold one phone number, or None for anything else."""
    stripped = text.strip()
    if not re.fullmatch(rf"\(?\d(?:{_GAP}\d){{6,14}}", stripped):
        return None
    digits = digits_of(stripped)
    is_time = digits == stripped and re.fullmatch(
        # A date, or the seconds or milliseconds since 1970: numbers that begin with 1 have 11 digits.
        r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:\d{6})?|1\d{9}|1\d{12}",
        digits,
    )
    return None if is_time or TIMES_AND_ADDRESSES.match(stripped) else digits


def _is_time(match: re.Match[str]) -> bool:
    written = match.group().strip()
    return bool(
        TIMES_AND_ADDRESSES.match(written)
        or re.match(r"\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)(?!\d)", written)
    )


def _with_groups(written: str) -> Iterator[str]:
    """Yield a number, and what it is if its last groups are something else, such as a year."""
    digits = digits_of(written)
    if len(digits) >= 7:
        yield digits
    positions = _digit_positions(written)
    for before, at in zip(positions, positions[1:]):
        if at - before > 1:
            begin = digits_of(written[:at])
            if len(begin) >= 9:
                yield begin


def country_code(digits: str) -> str:
    """Return the country code with which the *digits* of an international number begin."""
    if digits[:1] in "17":
        return digits[:1]
    return digits[:2] if _TWO_DIGITS.match(digits) else digits[:3]


def forms_of(digits: str, other: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to write the number *digits*, each with the same form of the number *other*."""
    if digits.startswith("0"):
        yield digits, other[1:]
        yield digits[1:], other[1:]
        return
    yield digits, other
    for prefix in ("00", "011"):
        yield prefix + digits, prefix + other
    code = country_code(digits)
    national = digits[len(code) :]
    yield f"{code}0{national}", other
    if len(national) >= 7:
        yield national, other[1:]
        for trunk in _TRUNKS:
            yield trunk + national, other[1:]


def replaced(text: str, forms: Mapping[str, str]) -> str:
    """Return *text* with every number of *forms* replaced. Separators stay if the lengths agree."""

    def replacement(match: re.Match[str]) -> str:
        run = match.group()
        return run if run[0] in "%&\\" else _replaced_run(run, forms)

    return _RUN.sub(replacement, text)


def _replaced_run(run: str, forms: Mapping[str, str]) -> str:
    positions = _digit_positions(run)
    digits = "".join(str(int(run[at])) for at in positions)
    count = len(positions)
    # A number begins and ends where its digits are not joined to others.
    is_start = [i == 0 or positions[i] - positions[i - 1] > 1 for i in range(count)] + [True]
    parts, done, i = [], 0, 0
    while i < count:
        end = next(
            (
                j
                for j in range(min(count, i + _LONGEST), i, -1)
                if is_start[i] and is_start[j] and digits[i:j] in forms
            ),
            None,
        )
        if end is None:
            i += 1
            continue
        other = forms[digits[i:end]]
        parts.append(run[done : positions[i]])
        if len(other) == end - i:
            for k in range(i, end):
                parts.append(other[k - i])
                parts.append(run[positions[k] + 1 : positions[k + 1]] if k + 1 < end else "")
        else:
            parts.append(other)
        done = positions[end - 1] + 1
        i = end
    return "".join(parts) + run[done:]
