"""
Parses the TwiML with which an application answers an incoming fax.

The verbs: https://www.twilio.com/docs/fax/twiml/receive. The error codes:
https://www.twilio.com/docs/api/errors. The parser never loads anything outside the document, and a
document type is refused before parsing, so that entities cannot expand.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Union
from urllib.parse import urldefrag, urljoin, urlsplit
from xml.parsers import expat

from attrs import define, field, frozen

from twilio_fax_compat._core.webhooks.public_url import percent_encoded

SIZE_LIMIT = 64 * 1024
"""The size limit of a document at Twilio, in bytes."""

DEPTH_LIMIT = 16
NOTE_LIMIT = 20

TOO_LARGE = 11750
BAD_URL = 11100
NOT_XML = 12100
NO_RESPONSE = 12102
BAD_VALUE = 12200
BAD_CONTENT_TYPE = 12300
NO_VERB = 34106

METHODS: Mapping[str, str] = {"post": "POST", "get": "GET"}
MEDIA_TYPES: Mapping[str, str] = {name: name for name in ("application/pdf", "image/tiff")}
PAGE_SIZES: Mapping[str, str] = {name: name for name in ("letter", "legal", "a4")}
BOOLEANS: Mapping[str, bool] = {"true": True, "false": False}
"""The values of attributes. They are looked up in lower case."""

ENCODINGS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252"})
"""The encodings that a document may declare."""

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
    The application accepts the fax. *action*, if any, is requested when the fax was received.

    *action* is an absolute URL without a fragment. *notes* list the parts of the document that have
    no effect.
    """

    action: str | None = field(default=None, repr=False)
    method: str = "POST"
    media_type: str = "application/pdf"
    page_size: str = "letter"
    store_media: bool = True
    notes: tuple[str, ...] = ()


@frozen
class Reject:
    """The application rejects the fax."""

    notes: tuple[str, ...] = ()


@frozen
class TwimlProblem:
    """An error in the document: Twilio's *code* and a *text* that quotes nothing of the document."""

    code: int
    text: str


Reading = Union[Receive, Reject, TwimlProblem]


def read_twiml(body: bytes, content_type: str | None, url: str) -> Reading:
    """
    Parse the document *body*, which was fetched from *url*.

    The encoding is the one that the document declares, or UTF-8. Without a *content_type* the
    document is parsed as XML.
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
    except _InvalidTwiml as error:
        return error.problem


class _InvalidTwiml(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.problem = TwimlProblem(code, text)


@define
class _Reader:
    """Handles the parser's events and keeps the first fax verb."""

    verb: str | None = None
    attributes: dict[str, str] = field(factory=dict, repr=False)
    notes: list[str] = field(factory=list)
    _depth: int = 0

    def read(self, body: bytes) -> None:
        # In each accepted encoding, these characters have their ASCII bytes.
        if b"\0" in body:
            raise _InvalidTwiml(NOT_XML, "The document has NUL bytes, as text in UTF-16 does")
        if b"<!DOCTYPE" in body:
            # The parser cannot be stopped while it expands entities.
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
            text = "The document is not XML: {} at line {}, column {}".format(
                expat.ErrorString(error.code), error.lineno, error.offset + 1
            )
            raise _InvalidTwiml(NOT_XML, text) from None

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            encodings = ", ".join(sorted(ENCODINGS))
            raise _InvalidTwiml(NOT_XML, f"The encoding of the document must be one of {encodings}")

    def start_doctype(self, *_: object) -> None:
        raise _InvalidTwiml(
            NOT_XML, "The document has a document type (<!DOCTYPE), which TwiML does not allow"
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise _InvalidTwiml(NOT_XML, f"The elements are nested more than {DEPTH_LIMIT} deep")
        if self._depth == 1:
            if name != "Response":
                raise _InvalidTwiml(NO_RESPONSE, "The root element is not <Response>")
        elif self._depth > 2:
            self.note(f"<{_shortened(name)}> inside a verb was ignored")
            return
        elif self.verb is not None:
            self.note(f"<{_shortened(name)}> after <{self.verb}> was ignored")
            return
        elif name not in ("Receive", "Reject"):
            self.note(f"<{_shortened(name)}> is not a verb for faxes and was ignored")
            return
        else:
            self.verb = name
            self.attributes = attributes
        for attribute in attributes:
            if attribute not in _ATTRIBUTES[name]:
                self.note(f"the attribute {_shortened(attribute)} of <{name}> was ignored")

    def end(self, name: str) -> None:
        self._depth -= 1

    def note(self, text: str) -> None:
        if len(self.notes) < NOTE_LIMIT and text not in self.notes:
            self.notes.append(text)

    def result(self, url: str) -> Receive | Reject:
        if self.verb is None:
            raise _InvalidTwiml(
                NO_VERB, "The document has neither <Receive> nor <Reject>: try <Receive />"
            )
        if self.verb == "Reject":
            return Reject(tuple(self.notes))
        action = self.attributes.get("action")
        method = self.value("method", METHODS, "POST")
        media_type = self.value("mediaType", MEDIA_TYPES, "application/pdf")
        store_media = self.value("storeMedia", BOOLEANS, True)
        page_size = _lookup(self.attributes.get("pageSize", "letter"), PAGE_SIZES)
        if page_size is None:
            # Page size only changes how pages are interpreted: do not lose the fax for it.
            self.note("pageSize of <Receive> must be one of letter, legal, a4, and was ignored")
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
        value = _lookup(self.attributes[attribute], values)
        if value is None:
            allowed = ", ".join(sorted(values))
            raise _InvalidTwiml(BAD_VALUE, f"{attribute} of <Receive> must be one of {allowed}")
        return value


def _lookup(text: str, values: Mapping[str, Any]) -> Any:
    return values.get(text.strip().lower())


def _absolute(action: str, url: str) -> str:
    """Return *action* resolved against *url* and encoded, or raise. An empty action is *url* itself."""
    action = action.strip()
    try:
        resolved = percent_encoded(urldefrag(urljoin(url, action)).url)
        parts = urlsplit(resolved)
        # Reading the port validates it.
        is_valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or _CONTROL.search(action):
        raise _InvalidTwiml(BAD_URL, "action of <Receive> is not an http or https URL")
    return resolved


def _shortened(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "\N{HORIZONTAL ELLIPSIS}"
