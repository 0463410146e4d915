"""
Removes private data from recordings: phone numbers, credentials and signatures.

Each phone number becomes a fictional number, the same one everywhere, so that recordings still fit
together.
"""

from __future__ import annotations

import binascii
import gzip
import json
import re
from base64 import b64decode, b64encode
from typing import Any, Callable, Iterator
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from attrs import define, field

SCRUBBED = "scrubbed"

SECRET_NAMES = frozenset(
    {
        "accesskey",
        "accesstoken",
        "apikey",
        "authorization",
        "authtoken",
        "clientsecret",
        "cookie",
        "passwd",
        "password",
        "privatekey",
        "proxyauthorization",
        "refreshtoken",
        "secondaryauthtoken",
        "secret",
        "setcookie",
        "sipauthpassword",
        "sipauthusername",
        "telnyxsignatureed25519",
        "token",
        "xamzsecuritytoken",
        "xapikey",
        "xtwiliosignature",
    }
)
"""Names of headers, fields and parameters with secret values, in lower case letters and digits."""

NUMBER_NAMES = frozenset(
    {"called", "caller", "from", "fromnumber", "number", "phonenumber", "to", "tonumber"}
)
"""Names of fields whose values are phone numbers, even without a plus sign."""

_SIGNED = re.compile(
    r"(x-(amz|goog)-.+|(aws|google)access(key)?id|key-pair-id|(x-)?signature|sig|token|access_token|policy)",
    re.IGNORECASE,
)
_URL = re.compile(r"\bhttps?://[^\s\"'<>\\]+", re.IGNORECASE)
_FORM = re.compile(r"[^\s=&\"{}<>/?]+=[^\s=&]*(?:&[^\s=&]+=[^\s=&]*)*")
_NUMBER = re.compile(r"(?:\+|%2[Bb])(\(?[1-9](?:[ ().-]{0,2}[0-9]){6,14})(?![0-9])")
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])(AC|SK)[0-9a-fA-F]{32}(?![0-9A-Za-z])")
_CREDENTIAL = re.compile(r"\b(Bearer|Basic)\s+(\S+)|\bKEY[0-9A-Za-z_-]{6,}")
_SIP = re.compile(r"\b(sips?:)([^\s@\"'<>;]+)@", re.IGNORECASE)
_FICTIONAL = re.compile(r"1500555[0-9]{4}")

_SHORTEST_SECRET = 8
"""Shorter secrets are removed only from their own field, because they may be words."""


@define
class Scrubber:
    """
    Replaces private data.

    `scrub` finds everything that `observe` saw before, also numbers without their plus sign.
    """

    numbers: dict[str, str] = field(factory=dict, repr=False)
    accounts: dict[str, str] = field(factory=dict, repr=False)
    users: dict[str, str] = field(factory=dict, repr=False)
    secrets: set[str] = field(factory=set, repr=False)
    _found: dict[str, None] = field(factory=dict, repr=False)
    _pattern: re.Pattern[str] | None = field(default=None, repr=False)

    def observe(self, value: Any, name: str = "") -> None:
        """Collect the numbers and secrets in a *value* of dictionaries, lists, text and bytes."""
        _walked(value, name, self._observe_text)

    def scrub(self, value: Any, name: str = "") -> Any:
        """Return *value* without private data. *name* is its key, if it has one."""
        self.observe(value, name)
        return _walked(value, name, self._scrub_text)

    def _observe_text(self, text: str, name: str) -> str:
        plain = _plain(name)
        if plain in SECRET_NAMES:
            self.secrets.update(
                part for part in _parts_of_secret(text) if part not in self.accounts
            )
        for credential in _CREDENTIAL.finditer(text):
            self.secrets.update(_parts_of_secret(credential.group()))
        for number in _NUMBER.finditer(text):
            self._note_number(re.sub("[^0-9]", "", number.group(1)))
        if plain in NUMBER_NAMES and re.fullmatch(" ?[0-9]{7,15}", text):
            # An unquoted plus sign in a form is decoded as a space.
            self._note_number(text.strip())
        for account in _ACCOUNT.finditer(text):
            count = len(self.accounts) + 1
            self.accounts.setdefault(account.group(), f"{account.group(1)}{count:032d}")
        for user in _SIP.finditer(text):
            self.users.setdefault(user.group(2), f"user{len(self.users) + 1}")
        return text

    def _note_number(self, digits: str) -> None:
        if digits not in self._found:
            self._found[digits] = None
            self._pattern = None

    def _give_numbers(self) -> None:
        """Choose a fictional number for each number, different from all of them."""
        for digits in self._found:
            if _FICTIONAL.fullmatch(digits):
                self.numbers[digits] = digits
        taken = {*self._found, *self.numbers.values()}
        free = (str(number) for number in range(15005550100, 15006550000))
        for digits in self._found:
            if digits not in self.numbers:
                self.numbers[digits] = next(number for number in free if number not in taken)

    def _scrub_text(self, text: str, name: str) -> str:
        if _plain(name) in SECRET_NAMES:
            return SCRUBBED
        text = _URL.sub(lambda match: _without_signature(match.group()), text)
        text = _CREDENTIAL.sub(lambda match: f"{match.group(1) or 'KEY'} {SCRUBBED}", text)
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET and secret not in self.accounts:
                text = text.replace(secret, SCRUBBED).replace(quote(secret, safe=""), SCRUBBED)
        text = _ACCOUNT.sub(lambda match: self.accounts.get(match.group(), match.group()), text)
        text = _SIP.sub(lambda match: match.group(1) + self.users[match.group(2)] + "@", text)
        return self._without_numbers(text)

    def _without_numbers(self, text: str) -> str:
        if self._pattern is None:
            self._give_numbers()
            gap = "[ ().-]{0,2}"
            known = sorted(self.numbers, key=len, reverse=True)
            spelled = [gap.join(digits) for digits in known]
            # Inside North America a number is written without its country code.
            spelled += [
                gap.join(digits[1:]) for digits in known if re.fullmatch("1[0-9]{10}", digits)
            ]
            self._pattern = re.compile(f"(?<![0-9])(?:{'|'.join(spelled) or '(?!)'})(?![0-9])")
        return self._pattern.sub(self._other_number, text)

    def _other_number(self, match: re.Match[str]) -> str:
        digits = re.sub("[^0-9]", "", match.group())
        return self.numbers.get(digits) or self.numbers["1" + digits][1:]


