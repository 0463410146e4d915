"""Texts as a database column can store them."""

from __future__ import annotations

import re

# PostgreSQL refuses NUL, and UTF-8 has no half surrogates (which JSON can contain). The escape character is
# escaped too. All other texts are stored as they are.
_SPECIAL = re.compile("[\\\\\0\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(\\|u[0-9a-f]{4})")


def to_column(text: str) -> str:
    """Return *text* in a form that every database stores."""
    return _SPECIAL.sub(_escaped, text)


def from_column(text: str) -> str:
    """Return the text that `to_column` was given."""
    return _ESCAPED.sub(_unescaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return "\\\\" if character == "\\" else f"\\u{ord(character):04x}"


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group(1)
    return "\\" if escape == "\\" else chr(int(escape[1:], 16))
