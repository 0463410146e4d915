"""Finds the uses in a Python file with libcst, and the edits that a fix makes."""

from __future__ import annotations

import re
from typing import Any, Iterator, Sequence

from attrs import define, field, frozen

from twilio_fax_compat._core.scan.uses import Use

try:
    import libcst as cst
    from libcst.metadata import CodePosition, MetadataWrapper, PositionProvider
except ImportError as error:
    raise ImportError("scan needs libcst: pip install 'twilio-fax-compat[scan]'") from error

MAY_MATTER = re.compile(rb"fax", re.IGNORECASE)
"""A file without this text has no fax call. It may build the client of one."""

PARAMETERS = frozenset(
    {
        "ErrorCode",
        "ErrorMessage",
        "FaxSid",
        "FaxStatus",
        "MediaUrl",
        "NumPages",
        "OriginalMediaUrl",
        "RemoteStationId",
    }
)
_OWN = frozenset({"FaxSid", "FaxStatus", "RemoteStationId", "OriginalMediaUrl"})
"""Parameters that only fax callbacks have. The others count in a file that has one of these."""

_CALLS = frozenset(
    ["create", "fetch", "update", "delete", "list", "stream", "page", "get_page", "get"]
)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NUMBER = re.compile(r"[0-9 ().+-]{7,20}")
_CLIENTS = {"Client", "TwilioRestClient"}


@frozen
class Edit:
    """Replace the text of one *line*, from *start* to *end* (columns from 0), by *text*."""

    line: int
    start: int
    end: int
    text: str


@define
class PythonFile:
    """
    What was found in a file.

    *clients* are the edits of imports of Twilio's client, which count only if the program faxes.
    *application* is where the middleware can be added: the lines on which its making begins and ends,
    the line that wraps it, and the import that this needs.
    *imported* are the names of modules that it imports; *faxes* says whether it has a fax call.
    """

    uses: list[Use] = field(factory=list)
    edits: list[Edit] = field(factory=list)
    clients: list[tuple[Use, Edit | None]] = field(factory=list)
    application: tuple[int, int, str, str] | None = None
    imported: set[str] = field(factory=set)
    exported: set[str] = field(factory=set)
    faxes: bool = False
    has_middleware: bool = False


