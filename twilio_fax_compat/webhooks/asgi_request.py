"""The request that an ASGI application gets for a callback, and its answer."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, MutableMapping, Sequence
from urllib.parse import quote, unquote, urlsplit

from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp
from twilio_fax_compat._core.webhooks.public_url import (
    FORWARDED_HEADERS,
    PublicUrl,
    ServerRequest,
)
from twilio_fax_compat._core.webhooks.twilio_requests import NOT_FORWARDED

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SAFE = "/:@!$&'()*+,;=~"
_OTHER_BODIES = ("http.response.pathsend", "http.response.zerocopysend")
"""Extensions by which a server sends a file itself. The answer to a callback is read here."""

_NOT_FORWARDED = frozenset(name.encode("ascii") for name in NOT_FORWARDED)
_SPACE_LIMIT = 64


class AppCall:
    """
    One call of an application, and its answer.

    As with a server, ``receive`` gives the body and then waits until the answer is complete. *task*
    may go on after that, for as long as the application has background work.
    """

    def __init__(self, app: App, scope: Scope, body: bytes) -> None:
        """Start the call in the running event loop."""
        self.status = 0
        self._headers: Sequence[tuple[bytes, bytes]] = ()
        self._body: bytes | None = body
        self._chunks: list[bytes] = []
        self._complete = asyncio.Event()
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def answer(self) -> AppAnswer:
        """Return the answer when it is complete. Raises what the application raises before that."""
        complete = asyncio.ensure_future(self._complete.wait())
        try:
            await asyncio.wait({self.task, complete}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            self.task.cancel()
            raise
        finally:
            complete.cancel()
        if not self._complete.is_set():
            self._complete.set()
            await self.task
            return AppAnswer(0)
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers
        ]
        return AppAnswer.of(self.status, headers, b"".join(self._chunks))

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body" and not self._complete.is_set():
            self._chunks.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                self._complete.set()


def as_twilio(scope: Scope, call: CallApp, url: PublicUrl) -> Scope:
    """Return the scope of Twilio's request *call*, made from that of Telnyx's request to *url*."""
    root, _ = split_path(scope)
    path = url.path_of(call.url)
    if root and scope["path"].startswith(root):
        path = quote(root, safe=_SAFE) + path
    replaced = {name.lower().encode("ascii") for name in call.headers}
    replaced |= _NOT_FORWARDED
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name not in replaced and not name.startswith(b"telnyx-")
    ]
    headers.append((b"content-length", str(len(call.body)).encode("ascii")))
    for name, text in call.headers.items():
        headers.append((name.lower().encode("ascii"), text.encode("latin-1")))
    changed = {
        **scope,
        "method": call.method,
        "path": unquote(path),
        "raw_path": quote(path, safe=_SAFE + "%").encode("ascii"),
        "query_string": quote(urlsplit(call.url).query, safe=_SAFE + "?%").encode("ascii"),
        "headers": headers,
    }
    if scope.get("extensions"):
        changed["extensions"] = {
            name: value for name, value in scope["extensions"].items() if name not in _OTHER_BODIES
        }
    if "state" in scope:
        # A server gives each request a copy of its own.
        changed["state"] = dict(scope["state"])
    return changed


def split_path(scope: Scope) -> tuple[str, str]:
    """
    Return the root at which the application is mounted, and the path below it.

    The path of a scope includes the root by the specification, but not with every server.
    """
    root, path = scope.get("root_path", "").rstrip("/"), scope.get("path", "")
    if root and (path == root or path.startswith(root + "/")):
        return root, path[len(root) :]
    return root, path


def server_request(scope: Scope) -> ServerRequest:
    """Return the URL of a request as the server sees it."""
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in reversed(scope["headers"])
        if name == b"host" or name.decode("latin-1") in FORWARDED_HEADERS
    }
    scheme = scope.get("scheme", "http")
    host = headers.get("host")
    if not host:
        server, port = scope.get("server") or ("localhost", None)
        host = f"[{server}]" if ":" in server else server
        if port and port != {"http": 80, "https": 443}.get(scheme):
            host += f":{port}"
    root, path = split_path(scope)
    return ServerRequest(
        scheme=scheme,
        host=host,
        root=quote(root, safe=_SAFE),
        path=quote(path, safe=_SAFE),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
    )


async def begin_to_read(receive: Receive, limit: int) -> list[Message]:
    """
    Return the messages of a body if it can be a JSON object, up to the first beyond *limit* bytes.

    Of any other body only the first messages are read, so that it can be streamed.
    """
    messages: list[Message] = []
    head, size = b"", 0
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return messages
        body = message.get("body", b"")
        size += len(body)
        if not head:
            head = bytes(body[:_SPACE_LIMIT]).lstrip()
        is_other = not head.startswith(b"{") and (head or size >= _SPACE_LIMIT)
        if not message.get("more_body") or size > limit or is_other:
            return messages


def replaying(messages: Sequence[Message], receive: Receive) -> Receive:
    """Return a ``receive`` that gives *messages* first."""
    waiting = list(messages)

    async def replay() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return replay
