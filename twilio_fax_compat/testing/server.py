"""The HTTP server: authentication, faults and the journal around the API."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
import struct
from threading import Thread
from time import monotonic, sleep
from typing import Any, Callable, Mapping
from urllib.parse import parse_qsl

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from twilio_fax_compat.testing.api import error_answer
from twilio_fax_compat.testing.bodies import Refusal
from twilio_fax_compat.testing.faults import Fault, Faults
from twilio_fax_compat.testing.journal import Exchange, Journal

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class _Protocol(H11Protocol):
    """uvicorn's, which lets the connection of a request be found: losing an answer needs it."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._peer = transport.get_extra_info("peername")[:2]
        _transports[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _transports.pop(self._peer, None)
        super().connection_lost(exc)


class Gate:
    """What every request passes: the journal, the API key, and the faults that are due."""

    def __init__(
        self,
        app: ASGIApp,
        api_key: str,
        faults: Faults,
        journal: Journal,
        date: Callable[[], str],
        before: Callable[[], None],
        latency: float,
    ) -> None:
        self.app = app
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
        body = await _whole_body(receive)
        headers = dict(scope["headers"])
        exchange = Exchange(
            scope["method"],
            scope["path"],
            parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()},
            body,
        )
        fault = self.faults.of_request(exchange.method, exchange.path, exchange)
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault is not None and fault.name == "delay":
            await asyncio.sleep(fault.seconds)
        self.before()
        if not self._may_enter(scope, headers):
            refusal = Refusal(401, "10009", "The API key is missing or wrong")
            answer = _captured(error_answer(refusal))
        elif fault is not None and not fault.accepted:
            answer = _captured(_refusal_of(fault))
        else:
            answer = await self._through(scope, body)
        if fault is not None and fault.accepted and fault.status is not None:
            answer = _captured(_refusal_of(fault))
        await self._send(answer, exchange, fault, scope, receive, send)

    def _may_enter(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        if not scope["path"].startswith("/v2/"):
            return True
        return hmac.compare_digest(headers.get(b"authorization", b""), self.authorization)

    async def _through(self, scope: Scope, body: bytes) -> tuple[Message, bytes]:
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

    async def _send(
        self,
        answer: tuple[Message, bytes],
        exchange: Exchange,
        fault: Fault | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        start, body = answer
        is_lost = fault is not None and fault.name == "answer_lost"
        self.journal.add(
            Exchange(
                exchange.method,
                exchange.path,
                exchange.query,
                exchange.headers,
                exchange.body,
                None if is_lost else start["status"],
                fault.name if fault is not None else None,
                body,
            )
        )
        start["headers"] = [
            *start.get("headers", ()),
            (b"date", self.date().encode("ascii")),
        ]
        if fault is None or not is_lost:
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        transport = _transports.get(tuple(scope["client"][:2]))
        if fault.how == "truncated":
            await send(start)
            half = body[: len(body) // 2] or b""
            await send({"type": "http.response.body", "body": half, "more_body": True})
        if transport is not None:
            if fault.how == "reset":
                raw = transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()
            elif fault.how != "timeout":
                transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


async def _whole_body(receive: Receive) -> bytes:
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return bytes(body)


def _captured(response: Response) -> tuple[Message, bytes]:
    start: Message = {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }
    return start, bytes(response.body)


def _refusal_of(fault: Fault) -> Response:
    status = fault.status or 503
    if fault.body is None:
        codes = {400: "10015", 401: "10009", 404: "10005", 429: "10011", 500: "10007"}
        return error_answer(Refusal(status, codes.get(status, "10037")), dict(fault.headers))
    if isinstance(fault.body, (bytes, str)):
        return Response(fault.body, status, dict(fault.headers))
    return Response(
        json.dumps(fault.body), status, dict(fault.headers), media_type="application/json"
    )


class Server:
    """A uvicorn server in a thread of its own, listening from `start` to `stop`."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = socket.create_server((host, port), backlog=512)
        # asyncio does so for sockets of its own only; without it each answer waits for an ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host, self.port = self._socket.getsockname()[:2]
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, name="telnyx-emulator", daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()
        give_up = monotonic() + 10
        while not self._server.started:
            if not self._thread.is_alive() or monotonic() > give_up:
                raise RuntimeError("the emulator's server did not start")
            sleep(0.002)

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
