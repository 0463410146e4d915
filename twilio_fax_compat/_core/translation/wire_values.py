"""
The text of a form or query value, as Twilio's client puts it on the wire.

Twilio's client leaves the encoding to requests
(https://github.com/psf/requests/blob/main/src/requests/models.py, ``_encode_params``), which leaves it
to ``urllib.parse.urlencode(doseq=True)``: a string enum becomes its value, an object its ``str()``, and
a list its elements.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator
from urllib.parse import parse_qsl

_AS_THEY_ARE = (str, bool, int, float, type(None))
"""Types that every HTTP client writes in the same way."""


def wire_fields(fields: object) -> dict[str, object]:
    """
    Return the fields of a form or query, by name, with values as `wire_value` returns them.

    *fields* is a mapping, pairs, or encoded text. A name that comes twice has a list of values.
    """
    values: dict[str, list[object]] = {}
    for name, value in _pairs(fields):
        key = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        values.setdefault(key, []).append(value)
    return {
        name: wire_value(parts[0] if len(parts) == 1 else parts) for name, parts in values.items()
    }


def wire_value(value: object) -> object:
    """
    Return *value* as Twilio's client sends it: text, None for nothing, or a list of several texts.

    A bool, an int and a float keep their type. Bytes that are not UTF-8 do not change.
    """
    if type(value) in _AS_THEY_ARE:
        return value
    texts = list(_texts(value))
    if len(texts) > 1:
        return texts
    return texts[0] if texts else None


def _pairs(fields: Any) -> Iterable[tuple[object, object]]:
    if isinstance(fields, (str, bytes)):
        text = fields.decode("utf-8", "replace") if isinstance(fields, bytes) else fields
        return parse_qsl(text, keep_blank_values=True)
    return list(fields.items() if hasattr(fields, "items") else fields or ())


def _texts(value: object) -> Iterator[object]:
    if value is None:
        return
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        yield from _element(value)
        return
    elements = list(value)
    if type(value) not in (list, tuple) and _is_lazy_text(value, elements):
        yield str(value)
        return
    for element in elements:
        if element is not None:
            yield from _element(element)


def _element(value: object) -> Iterator[object]:
    if isinstance(value, str):
        yield str.__str__(value)  # the text of a string enum is its value
    elif isinstance(value, bytes):
        yield _decoded(value)
    elif hasattr(value, "__len__") and hasattr(value, "__iter__"):
        for part in value:
            yield _decoded(part) if isinstance(part, bytes) else str(part)
    else:
        yield str(value)


def _decoded(value: bytes) -> object:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _is_lazy_text(value: object, elements: list[object]) -> bool:
    """Return whether iterating *value* gives the characters of its text."""
    return all(isinstance(element, str) for element in elements) and "".join(
        elements  # type: ignore[arg-type]
    ) == str(value)
