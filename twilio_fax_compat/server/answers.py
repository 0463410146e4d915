"""Answers of the server: always JSON, and ``Connection: close`` to a request that says so."""

from __future__ import annotations

import json
from typing import Any, Awaitable, Callable, Iterable, Mapping, MutableMapping

from twilio_fax_compat._core.messages import JSON, TwilioResponse
from twilio_fax_compat._core.translation.errors import problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable["tuple[bytes, bytes]"]

_JSON = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")

CODES: Mapping[int, tuple[int, str]] = {
    400: (20001, "The request could not be read"),
    404: (20404, "The requested resource was not found"),
    405: (20004, "Method not allowed"),
    408: (20001, "The request took too long to arrive"),
    413: (20001, "The request's body is too long"),
    414: (20001, "The request's URL is too long"),
    415: (20001, "Send the form as application/x-www-form-urlencoded or multipart/form-data"),
    431: (20001, "The request's headers are too long"),
    500: (20500, "An internal error of the server: its log says more"),
    503: (20503, "The server cannot answer now"),
}
"""Twilio's code and a message for each status that has no other cause than HTTP."""


def http_problem(status: int) -> TwilioResponse:
    """Return Twilio's error for an HTTP *status*."""
    code, message = CODES.get(status, (status, "The request was refused"))
    return problem(status, code, message)


def unauthenticated() -> TwilioResponse:
    """Return Twilio's answer to missing or wrong credentials."""
    return problem(401, 20003, "Authenticate")


def encoded(payload: JSON) -> bytes:
    """Return *payload* as the bytes of a JSON body."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def wants_close(headers: Headers) -> bool:
    """
    Return whether a request says ``Connection: close``.

    twilio-node 3 says so always, and Node reuses the connection unless the answer says close too.
    """
    return any(
        name == b"connection" and b"close" in [part.strip() for part in value.lower().split(b",")]
        for name, value in headers
    )


async def respond(
    scope: Scope, send: Send, answer: TwilioResponse, headers: Headers = (), *, close: bool = False
) -> None:
    """Send *answer*; *close* ends the connection afterwards."""
    body = b""
    fields = [*headers]
    if answer.status != 204:
        body = encoded(answer.payload or {})
        fields.append(_JSON)
        fields.append((b"content-length", b"%d" % len(body)))
    if answer.status == 401:
        fields.append((b"www-authenticate", b'Basic realm="Twilio API"'))
    if close or wants_close(scope["headers"]):
        fields.append(_CLOSE)
    await send({"type": "http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
