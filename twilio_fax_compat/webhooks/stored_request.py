"""
Requests as the inbox stores them.

An entry keeps the CGI variables of a request (RFC 3875, section 4.1), from which both a WSGI and an ASGI
request can be built, with all headers: credentials and cookies, too. It also keeps what outer middleware
added, if that can be written as JSON. Anything else is reported in the log when it is first seen.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any, Dict, Mapping, MutableMapping
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from twilio_fax_compat.ledger import InboxEntry

logger = logging.getLogger("twilio_fax_compat.webhooks")

Environ = Dict[str, Any]
Scope = MutableMapping[str, Any]

EXTRAS = "twilio_fax_compat.extras"
"""The variable that holds, as JSON, what is neither a CGI variable nor text."""

DEPTH_LIMIT = 50

OF_THE_PROCESS = ("app", "asgi", "router", "starlette.exception_handlers")
"""The parts of a scope that are the same for each request of a process, and are never stored."""

_OF_THE_BODY = frozenset(
    {
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "HTTP_CONTENT_LENGTH",
        "HTTP_CONTENT_TYPE",
        "HTTP_TRANSFER_ENCODING",
        "RAW_URI",
        "REQUEST_METHOD",
        "REQUEST_URI",
    }
)
_OF_SERVERS = ("gunicorn.", "mod_wsgi.", "uwsgi.", "waitress.", "werkzeug.", "wsgi.")
_OF_ASGI = frozenset(
    {
        "client",
        "endpoint",
        "extensions",
        "fastapi_function_astack",
        "fastapi_inner_astack",
        "fastapi_middleware_astack",
        "headers",
        "http_version",
        "method",
        "path",
        "query_string",
        "raw_path",
        "root_path",
        "route",
        "scheme",
        "server",
        "state",
        "type",
        *OF_THE_PROCESS,
    }
)

_reported: set[str] = set()


def stored_environ(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return what an entry keeps of a WSGI *environ*."""
    variables: dict[str, str] = {}
    extras: dict[str, Any] = {}
    for name, value in environ.items():
        if name in _OF_THE_BODY or name.startswith("HTTP_TELNYX_"):
            continue
        if name.startswith(_OF_SERVERS):
            if name == "wsgi.url_scheme":
                variables[name] = value
        elif isinstance(value, str):
            # Some servers put the environment of the process, secrets included, into each request.
            if os.environ.get(name) != value:
                variables[name] = value
        elif _is_json(value):
            extras[name] = value
        else:
            _report(f"environ[{name!r}]", value)
    if extras:
        variables[EXTRAS] = json.dumps({"environ": extras})
    return variables


def environ_of(entry: InboxEntry) -> Environ:
    """Return the WSGI environ of a stored request, without its body."""
    variables = dict(entry.headers)
    extras = json.loads(variables.pop(EXTRAS, "{}"))
    return {
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(urlsplit(entry.url).path).decode("latin-1") or "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": urlsplit(entry.url).scheme or "http",
        **variables,
        **extras.get("environ", {}),
        "REQUEST_METHOD": "POST",
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def stored_scope(scope: Scope, state: Mapping[str, Any]) -> dict[str, str]:
    """
    Return what an entry keeps of an ASGI *scope*.

    *state* is that of the application's lifespan: each process has it, so it is not stored.
    """
    variables = _cgi_variables(scope)
    extras = {
        "scope": _kept(scope, "scope", _OF_ASGI),
        "state": _kept(
            {
                name: value
                for name, value in scope.get("state", {}).items()
                if name not in state or state[name] is not value
            },
            "scope['state']",
        ),
    }
    if any(extras.values()):
        variables[EXTRAS] = json.dumps(extras)
    return variables


def scope_of(entry: InboxEntry, process: Mapping[str, Any], state: Mapping[str, Any]) -> Scope:
    """
    Return the ASGI scope of a stored request.

    *process* are the parts `OF_THE_PROCESS`, and *state* is that of the application's lifespan.
    """
    variables = dict(entry.headers)
    extras = json.loads(variables.pop(EXTRAS, "{}"))
    path = variables.get("PATH_INFO") or unquote(urlsplit(entry.url).path) or "/"
    port = variables.get("SERVER_PORT", "")
    client = variables.get("REMOTE_ADDR")
    client_port = variables.get("REMOTE_PORT", "")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": variables.get("SERVER_PROTOCOL", "HTTP/1.1").rpartition("/")[2],
        "method": "POST",
        "scheme": variables.get("wsgi.url_scheme") or urlsplit(entry.url).scheme or "http",
        "path": path,
        "raw_path": quote(path).encode("ascii"),
        "root_path": variables.get("SCRIPT_NAME", ""),
        "query_string": variables.get("QUERY_STRING", "").encode("latin-1"),
        "headers": [
            (name[5:].lower().replace("_", "-").encode("ascii"), value.encode("latin-1"))
            for name, value in variables.items()
            if name.startswith("HTTP_")
        ],
        "server": (variables.get("SERVER_NAME", "localhost"), _port(port) or 80),
        "client": (client, _port(client_port)) if client else None,
        "extensions": {},
        **process,
        **extras.get("scope", {}),
    }
    added = extras.get("state", {})
    if state or added:
        scope["state"] = {**state, **added}
    return scope


def _cgi_variables(scope: Scope) -> dict[str, str]:
    server = scope.get("server") or ("localhost", 80)
    variables = {
        "PATH_INFO": scope["path"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": "HTTP/" + scope.get("http_version", "1.1"),
        "wsgi.url_scheme": scope.get("scheme", "http"),
    }
    if scope.get("client"):
        variables["REMOTE_ADDR"] = str(scope["client"][0])
        variables["REMOTE_PORT"] = str(scope["client"][1])
    for raw, value in scope["headers"]:
        name = "HTTP_" + raw.decode("latin-1").upper().replace("-", "_")
        if name in _OF_THE_BODY or name.startswith("HTTP_TELNYX_"):
            continue
        text = value.decode("latin-1")
        if name in variables:
            # https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3 for cookies
            text = variables[name] + ("; " if name == "HTTP_COOKIE" else ", ") + text
        variables[name] = text
    return variables


def _kept(
    values: Mapping[str, Any], where: str, left_out: frozenset[str] = frozenset()
) -> dict[str, Any]:
    kept = {}
    for name, value in values.items():
        if name in left_out:
            continue
        if _is_json(value):
            kept[name] = value
        else:
            _report(f"{where}[{name!r}]", value)
    return kept


def _port(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _is_json(value: object, depth: int = 0) -> bool:
    """
    Return whether *value* is the same after it was written as JSON and read again.

    What is nested deeper than `DEPTH_LIMIT`, such as a list that contains itself, is not written.
    """
    if depth > DEPTH_LIMIT:
        return False
    if isinstance(value, dict):
        return all(
            isinstance(name, str) and _is_json(item, depth + 1) for name, item in value.items()
        )
    if isinstance(value, list):
        return all(_is_json(item, depth + 1) for item in value)
    return (
        value is None
        or type(value) in (bool, int, str)
        or (type(value) is float and value - value == 0)
    )


def _report(place: str, value: object) -> None:
    if place in _reported:
        return
    _reported.add(place)
    logger.warning(
        "the inbox cannot keep %s (%s): the handler of a callback does not get it. Add it in a "
        "middleware that runs inside the fax middleware",
        place,
        type(value).__name__,
    )
