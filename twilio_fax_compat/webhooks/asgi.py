"""The middleware for ASGI applications such as Starlette's, FastAPI's and Django's (ASGI 3)."""

from __future__ import annotations

import asyncio
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from typing import Any, Awaitable, Callable, Mapping, MutableMapping, Sequence, TypeVar
from urllib.parse import quote, unquote, urlsplit

from twilio_fax_compat._core.effects import Pause, run_async
from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp, Step, Talk
from twilio_fax_compat.ledger import InboxEntry
from twilio_fax_compat.webhooks.inbox import circumstances
from twilio_fax_compat.webhooks.media import MediaServer
from twilio_fax_compat.webhooks.middleware import Middleware, path_inside
from twilio_fax_compat.webhooks.receiver import PassThrough
from twilio_fax_compat.webhooks.verification import SIGNATURE, TIMESTAMP

T = TypeVar("T")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_MARKS = frozenset({SIGNATURE.encode("ascii"), TIMESTAMP.encode("ascii")})


class ASGIMiddleware(Middleware[App]):
    """
    Wrap an ASGI *app* so that it receives Telnyx's fax webhooks as Twilio's callbacks.

    The arguments are those of ``WSGIMiddleware``. Raises TwilioException if a setting is missing
    or wrong.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _state: Mapping[str, Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        receiver = self._receiver
        if self._workers is not None:
            if scope["type"] == "lifespan":
                await self._work_until_shutdown(scope, receive, send)
                return
            self._work_here(scope)
        media = receiver.media
        if media is not None and scope.get("path", "").startswith(media.prefix):
            await _serve(media, scope, send)
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
        messages = await _messages(receive, receiver.max_body)
        body = b"".join(message.get("body", b"") for message in messages)
        event = receiver.read(headers, body)
        if isinstance(event, PassThrough):
            await self.app(scope, _replay(messages, receive), send)
            return
        if isinstance(event, int):
            await _answer(send, event)
            return
        url = event.delivered_to or _url_of(scope, headers)
        if self._workers is None:
            await _answer(send, await self._run(receiver.begin(event, url), scope, url))
            return
        kept = circumstances(_as_cgi(scope, headers))
        status = await _elsewhere(receiver.store, event, body, url, kept)
        self._workers.wake()
        await _answer(send, status)

    def start(self) -> None:
        """Start to deliver from the inbox in the running event loop."""
        self._loop = asyncio.get_running_loop()
        super().start()

    def _work_here(self, scope: Scope) -> None:
        if self._loop is None or self._loop.is_closed():
            self._state = scope.get("state")
            self.start()

    async def _work_until_shutdown(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_start(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                # An application may be started more than once, in one loop or in several.
                self._loop = None
                self._work_here(scope)
            await send(message)

        async def receive_and_stop() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                # The application still works while the running deliveries end.
                await _elsewhere(self.close)
            return message

        await self.app(scope, receive_and_stop, send_and_start)

    def _deliver_entry(self, entry: InboxEntry) -> None:
        assert self._loop is not None
        talk = self._receiver.resume(entry)
        work = self._run(talk, _revived(entry, self._state), entry.url)
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise
        while True:
            try:
                future.result(timeout=1.0)
            except FutureTimeout:
                # The future of a loop that was closed never ends.
                if not future.done() and not self._loop.is_closed():
                    continue
                raise
            return

    async def _run(self, talk: Talk, scope: Scope, url: str) -> int:
        async def perform(step: Step) -> Any:
            if isinstance(step, CallApp) and step.is_own:
                return await self._call(scope, step, url)
            if isinstance(step, Pause):
                return await asyncio.sleep(step.seconds)
            return await _elsewhere(self._receiver.carry_out, step)

        return await run_async(talk, perform)

    async def _call(self, scope: Scope, call: CallApp, url: str) -> AppAnswer:
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

        await self.app(_as_twilio(scope, call, url), receive, send)
        if not start:
            return AppAnswer(0)
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in start.get("headers", ())
        ]
        return AppAnswer.of(start["status"], headers, b"".join(chunks))


def _as_twilio(scope: Scope, call: CallApp, url: str) -> Scope:
    parts = urlsplit(call.url)
    own = scope["path"]
    path = path_inside(unquote(parts.path) or "/", unquote(urlsplit(url).path) or "/", own)
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
        "path": path,
        "raw_path": quote(path, safe="/:@!$&'()*+,;=~").encode("ascii"),
        "query_string": parts.query.encode("ascii", "replace"),
        "headers": headers,
    }


def _as_cgi(scope: Scope, headers: Mapping[str, str]) -> dict[str, str]:
    variables = {
        "HTTP_" + name.upper().replace("-", "_"): value
        for name, value in headers.items()
        if name not in ("content-type", "content-length")
    }
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client")
    root = scope.get("root_path", "")
    variables.update(
        {
            "PATH_INFO": scope["path"],
            "SCRIPT_NAME": root,
            "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
            "SERVER_NAME": str(server[0]),
            "SERVER_PORT": str(server[1] or 80),
            "SERVER_PROTOCOL": "HTTP/" + scope.get("http_version", "1.1"),
            "wsgi.url_scheme": scope.get("scheme", "http"),
        }
    )
    if client:
        variables["REMOTE_ADDR"] = str(client[0])
    return variables


def _revived(entry: InboxEntry, state: Mapping[str, Any] | None) -> Scope:
    variables = entry.headers
    path = variables.get("PATH_INFO") or unquote(urlsplit(entry.url).path) or "/"
    port = variables.get("SERVER_PORT", "")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
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
        "server": (variables.get("SERVER_NAME", "localhost"), int(port) if port.isdigit() else 80),
        "client": (variables["REMOTE_ADDR"], 0) if "REMOTE_ADDR" in variables else None,
    }
    if state is not None:
        scope["state"] = dict(state)
    return scope


def _url_of(scope: Scope, headers: Mapping[str, str]) -> str:
    host = headers.get("host") or "{}:{}".format(*(scope.get("server") or ("localhost", 80))[:2])
    raw = scope.get("raw_path") or scope["path"].encode("utf-8")
    url = "{}://{}{}".format(scope.get("scheme", "http"), host, raw.decode("latin-1"))
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{url}?{query}" if query else url


async def _messages(receive: Receive, limit: int) -> list[Message]:
    """Return the messages of a body, up to the first one beyond *limit* bytes."""
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


async def _elsewhere(work: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)


async def _serve(media: MediaServer, scope: Scope, send: Send) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1008})
        return
    answer = await _elsewhere(media.answer, scope["method"], scope["path"], query)
    try:
        await _begin(send, answer.status, answer.headers)
        piece = None
        while piece != b"":
            piece = await _elsewhere(next, answer.pieces, b"")
            await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})
    finally:
        # The client may leave before the end, while a piece is still being read.
        close = getattr(answer.pieces, "close", None)
        if close is not None:
            with suppress(ValueError):
                await _elsewhere(close)


async def _begin(send: Send, status: int, headers: Sequence[tuple[str, str]]) -> None:
    raw = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _answer(send: Send, status: int) -> None:
    await _begin(send, status, [("Content-Length", "0")])
    await send({"type": "http.response.body", "body": b""})
