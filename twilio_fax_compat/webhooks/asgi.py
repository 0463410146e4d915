"""The middleware for ASGI applications such as Starlette's, FastAPI's and Django's (ASGI 3)."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Mapping, MutableMapping, Sequence
from urllib.parse import unquote, urlsplit

from twilio_fax_compat._core.receiving import AppAnswer, CallApp, receive
from twilio_fax_compat.webhooks.receiver import SIGNATURE, TIMESTAMP, Middleware, Stranger

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_MARKS = frozenset({SIGNATURE.encode("ascii"), TIMESTAMP.encode("ascii")})


class ASGIMiddleware(Middleware[App]):
    """
    Wrap an ASGI *app* so that Telnyx's fax webhooks reach it as Twilio's callbacks.

    The arguments are those of ``WSGIMiddleware``. Raises TwilioException when a setting is
    missing or cannot be right.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        media = self._receiver.media
        if media is not None and scope.get("path", "").startswith(media.prefix):
            query = scope.get("query_string", b"").decode("latin-1")
            loop = asyncio.get_running_loop()
            status, told = await loop.run_in_executor(None, media.answer, scope["path"], query)
            await _answer(send, status, told)
            return
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name in _MARKS or (name == b"user-agent" and value.startswith(b"telnyx-webhooks")):
                break
        else:
            await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        messages = await _messages(receive, self._receiver.max_body)
        body = b"".join(message.get("body", b"") for message in messages)
        event = self._receiver.read(headers, body)
        if isinstance(event, Stranger):
            await self.app(scope, _replay(messages, receive), send)
        elif isinstance(event, int):
            await _answer(send, event)
        else:
            url = event.delivered_to or _url_of(scope, headers)
            await _answer(send, await self._deliver(scope, event, url))

    async def _deliver(self, scope: Scope, event: Any, url: str) -> int:
        loop = asyncio.get_running_loop()
        talk = receive(event, url, self._receiver.rules)
        result: Any = None
        try:
            step = talk.send(None)
            while True:
                try:
                    if isinstance(step, CallApp) and step.is_own:
                        result = await self._call(scope, step)
                    else:
                        result = await loop.run_in_executor(None, self._receiver.carry_out, step)
                except BaseException as error:  # noqa: BLE001 - the claim has to be given up
                    step = talk.throw(error)
                else:
                    step = talk.send(result)
        except StopIteration as end:
            return int(end.value)

    async def _call(self, scope: Scope, call: CallApp) -> AppAnswer:
        start: dict[str, Any] = {}
        chunks: list[bytes] = []
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        await self.app(_as_twilio(scope, call), receive, send)
        if not start:
            return AppAnswer(0)
        kinds = [
            value for name, value in start.get("headers", ()) if name.lower() == b"content-type"
        ]
        kind = kinds[0].decode("latin-1") if kinds else None
        return AppAnswer(start["status"], kind, b"".join(chunks))


def _as_twilio(scope: Scope, call: CallApp) -> Scope:
    parts = urlsplit(call.url)
    dropped = (b"content-type", b"content-length", b"user-agent", b"accept", b"transfer-encoding")
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name not in dropped and not name.startswith(b"telnyx-")
    ]
    headers.append((b"content-length", str(len(call.body)).encode("ascii")))
    for name, value in call.headers.items():
        headers.append((name.lower().encode("ascii"), value.encode("latin-1")))
    return {
        **scope,
        "method": call.method,
        "path": unquote(parts.path) or "/",
        "raw_path": parts.path.encode("ascii", "replace"),
        "query_string": parts.query.encode("ascii", "replace"),
        "headers": headers,
    }


def _url_of(scope: Scope, headers: Mapping[str, str]) -> str:
    host = headers.get("host") or "{}:{}".format(*(scope.get("server") or ("localhost", 80))[:2])
    raw = scope.get("raw_path") or scope["path"].encode("utf-8")
    url = "{}://{}{}".format(scope.get("scheme", "http"), host, raw.decode("latin-1"))
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{url}?{query}" if query else url


async def _messages(receive: Receive, limit: int) -> list[Message]:
    """Return the messages of a body, read a little beyond *limit* bytes at most."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body") or size > limit:
            return messages


def _replay(messages: Sequence[Message], receive: Receive) -> Receive:
    waiting = list(messages)

    async def replayed() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return replayed


async def _answer(
    send: Send, status: int, told: Sequence[tuple[str, str]] = (("Content-Length", "0"),)
) -> None:
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in told]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
