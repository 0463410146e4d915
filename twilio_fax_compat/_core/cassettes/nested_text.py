"""Applies a function to every text in a value: inside JSON, forms, URLs and encoded bytes too."""

from __future__ import annotations

import binascii
import codecs
import json
import re
from base64 import b64decode, b64encode
from typing import Any, Callable
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from twilio_fax_compat._core.cassettes.secrets_by_name import is_secret

Leaf = Callable[[str, str], str]
"""A function of a text and its name (a key, header or parameter, or empty), which returns a text."""

SIGNED = re.compile(
    r"(x-(amz|goog)-.+|(aws|google)access(key)?id|key-pair-id|(x-)?signature|sig|token|access_token|policy)",
    re.IGNORECASE,
)
URL = re.compile(r"\bhttps?://[^\s\"'<>\\]+", re.IGNORECASE)
_FORM = re.compile(r"[^\s=&\"{}<>/?]+=[^\s=&]*(?:&[^\s=&]+=[^\s=&]*)*")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_DOCUMENTS = ("%PDF-", "%!PS", "{\\rtf")
_DEEPEST = 60


class Unreadable(ValueError):
    """A value has a part that is not text, so private data in it cannot be found."""


def apply(value: Any, name: str, leaf: Leaf) -> Any:
    """
    Return *value* with *leaf* applied to each text in it. *name* is its own name.

    Raises Unreadable for bytes that are not text, such as documents.
    """
    return _value(value, name, leaf, 0)


def _value(value: Any, name: str, leaf: Leaf, depth: int) -> Any:
    if depth > _DEEPEST:
        raise Unreadable("it is nested too deep")
    if isinstance(value, dict):
        return {
            _key(key, leaf): _value(item, _name_of(key, name), leaf, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and isinstance(value[0], str) and not isinstance(value[1], str):
            # Some clients have their headers recorded as pairs.
            return [
                leaf(value[0], name),
                _value(value[1], _name_of(value[0], name), leaf, depth + 1),
            ]
        return [_value(item, name, leaf, depth + 1) for item in value]
    if isinstance(value, bytes):
        return _bytes(value, name, leaf, depth)
    if isinstance(value, float) and value.is_integer() and abs(value) >= 1e6:
        text = leaf(str(int(value)), name)
        return value if text == str(int(value)) else text
    if isinstance(value, int) and not isinstance(value, bool):
        text = leaf(str(value), name)
        return int(text) if re.fullmatch("-?[0-9]+", text) else text
    return _text(value, name, leaf, depth) if isinstance(value, str) else value


def _key(key: Any, leaf: Leaf) -> Any:
    if isinstance(key, bytes):
        return leaf(key.decode("latin-1"), "").encode("latin-1", "replace")
    if isinstance(key, int) and not isinstance(key, bool):
        return leaf(str(key), "")
    return leaf(key, "") if isinstance(key, str) else key


def _name_of(key: Any, parent: str) -> str:
    """Return the name of a value: its key, but everything inside a secret value is secret."""
    name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    return parent if is_secret(parent) else name


def _text(text: str, name: str, leaf: Leaf, depth: int) -> str:
    if depth > _DEEPEST:
        raise Unreadable("it is nested too deep")
    if _CONTROL.search(text) or text.startswith(_DOCUMENTS):
        raise Unreadable("it is not text")
    if name == "base64_string":
        try:
            return b64encode(_bytes(b64decode(text), "", leaf, depth + 1)).decode("ascii")
        except (binascii.Error, ValueError) as error:
            if isinstance(error, Unreadable):
                raise
            return leaf(text, name)
    if is_secret(name, text):
        return leaf(text, name)
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"'):
        try:
            value = json.loads(text.lstrip("\ufeff"))
        except (ValueError, RecursionError):
            pass
        else:
            changed = _value(value, "", leaf, depth + 1)
            # The text itself is looked at too, as a key may stand in it twice.
            return leaf(text, name) if changed == value else json.dumps(changed)
    if _BASE64.fullmatch(text):
        return _encoded(text, name, leaf, depth)
    if _FORM.fullmatch(text):
        return _pairs(text, leaf, depth)
    return leaf(URL.sub(lambda match: _url(match.group(), leaf, depth), text), name)


def _encoded(text: str, name: str, leaf: Leaf, depth: int) -> str:
    """Apply *leaf* to a text in base64, if it is one. A document in base64 is Unreadable."""
    decoded = b64decode(text)
    try:
        inside = decoded.decode()
    except UnicodeDecodeError:
        inside = decoded[:8].decode("latin-1")
        if inside.startswith(_DOCUMENTS):
            raise Unreadable("it holds a document") from None
        return leaf(text, name)
    if _CONTROL.search(inside):
        return leaf(text, name)
    changed = _bytes(decoded, name, leaf, depth + 1)
    return leaf(text, name) if changed == decoded else b64encode(changed).decode("ascii")


def _url(url: str, leaf: Leaf, depth: int) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if is_signed(parts.query):
        return url
    query = _pairs(parts.query, leaf, depth) if "=" in parts.query else parts.query
    fragment = _pairs(parts.fragment, leaf, depth) if "=" in parts.fragment else parts.fragment
    if (query, fragment) == (parts.query, parts.fragment):
        return url
    return parts._replace(query=query, fragment=fragment).geturl()


def is_signed(query: str) -> bool:
    """Return whether the *query* of a URL has a signature."""
    return any(SIGNED.fullmatch(name) for name, _ in parse_qsl(query, keep_blank_values=True))


def _pairs(text: str, leaf: Leaf, depth: int) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    changed = [
        (leaf(name, ""), _text(value, re.sub("^amp;", "", name), leaf, depth + 1))
        for name, value in pairs
    ]
    return text if changed == pairs else urlencode(changed, quote_via=quote)


def _bytes(value: bytes, name: str, leaf: Leaf, depth: int) -> bytes:
    encoding = _encoding_of(value)
    text = value.decode(encoding)
    changed = _text(text, name, leaf, depth + 1)
    return value if changed == text else changed.encode(encoding, "replace")


def _encoding_of(value: bytes) -> str:
    """Return the encoding of a text, by its byte order mark or the places of its zero bytes."""
    for mark, encoding in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        (codecs.BOM_UTF8, "utf-8-sig"),
    ):
        if value.startswith(mark) and _decodes(value, encoding):
            return encoding
    for size, encoding in ((4, "utf-32"), (2, "utf-16")):
        # Latin text without a mark: the zero bytes are at one end of each unit.
        zeros = [value[at::size].count(0) for at in range(size)]
        units = len(value) // size
        for kind, low, high in (("-le", 0, size - 1), ("-be", size - 1, 0)):
            is_likely = zeros[low] == 0 and zeros[high] * 2 > units
            if is_likely and _decodes(value, encoding + kind):
                return encoding + kind
    return "utf-8" if _decodes(value, "utf-8") else "latin-1"


def _decodes(value: bytes, encoding: str) -> bool:
    try:
        value.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
