"""
TwiML documents, with exactly the text that Twilio's classes of 7.5.1 write.

Where the ``twilio`` package is installed, our classes derive from its ``TwiML``, so that verbs of
both nest in each other, and our exception is Twilio's.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Literal, Mapping, TypeVar
from xml.etree import ElementTree as ET

__all__ = ["GenericNode", "TwiML", "TwiMLException", "format_language", "lower_camel"]

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_LANGUAGE = re.compile(r"^([a-zA-Z]{2})[_-]([a-zA-Z]{2})$")


class _OwnException(Exception):
    """A value that cannot be part of a TwiML document."""


class _OwnBase:
    """The base class of elements where ``twilio`` is not installed."""


_OwnException.__name__ = _OwnException.__qualname__ = "TwiMLException"

if TYPE_CHECKING:
    from typing_extensions import Self

    TwiMLException = _OwnException
    _Base = _OwnBase
else:
    TwiMLException, _Base = _OwnException, _OwnBase
    # A module of that name may be our own alias, see `_install`.
    if not getattr(sys.modules.get("twilio"), "__twilio_fax_compat__", False):
        with contextlib.suppress(ImportError):
            from twilio.twiml import TwiML as _Base
            from twilio.twiml import TwiMLException

_Verb = TypeVar("_Verb")


class TwiML(_Base):
    """
    An element: its *name*, *value*, *attrs*, and the *verbs* inside it.

    Arguments become attributes, with names in camel case. Those that are None are left out.
    """

    MAP: Mapping[str, str] = {
        "from_": "from",
        "xml_lang": "xml:lang",
        "interpret_as": "interpret-as",
        "for_": "for",
        "break_": "break",
    }

    def __init__(self, **kwargs: Any) -> None:
        self.name = type(self).__name__
        self.value: Any = None
        self.verbs: list[Any] = []
        self.attrs: dict[str, Any] = {
            lower_camel(self.MAP.get(name, name)): value
            for name, value in kwargs.items()
            if value is not None
        }

    def __str__(self) -> str:
        return self.to_xml()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: object, exc_value: object, traceback: object) -> Literal[False]:
        return False

    def to_xml(self, xml_declaration: bool = True) -> str:
        """Return the document as ASCII text."""
        text = ET.tostring(self.xml()).decode("ascii")
        return _DECLARATION + text if xml_declaration else text

    def append(self, verb: object) -> Self:
        """Add an element or text and return this element."""
        self.nest(verb)
        return self

    def nest(self, verb: _Verb) -> _Verb:
        """Add an element or text and return it."""
        if not isinstance(verb, (_Base, str)):
            raise TwiMLException("Only nesting of TwiML and strings are allowed")
        self.verbs.append(verb)
        return verb

    def add_child(self, name: str, value: Any = None, **kwargs: Any) -> GenericNode:
        """Add an element of any *name* and return it."""
        return self.nest(GenericNode(name, value, **kwargs))

    def add_text(self, content: str) -> Self:
        """Add text and return this element. Twilio's class has only `append`."""
        return self.append(content)

    def comment(self, content: str) -> Self:
        """Add a comment and return this element. Twilio's class has no such method."""
        if "--" in content or content.endswith("-"):
            raise TwiMLException("A comment cannot contain -- or end with -")
        return self.append(_Comment(content))

    def xml(self) -> ET.Element:
        """Return the element as an `xml.etree.ElementTree.Element`."""
        element = ET.Element(self.name)
        for name in sorted(self.attrs):
            value = self.attrs[name]
            element.set(name, str(value).lower() if isinstance(value, bool) else str(value))
        if self.value:
            if isinstance(self.value, dict):
                self.value = json.dumps(self.value)
            element.text = self.value
        before = None
        for verb in self.verbs:
            if not isinstance(verb, str):
                before = verb.xml()
                element.append(before)
            # Of adjacent texts only the last one remains, as in Twilio's documents.
            elif before is None:
                element.text = verb
            else:
                before.tail = verb
        return element


class GenericNode(TwiML):
    """An element of any *name*. Its *value* is text, or a dict that is written as JSON."""

    def __init__(self, name: str, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.value = value


class _Comment(TwiML):
    def __init__(self, content: str) -> None:
        super().__init__()
        self.value = content

    def xml(self) -> ET.Element:
        element: Any = ET.Comment(self.value)
        return element  # type: ignore[no-any-return]


def lower_camel(string: str) -> str:
    """Return ``media_type`` as ``mediaType``. A name without an underscore does not change."""
    if not string or "_" not in string:
        return string
    joined = "".join(word.title() for word in string.split("_"))
    return joined[0].lower() + joined[1:]


def format_language(language: str) -> str:
    """Return ``en_us`` as ``en-US``. An empty string or None does not change."""
    if not language:
        return language
    match = _LANGUAGE.match(language)
    if match is None:
        raise TwiMLException("Invalid value for language parameter.")
    return f"{match.group(1).lower()}-{match.group(2).upper()}"
