"""
What an application answers to an arriving fax, read strictly and safely.

The verbs: https://www.twilio.com/docs/fax/twiml/receive. The codes of what is wrong:
https://www.twilio.com/docs/api/errors. Nothing outside the document is ever looked at, and it can
define nothing: a document type is refused before the parser sees it.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Union
from urllib.parse import urldefrag, urljoin, urlsplit
from xml.parsers import expat

from attrs import define, field, frozen

SIZE_LIMIT = 64 * 1024
"""How many bytes a document may have at Twilio."""

DEPTH_LIMIT = 16
NOTE_LIMIT = 20

TOO_LARGE = 11750
BAD_URL = 11100
NO_XML = 12100
NO_RESPONSE = 12102
BAD_VALUE = 12200
BAD_CONTENT_TYPE = 12300
NO_VERB = 34106

METHODS: Mapping[str, str] = {"post": "POST", "get": "GET"}
MEDIA_TYPES: Mapping[str, str] = {name: name for name in ("application/pdf", "image/tiff")}
PAGE_SIZES: Mapping[str, str] = {name: name for name in ("letter", "legal", "a4")}
BOOLEANS: Mapping[str, bool] = {"true": True, "false": False}
"""The values of attributes in lower case, in which they are looked up."""

ENCODINGS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252"})
"""What a document may say it is encoded in."""

_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Response": frozenset(),
    "Receive": frozenset({"action", "method", "mediaType", "pageSize", "storeMedia"}),
    "Reject": frozenset(),
}
_CONTENT_TYPE = re.compile(r"text/.+|application/(.+\+)?xml", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@frozen
class Receive:
    """
    The application takes the fax and wants *action*, if any, requested when it is there.

    *action* is absolute and has no fragment. *notes* say what in the document had no effect.
    """

    action: str | None = field(default=None, repr=False)
    method: str = "POST"
    media_type: str = "application/pdf"
    page_size: str = "letter"
    store_media: bool = True
    notes: tuple[str, ...] = ()


@frozen
class Reject:
    """The application does not want the fax."""

    notes: tuple[str, ...] = ()


@frozen
class TwimlProblem:
    """The document says nothing usable: Twilio's *code* and a *text* that quotes none of it."""

    code: int
    text: str


Reading = Union[Receive, Reject, TwimlProblem]


def read_twiml(body: bytes, content_type: str | None, url: str) -> Reading:
    """
    Return what the document *body*, which was fetched from *url*, says.

    It is read in the encoding that it names itself, else as UTF-8. Without a *content_type* it is
    taken for XML.
    """
    if len(body) > SIZE_LIMIT:
        return TwimlProblem(TOO_LARGE, f"The document has more than {SIZE_LIMIT} bytes")
    media_type = (content_type or "text/xml").partition(";")[0].strip().lower()
    if not _CONTENT_TYPE.fullmatch(media_type):
        return TwimlProblem(BAD_CONTENT_TYPE, "The Content-Type is neither XML nor text")
    reader = _Reader()
    try:
        reader.read(body)
        return reader.result(url)
    except _Wrong as wrong:
        return wrong.problem


class _Wrong(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.problem = TwimlProblem(code, text)


@define
class _Reader:
    """Takes the parser's events and keeps the first verb of fax."""

    verb: str | None = None
    attributes: dict[str, str] = field(factory=dict, repr=False)
    notes: list[str] = field(factory=list)
    _depth: int = 0

    def read(self, body: bytes) -> None:
        # Each encoding that is read has these characters as ASCII has them.
        if b"\0" in body:
            raise _Wrong(NO_XML, "The document holds NUL bytes, as text in UTF-16 does")
        if b"<!DOCTYPE" in body:
            # The parser could not be stopped in the middle of what entities expand to.
            self.start_doctype()
        self.parse(body)

    def parse(self, body: bytes) -> None:
        parser = expat.ParserCreate()
        parser.XmlDeclHandler = self.declaration
        parser.StartDoctypeDeclHandler = self.start_doctype
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            text = "The document is no XML: {} at line {}, column {}".format(
                expat.ErrorString(error.code), error.lineno, error.offset + 1
            )
            raise _Wrong(NO_XML, text) from None

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            known = ", ".join(sorted(ENCODINGS))
            raise _Wrong(NO_XML, f"The encoding of the document is none of {known}")

    def start_doctype(self, *_: object) -> None:
        raise _Wrong(NO_XML, "The document has a document type (<!DOCTYPE), which TwiML has not")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise _Wrong(NO_XML, f"The elements are nested more than {DEPTH_LIMIT} deep")
        if self._depth == 1:
            if name != "Response":
                raise _Wrong(NO_RESPONSE, "The root element is not <Response>")
        elif self._depth > 2:
            self.note(f"<{_clipped(name)}> inside a verb was ignored")
            return
        elif self.verb is not None:
            self.note(f"<{_clipped(name)}> after <{self.verb}> was ignored")
            return
        elif name not in ("Receive", "Reject"):
            self.note(f"<{_clipped(name)}> is no verb for faxes and was ignored")
            return
        else:
            self.verb = name
            self.attributes = attributes
        for attribute in attributes:
            if attribute not in _ATTRIBUTES[name]:
                self.note(f"the attribute {_clipped(attribute)} of <{name}> was ignored")

    def end(self, name: str) -> None:
        self._depth -= 1

    def note(self, text: str) -> None:
        if len(self.notes) < NOTE_LIMIT and text not in self.notes:
            self.notes.append(text)

    def result(self, url: str) -> Receive | Reject:
        if self.verb is None:
            raise _Wrong(NO_VERB, "The document has no <Receive> and no <Reject>: try <Receive />")
        if self.verb == "Reject":
            return Reject(tuple(self.notes))
        action = self.attributes.get("action")
        method = self.value("method", METHODS, "POST")
        media_type = self.value("mediaType", MEDIA_TYPES, "application/pdf")
        store_media = self.value("storeMedia", BOOLEANS, True)
        page_size = _looked_up(self.attributes.get("pageSize", "letter"), PAGE_SIZES)
        if page_size is None:
            # It only says how pages are interpreted: no reason to lose a fax.
            self.note("pageSize of <Receive> is none of letter, legal, a4 and was ignored")
            page_size = "letter"
        return Receive(
            action=None if action is None else _absolute(action, url),
            method=method,
            media_type=media_type,
            page_size=page_size,
            store_media=store_media,
            notes=tuple(self.notes),
        )

    def value(self, attribute: str, values: Mapping[str, Any], default: object) -> Any:
        if attribute not in self.attributes:
            return default
        value = _looked_up(self.attributes[attribute], values)
        if value is None:
            known = ", ".join(sorted(values))
            raise _Wrong(BAD_VALUE, f"{attribute} of <Receive> is none of {known}")
        return value


def _looked_up(text: str, values: Mapping[str, Any]) -> Any:
    return values.get(text.strip().lower())


def _absolute(action: str, url: str) -> str:
    """Return *action* as seen from *url*, or raise; an empty one is *url* itself."""
    action = action.strip()
    try:
        resolved = urldefrag(urljoin(url, action)).url
        parts = urlsplit(resolved)
        # Asking for the port checks it.
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or _CONTROL.search(action):
        raise _Wrong(BAD_URL, "action of <Receive> is no http or https URL")
    return resolved


def _clipped(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "\N{HORIZONTAL ELLIPSIS}"