def read_python(source: bytes, faxes_elsewhere: frozenset[str] = frozenset()) -> PythonFile:
    """
    Return what a Python *source* uses.

    *faxes_elsewhere* are names that other modules of the program define as ``client.fax.faxes``.
    """
    try:
        module = cst.parse_module(source)
    except (cst.ParserSyntaxError, SyntaxError, ValueError, LookupError, RecursionError):
        return PythonFile([Use(1, 1, "unreadable")])
    found = PythonFile()
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    visitor = _Visitor(found, faxes_elsewhere)
    wrapper.visit(visitor)
    visitor.finish()
    found.uses.sort()
    return found


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, found: PythonFile, faxes_elsewhere: frozenset[str]) -> None:
        self.found = found
        self.faxes = set(faxes_elsewhere)  # names that stand for client.fax.faxes
        self.domains: set[str] = set()  # names that stand for client.fax
        self.media: set[str] = set()
        self.parameters: list[tuple[Use, str]] = []
        self.prices: list[Use] = []
        self.passed_on: list[Use] = []
        self.depth = 0

    def finish(self) -> None:
        found = self.found
        if any(name in _OWN for _, name in self.parameters):
            found.uses += [use for use, _ in self.parameters]
        if found.faxes:
            found.uses += [*self.prices, *self.passed_on]

    # Imports

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:  # noqa: N802 - libcst's name
        name = _dotted(node.module)
        self.found.imported.add(name.rpartition(".")[2])
        names = [] if isinstance(node.names, cst.ImportStar) else list(node.names)
        plain = [_dotted(alias.name) for alias in names]
        self.found.imported.update(plain)
        if name.startswith("twilio_fax_compat"):
            self.found.has_middleware |= "webhooks" in name
            return
        if name == "twilio.rest" and _CLIENTS & set(plain):
            edit = (
                self._edit(node.module, "twilio_fax_compat.rest") if plain == ["Client"] else None
            )
            kind = "client" if edit else "client_hands"
            self.found.clients.append((self._use(node, kind, ", ".join(plain)), edit))
        elif name.startswith("twilio.rest.fax"):
            self._add(node, "fax_module", name)
            self._fix(node.module, name)
        elif name in ("twilio.twiml.fax_response", "twilio.twiml") and "FaxResponse" in plain:
            self._add(node, "twiml", "FaxResponse")
            if name.endswith("fax_response"):
                self._fix(node.module, name)
        elif name == "twilio.request_validator":
            self.found.clients.append((self._use(node, "validator"), None))
        elif name == "twilio.base.exceptions":
            self.found.clients.append((self._use(node, "exception"), None))

    def visit_Import(self, node: cst.Import) -> None:  # noqa: N802
        for alias in node.names:
            name = _dotted(alias.name)
            self.found.imported.add(name.rpartition(".")[2])
            if name in ("twilio", "twilio.rest"):
                self.found.clients.append((self._use(node, "client_hands", f"import {name}"), None))
            elif name.startswith("twilio.rest.fax"):
                self._add(node, "fax_module", name)
                self._fix(alias.name, name)

    # Names that stand for faxes

    def visit_Assign(self, node: cst.Assign) -> None:  # noqa: N802
        for target in node.targets:
            self._note(target.target, node.value, node)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:  # noqa: N802
        if node.value is not None:
            self._note(node.target, node.value, node)

    def _note(
        self, target: cst.BaseExpression, value: cst.BaseExpression, node: cst.CSTNode
    ) -> None:
        name = _dotted(target)
        if not name:
            return
        if self._is_faxes(value):
            self.faxes.add(name)
            if self.depth == 0:
                self.found.exported.add(name)
            self._add(node, "call", f"{name} = {_text(value)}")
            self.found.faxes = True
        elif _is_domain(value):
            self.domains.add(name)
        if isinstance(value, cst.Call):
            called = _dotted(value.func)
            place = self.get_metadata(PositionProvider, node)
            for framework, text, line in _APPLICATIONS:
                if called == framework and self.found.application is None:
                    begin, end = place.start.line, place.end.line
                    self.found.application = (begin, end, text.format(name), line)

    def _is_faxes(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression is ``client.fax.faxes``, by its form or by its name."""
        if _dotted(node) in self.faxes:
            return True
        if not isinstance(node, cst.Attribute) or node.attr.value != "faxes":
            return False
        inner = node.value
        if isinstance(inner, cst.Attribute) and inner.attr.value == "v1":
            inner = inner.value
        if isinstance(inner, cst.Attribute) and inner.attr.value == "fax":
            return True
        if _dotted(inner) in self.domains:
            return True
        return isinstance(inner, cst.Call) and _dotted(inner.func) in ("Fax", "V1")

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> None:  # noqa: N802
        self._note_media(node.for_in.target, node.for_in.iter)

    def visit_ListComp(self, node: cst.ListComp) -> None:  # noqa: N802
        self._note_media(node.for_in.target, node.for_in.iter)

    def visit_For(self, node: cst.For) -> None:  # noqa: N802
        self._note_media(node.target, node.iter)

    def _note_media(self, target: cst.BaseExpression, items: cst.BaseExpression) -> None:
        """Note the name of an item of ``fax.media.list()``."""
        inner = items.func if isinstance(items, cst.Call) else None
        if isinstance(inner, cst.Attribute) and inner.attr.value in ("list", "stream"):
            media = inner.value
            if isinstance(media, cst.Attribute) and media.attr.value == "media":
                self.media.add(_dotted(target))

    # Calls

    def visit_FunctionDef(self, _node: cst.FunctionDef) -> None:  # noqa: N802
        self.depth += 1

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:  # noqa: N802
        del original_node
        self.depth -= 1

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        self._look_at_parameter(node)
        for arg in node.args:
            # Also of a wrapper, which passes it on.
            if arg.keyword is not None and arg.keyword.value.startswith("sip_auth_"):
                self.passed_on.append(self._use(arg, "sip", arg.keyword.value))
        func = node.func
        if self._is_faxes(func):
            self._add(node, "call", _text(func) + "(sid)")
            self.found.faxes = True
            return
        if not isinstance(func, cst.Attribute) or func.attr.value not in _CALLS:
            return
        if func.attr.value == "delete" and (
            self._is_media(func.value) or _dotted(func.value) in self.media
        ):
            self._add(node, "media_delete")
            self.found.faxes = True
        if not self._is_faxes(func.value):
            return
        self.found.faxes = True
        self._add(node, "call", f"{_text(func.value)}.{func.attr.value}")
        if func.attr.value == "create":
            self._look_at_create(node)

    def _is_media(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression is the media of a fax: ``faxes(sid).media(sid)`` or an item of it."""
        while isinstance(node, (cst.Call, cst.Subscript, cst.Attribute)):
            if isinstance(node, cst.Attribute):
                if node.attr.value == "media":
                    return self._has_faxes(node.value)
                node = node.value
            else:
                node = node.func if isinstance(node, cst.Call) else node.value
        return False

    def _has_faxes(self, node: cst.BaseExpression) -> bool:
        while isinstance(node, (cst.Call, cst.Attribute)):
            if self._is_faxes(node):
                return True
            node = node.func if isinstance(node, cst.Call) else node.value
        return self._is_faxes(node)

    def _look_at_create(self, node: cst.Call) -> None:
        plain = [arg for arg in node.args if arg.keyword is None and not arg.star]
        if len(plain) > 2 or (plain and _names_a_sender(plain[0].value)):
            self._add(node, "positional")
        for arg in node.args:
            name = arg.keyword.value if arg.keyword is not None else ""
            if name in ("ttl", "status_callback"):
                self._add(arg, name)
            elif name in ("to", "from_"):
                self._look_at_number(arg.value, name)
        if plain and len(plain) < 3:
            self._look_at_number(plain[0].value, "to")

    def _look_at_number(self, node: cst.BaseExpression, name: str) -> None:
        if isinstance(node, cst.SimpleString):
            text = str(node.evaluated_value)
            if _NUMBER.fullmatch(text) and not _E164.fullmatch(text):
                self._add(node, "number", name)

    # Parameters, texts, prices

    def visit_Subscript(self, node: cst.Subscript) -> None:  # noqa: N802
        for element in node.slice:
            if isinstance(element.slice, cst.Index):
                self._look_at_name(element.slice.value)

    def _look_at_parameter(self, node: cst.Call) -> None:
        func = node.func
        if isinstance(func, cst.Attribute) and func.attr.value in (
            "get",
            "getlist",
            "getfirst",
            "pop",
        ):
            for arg in node.args[:1]:
                self._look_at_name(arg.value)
        elif _dotted(func) in ("Form", "Query"):
            for arg in node.args:
                if arg.keyword is not None and arg.keyword.value == "alias":
                    self._look_at_name(arg.value)

    def visit_Param(self, node: cst.Param) -> None:  # noqa: N802
        # FastAPI: `FaxSid: str = Form()`
        if node.name.value in PARAMETERS:
            self.parameters.append((self._use(node, "handler", node.name.value), node.name.value))

    def _look_at_name(self, node: cst.BaseExpression) -> None:
        if isinstance(node, cst.SimpleString):
            text = node.evaluated_value
            if isinstance(text, bytes):
                text = text.decode("latin-1")
            if text in PARAMETERS:
                self.parameters.append((self._use(node, "handler", text), text))

    def visit_SimpleString(self, node: cst.SimpleString) -> None:  # noqa: N802
        text = node.value
        if "<Receive" in text:
            self._add(node, "twiml_text")
        if "fax.twilio.com" in text:
            self._add(node, "host")
            self.found.faxes = True
        elif re.search(r"twilio\.rest\.(fax|Client\b)", text) and "import" not in text:
            self.found.clients.append((self._use(node, "patch", text.strip("'\"")[:60]), None))

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:  # noqa: N802
        if "<Receive" in node.value:
            self._add(node, "twiml_text")
        if "fax.twilio.com" in node.value:
            self._add(node, "host")
            self.found.faxes = True

    def visit_Attribute(self, node: cst.Attribute) -> None:  # noqa: N802
        if node.attr.value == "price" and "fax" in (_dotted(node.value) or "").lower():
            self.prices.append(self._use(node, "price"))

    # Places

    def _use(self, node: cst.CSTNode, kind: str, detail: str = "") -> Use:
        start = self._start(node)
        return Use(start.line, start.column + 1, kind, detail)

    def _add(self, node: cst.CSTNode, kind: str, detail: str = "") -> None:
        self.found.uses.append(self._use(node, kind, detail))

    def _start(self, node: cst.CSTNode) -> CodePosition:
        start: CodePosition = self.get_metadata(PositionProvider, node).start
        return start

    def _edit(self, node: Any, text: str) -> Edit:
        place = self.get_metadata(PositionProvider, node)
        return Edit(place.start.line, place.start.column, place.end.column, text)

    def _fix(self, node: Any, name: str) -> None:
        self.found.edits.append(self._edit(node, "twilio_fax_compat" + name[len("twilio") :]))


_APPLICATIONS: Sequence[tuple[str, str, str]] = (
    (
        "Flask",
        "{0}.wsgi_app = WSGIMiddleware({0}.wsgi_app)",
        "from twilio_fax_compat.webhooks import WSGIMiddleware",
    ),
    (
        "get_wsgi_application",
        "{0} = WSGIMiddleware({0})",
        "from twilio_fax_compat.webhooks import WSGIMiddleware",
    ),
    (
        "get_asgi_application",
        "{0} = ASGIMiddleware({0})",
        "from twilio_fax_compat.webhooks import ASGIMiddleware",
    ),
    (
        "FastAPI",
        "{0}.add_middleware(ASGIMiddleware)",
        "from twilio_fax_compat.webhooks import ASGIMiddleware",
    ),
    (
        "Starlette",
        "{0}.add_middleware(ASGIMiddleware)",
        "from twilio_fax_compat.webhooks import ASGIMiddleware",
    ),
)
"""How an application object is made, the line that wraps it, and the import that the line needs."""


def _is_domain(node: cst.BaseExpression) -> bool:
    """Return whether an expression is ``client.fax`` or ``Fax(client)``."""
    if isinstance(node, cst.Attribute):
        return node.attr.value == "fax"
    return isinstance(node, cst.Call) and _dotted(node.func) in ("Fax", "V1")


def _dotted(node: Any) -> str:
    """Return a dotted name, an empty text for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr.value}" if inner else ""
    return ""


def _text(node: cst.BaseExpression) -> str:
    """Return an expression as text without arguments, for people."""
    return ".".join(_parts(node))[-60:]


def _parts(node: Any) -> Iterator[str]:
    if isinstance(node, cst.Attribute):
        yield from _parts(node.value)
        yield node.attr.value
    elif isinstance(node, cst.Call):
        *before, last = [*_parts(node.func)] or ["..."]
        yield from before
        yield last + "()"
    elif isinstance(node, cst.Name):
        yield node.value
    else:
        yield "..."


def _names_a_sender(node: cst.BaseExpression) -> bool:
    name = _dotted(node).rpartition(".")[2].lower()
    return bool(re.search(r"(^|_)(from|sender)", name))