def _walked(value: Any, name: str, leaf: Callable[[str, str], str]) -> Any:
    """Return *value* with *leaf* applied to each text in it, however deep and however encoded."""
    if isinstance(value, dict):
        return {
            _walked(key, "", leaf)
            if isinstance(key, str) and re.match("[+0-9]", key)
            else key: _walked(item, str(key), leaf)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_walked(item, name, leaf) for item in value]
    if isinstance(value, bytes):
        return _walked_bytes(value, name, leaf)
    if isinstance(value, int) and not isinstance(value, bool):
        text = leaf(str(value), name)
        return int(text) if re.fullmatch("-?[0-9]+", text) else text
    return _walked_text(value, name, leaf) if isinstance(value, str) else value


def _walked_text(text: str, name: str, leaf: Callable[[str, str], str]) -> str:
    if name == "base64_string":
        try:
            return b64encode(_walked_bytes(b64decode(text), "", leaf)).decode("ascii")
        except (binascii.Error, ValueError):
            return leaf(text, name)
    if _plain(name) in SECRET_NAMES:
        return leaf(text, name)
    if text[:1] in "{[" and text:
        try:
            value = json.loads(text)
        except ValueError:
            return leaf(text, name)
        walked = _walked(value, "", leaf)
        return text if walked == value else json.dumps(walked)
    if _FORM.fullmatch(text):
        return _walked_pairs(text, leaf)
    begin, mark, query = text.partition("?")
    if mark and _URL.fullmatch(text):
        return (
            leaf(begin, name) + mark + _walked_pairs(query, leaf)
            if not _is_signed(query)
            else leaf(text, name)
        )
    return leaf(text, name)


def _walked_pairs(text: str, leaf: Callable[[str, str], str]) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    walked = [(leaf(name, ""), _walked_text(value, name, leaf)) for name, value in pairs]
    return text if walked == pairs else urlencode(walked)


def _walked_bytes(value: bytes, name: str, leaf: Callable[[str, str], str]) -> bytes:
    if value[:2] == b"\x1f\x8b":
        try:
            unpacked = gzip.decompress(value)
        except (OSError, EOFError):
            return value
        walked = _walked_bytes(unpacked, name, leaf)
        return value if walked == unpacked else gzip.compress(walked, mtime=0)
    try:
        return _walked_text(value.decode(), name, leaf).encode()
    except UnicodeDecodeError:
        return leaf(value.decode("latin-1"), name).encode("latin-1", "replace")


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _parts_of_secret(text: str) -> Iterator[str]:
    """Yield a credential, and the user and password of Basic authorization."""
    scheme, _, credential = text.strip().rpartition(" ")
    yield credential
    if scheme.lower() == "basic":
        try:
            yield from b64decode(credential).decode().split(":", 1)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return


def _is_signed(query: str) -> bool:
    return any(_SIGNED.fullmatch(name) for name, _ in parse_qsl(query, keep_blank_values=True))


def _without_signature(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if "@" in parts.netloc:
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    if _is_signed(parts.query):
        parts = parts._replace(query="", fragment="")
    return parts.geturl()
