"""Recognises secrets by the names of headers, fields, parameters and elements, and by their form."""

from __future__ import annotations

import re
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
    plain = re.sub("[^a-z0-9]", "", name.lower())
    if plain in _ONLY_LONG:
        return re.fullmatch(r"[\w+/=.~-]{16,}", value.strip()) is not None
    if plain in _EXACT:
        return True
    if plain.endswith(_NOT_VALUES):
        return False
    if plain.endswith(("token", "tokens")):
        return not plain.startswith(_PLACE_TOKENS) and plain != "maxtokens"
    return any(part in plain for part in _PARTS) or plain.endswith("telnyxsignatureed25519")


def named_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each secret that has its name beside it in *text*."""
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            if is_secret(match.group("name"), match.group("value")):
                yield match.span("value")
