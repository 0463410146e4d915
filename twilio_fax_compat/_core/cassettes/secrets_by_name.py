"""Recognises secrets by the names of headers, fields, parameters and elements, and by their form."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Iterator

_EXACT = frozenset({"auth", "jwt", "otp", "pass", "passwd", "pin", "pwd", "sessionid", "token"})
_PARTS = (
    "accesskey",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "csrf",
    "passphrase",
    "password",
    "privatekey",
    "secret",
    "signature",
    "signingkey",
    "sipauth",
    "xsrf",
)
_PLACE_TOKENS = (
    "page",
    "next",
    "previous",
    "prev",
    "continuation",
    "sync",
    "start",
    "cancellation",
)
"""A token with such a name says where a list continues."""

_NOT_VALUES = (
    "type",
    "count",
    "length",
    "expires",
    "expiresin",
    "expiry",
    "required",
    "url",
    "uri",
)
_ONLY_LONG = frozenset({"key", "session", "sig"})
"""Names that are also used for other things: their values are secret only if they look random."""

_NAME = r"(?P<name>[\w.\[\]-]{2,60})"
_NAMED = (
    re.compile(rf"(?:^|[?&#;\s]|amp;){_NAME}=(?P<value>[^\s&\"'<>#;]+)"),
    re.compile(
        rf"(?P<q>\\?[\"']){_NAME}(?P=q)\s*:\s*(?P<v>\\?[\"'])(?P<value>(?:(?!(?P=v)).)+)(?P=v)",
        re.DOTALL,
    ),
    re.compile(rf"\b{_NAME}\s*=\s*(?P<v>[\"'])(?P<value>(?:(?!(?P=v)).)+)(?P=v)", re.DOTALL),
    re.compile(rf"<{_NAME}(?:\s[^<>]*)?>(?P<value>[^<]+)<"),
    re.compile(rf"^{_NAME}:[ \t]*(?P<value>\S.*?)\r?$", re.MULTILINE),
    re.compile(rf";\s*name=\"{_NAME}\"\r?\n(?:[\w-]+:.*\r?\n)*\r?\n(?P<value>[^\r\n]+)"),
)
"""Names and values in texts that cannot be parsed: parameters, JSON, attributes, XML, headers, parts."""


def is_secret(name: str, value: str = "") -> bool:
    """Return whether the *value* of a header, field or parameter with that *name* is secret."""
    kind = _kind(name)
    return kind == _SECRET or (kind == _MAYBE and _RANDOM.fullmatch(value.strip()) is not None)


_SECRET, _MAYBE, _OTHER = "secret", "maybe", "other"
_RANDOM = re.compile(r"[\w+/=.~-]{16,}")


@lru_cache(maxsize=4096)
def _kind(name: str) -> str:
    plain = re.sub("[^a-z0-9]", "", name.lower())
    if plain in _ONLY_LONG:
        return _MAYBE
    if plain in _EXACT:
        return _SECRET
    if plain.endswith(_NOT_VALUES):
        return _OTHER
    if plain.endswith(("token", "tokens")):
        is_place = plain.startswith(_PLACE_TOKENS) or plain == "maxtokens"
        return _OTHER if is_place else _SECRET
    return _SECRET if any(part in plain for part in _PARTS) else _OTHER


def named_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each secret that has its name beside it in *text*."""
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            if is_secret(match.group("name"), match.group("value")):
                yield match.span("value")
