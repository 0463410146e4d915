"""The middleware around the emulated API: authentication, injected faults, journal."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
import struct
from datetime import datetime
from typing import Callable, Tuple
from urllib.parse import parse_qsl

from attrs import evolve
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twilio_fax_compat.testing.api import error_answer
from twilio_fax_compat.testing.faults import Fault, Faults
from twilio_fax_compat.testing.journal import Exchange, Journal
from twilio_fax_compat.testing.page.routes import Page
from twilio_fax_compat.testing.refusals import Refusal
from twilio_fax_compat.testing.server import TRANSPORT

Answer = Tuple[Message, bytes]

# Closing a socket with a linger time of 0 resets the connection.
_RESET = struct.pack("ii", 1, 0)
_CREDENTIALS = "Could not understand the provided credentials."


class EmulatorMiddleware:
    """
    Wraps the API *app*: checks the API key, applies injected faults, and writes the journal.

    *date* returns the ``Date`` header. *before* is called before each request. *latency*: the real
    seconds that each request takes. *now* returns the virtual time. *page* serves people.
    """

    def __init__(
        self,
        app: ASGIApp,
        api_key: str,
        faults: Faults,
        journal: Journal,
        date: Callable[[], str],
        before: Callable[[], None],
        latency: float,
        now: Callable[[], datetime],
        page: Page,
    ) -> None:
        self.app = app
        self.now = now
        self.page = page
        self.authorization = b"Bearer " + api_key.encode()
        self.faults = faults
        self.journal = journal
        self.date = date
        self.before = before
        self.latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if self.page.is_page(scope["path"]):
            await self.page(scope, receive, send)
            return
        body = await _whole_body(receive)
        fault = self.faults.of_request(
            scope["method"], scope["path"], lambda: _exchange(scope, body)
        )
        wait = self.latency
        if fault is not None:
            wait += fault.seconds
        if wait:
            await asyncio.sleep(wait)
        self.before()
        start, content = await self._answer(scope, body, fault)
        is_lost = fault is not None and fault.name == "answer_lost"
        status = None if is_lost else start["status"]
        name = None if fault is None else fault.name
        exchange = _exchange(scope, body, status, name, content)
        self.journal.add(evolve(exchange, at=self.now()))
        start["headers"] = [*start["headers"], (b"date", self.date().encode("ascii"))]
        if fault is not None and is_lost:
            await _lose((start, content), fault.how, scope, receive, send)
        else:
            await send(start)
            await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Scope, body: bytes, fault: Fault | None) -> Answer:
        if not self._may_enter(scope):
            return _captured(error_answer(Refusal(401, "10009", _CREDENTIALS)))
        if fault is not None and not fault.accepted:
            return _captured(_error_of(fault))
        answer = await self._carried_out(scope, body)
        if fault is not None and fault.status is not None:
            return _captured(_error_of(fault))
        return answer

    def _may_enter(self, scope: Scope) -> bool:
        if not scope["path"].startswith("/v2/"):
            return True
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(given, self.authorization)

    async def _carried_out(self, scope: Scope, body: bytes) -> Answer:
        start: Message = {}
        chunks = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                chunks.append(message.get("body", b""))

        await self.app(scope, receive, send)
        return start, b"".join(chunks)


async def _lose(
    answer: Answer, how: str | None, scope: Scope, receive: Receive, send: Send
) -> None:
    start, body = answer
    transport: asyncio.Transport = scope[TRANSPORT]
    if how == "truncated":
        await send(start)
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
    if how == "reset":
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    elif how != "timeout":
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _whole_body(receive: Receive) -> bytes:
    message = await receive()
    body = message.get("body", b"")
    if not message.get("more_body"):
        return bytes(body)
    chunks = [body]
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


def _exchange(
    scope: Scope,
    body: bytes,
    status: int | None = None,
    fault: str | None = None,
    answer: bytes = b"",
) -> Exchange:
    query = scope["query_string"]
    return Exchange(
        scope["method"],
        scope["path"],
        parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else [],
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body,
        status,
        fault,
        answer,
    )


def _captured(response: Response) -> Answer:
    start: Message = {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }
    return start, bytes(response.body)


def _error_of(fault: Fault) -> Response:
    status, headers = fault.status or 503, dict(fault.headers)
    if fault.body is None:
        return error_answer(Refusal(status), headers)
    if isinstance(fault.body, (bytes, str)):
        return Response(fault.body, status, headers)
    return Response(json.dumps(fault.body), status, headers, media_type="application/json")
