"""
Removes private data from recordings: phone numbers, accounts, credentials and signatures.

Each phone number becomes a fictional number, the same one everywhere, so that recordings still fit
together.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any, Iterator
from urllib.parse import quote, urlsplit

from attrs import define, field

from twilio_fax_compat._core.cassettes import nested_text, phone_numbers
from twilio_fax_compat._core.cassettes.nested_text import URL, is_signed
from twilio_fax_compat._core.cassettes.secrets_by_name import is_secret, named_secrets

SCRUBBED = "scrubbed"

_NUMBER_NAMES = re.compile(
    "ani|called|caller|callerid|did|dnis|fax|from|msisdn|number|recipient|to"
    "|.*(faxnumber|fromnumber|mobile|phone|phonenumber|tonumber)"
)
"""Names of fields whose values are phone numbers, even without a plus sign."""

_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])(AC|SK)[0-9a-fA-F]{32}(?![0-9A-Za-z])")
_CREDENTIAL = re.compile(
    r"\b(Bearer|Basic)\s+([^\s\"'<>,;]+)|\bKEY[0-9A-Za-z_-]{6,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
_SIP = re.compile(r"\b(sips?:)([^\s@\"'<>;]+)@", re.IGNORECASE)
_FICTIONAL = re.compile(r"1500555[0-9]{4}")

_SHORTEST_SECRET = 8
"""Shorter secrets are removed only from their own field, because they may be words."""


@define
class Scrubber:
    """
    Replaces private data.

    `scrub` finds everything that `observe` saw before, wherever it stands and however it is written.
    Both raise `nested_text.Unreadable` for a value with a part that is not text.
    """

    numbers: dict[str, str] = field(factory=dict, repr=False)
    accounts: dict[str, str] = field(factory=dict, repr=False)
    users: dict[str, str] = field(factory=dict, repr=False)
    secrets: set[str] = field(factory=set, repr=False)
    _observed: set[tuple[str, str]] = field(factory=set, repr=False)
    _by_begin: dict[str, list[str]] = field(factory=dict, repr=False)
    _forms: dict[str, str] | None = field(default=None, repr=False)
    _found: dict[str, None] = field(factory=dict, repr=False)

    def observe(self, value: Any, name: str = "") -> None:
        """Collect the numbers and secrets in a *value* of dictionaries, lists, text and bytes."""
        nested_text.apply(value, name, self._observe_text)

    def scrub(self, value: Any, name: str = "") -> Any:
        """Return *value* without private data. *name* is its key, if it has one."""
        self.observe(value, name)
        return nested_text.apply(value, name, self._scrub_text)

    def scrub_text(self, text: str) -> str:
        """Return a plain *text*, such as the name of a file, without private data."""
        self._observe_text(text, "")
        return self._scrub_text(text, "")

    def _observe_text(self, text: str, name: str) -> str:
        if (text, name) in self._observed:
            return text
        self._observed.add((text, name))
        if is_secret(name, text):
            self._note_secret(text)
        for begin, end in named_secrets(text):
            self._note_secret(text[begin:end])
        for credential in _CREDENTIAL.finditer(text):
            self._note_secret(credential.group())
        for digits in phone_numbers.numbers_in(text):
            self._note_number(digits)
        if _is_number_name(name):
            digits_of_field = phone_numbers.number_in_field(text)
            if digits_of_field is not None:
                self._note_number(digits_of_field)
        for account in _ACCOUNT.finditer(text):
            count = len(self.accounts) + 1
            self.accounts.setdefault(account.group(), f"{account.group(1)}{count:032d}")
        for user in _SIP.finditer(text):
            self.users.setdefault(user.group(2), f"user{len(self.users) + 1}")
        return text

    def _note_secret(self, text: str) -> None:
        for secret in _parts_of_secret(text):
            if secret in self.secrets or _ACCOUNT.fullmatch(secret):
                continue
            self.secrets.add(secret)
            if len(secret) >= _SHORTEST_SECRET:
                for written in {secret, quote(secret, safe="")}:
                    same_begin = self._by_begin.setdefault(written[:_SHORTEST_SECRET], [])
                    same_begin.append(written)
                    same_begin.sort(key=len, reverse=True)

    def _note_number(self, digits: str) -> None:
        if digits not in self._found:
            self._found[digits] = None
            self._forms = None

    def _number_forms(self) -> dict[str, str]:
        """Return every way to write a number that was found, with what replaces it."""
        if self._forms is not None:
            return self._forms
        for digits in self._found:
            if _FICTIONAL.fullmatch(digits):
                self.numbers[digits] = digits
        taken = {*self._found, *self.numbers.values()}
        free = (str(number) for number in range(15005550100, 15006550000))
        international = {
            digits[len(phone_numbers.country_code(digits)) :]: digits for digits in self._found
        }
        self._forms = {}
        for digits in sorted(self._found, key=lambda digits: (digits[0] == "0", not digits)):
            # A number with and without its country code is one number.
            same = international.get(digits.lstrip("0"), digits)
            if same not in self.numbers:
                self.numbers[same] = next(number for number in free if number not in taken)
            self.numbers.setdefault(digits, self.numbers[same])
        for form_rank in (0, 1):
            for digits, other in self.numbers.items():
                for rank, (form, replacement) in enumerate(phone_numbers.forms_of(digits, other)):
                    if min(rank, 1) == form_rank:
                        self._forms.setdefault(form, replacement)
        return self._forms

    def _without_secrets(self, text: str) -> str:
        """Return *text* without the secrets of other places."""
        parts, done, at = [], 0, 0
        while at + _SHORTEST_SECRET <= len(text):
            secrets = self._by_begin.get(text[at : at + _SHORTEST_SECRET], ())
            secret = next((secret for secret in secrets if text.startswith(secret, at)), None)
            if secret is None:
                at += 1
                continue
            parts += [text[done:at], SCRUBBED]
            at += len(secret)
            done = at
        return "".join(parts) + text[done:]

    def _scrub_text(self, text: str, name: str) -> str:
        if is_secret(name, text):
            return SCRUBBED
        text = URL.sub(lambda match: _without_signature(match.group()), text)
        for begin, end in sorted(set(named_secrets(text)), reverse=True):
            text = text[:begin] + SCRUBBED + text[end:]
        text = _CREDENTIAL.sub(lambda match: f"{match.group(1) or 'KEY'} {SCRUBBED}", text)
        text = self._without_secrets(text)
        text = _ACCOUNT.sub(lambda match: self.accounts.get(match.group(), match.group()), text)
        text = _SIP.sub(lambda match: match.group(1) + self.users[match.group(2)] + "@", text)
        return phone_numbers.replaced(text, self._number_forms())


def _is_number_name(name: str) -> bool:
    return _NUMBER_NAMES.fullmatch(re.sub("[^a-z0-9]", "", name.lower())) is not None


def _parts_of_secret(text: str) -> Iterator[str]:
    """Yield a credential, and the user and password of Basic authorization."""
    scheme, _, credential = text.strip().rpartition(" ")
    if credential != SCRUBBED:
        yield credential
    if scheme.lower() == "basic":
        try:
            yield from b64decode(credential).decode().split(":", 1)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return


def _without_signature(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if "@" in parts.netloc:
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    if is_signed(parts.query):
        parts = parts._replace(query="", fragment="")
    return parts.geturl()
