"""Post webhooks to a WSGI or ASGI application in this process, as a server would."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import time
from io import BytesIO
from threading import Thread
from typing import (
    Any,
    Awaitable,
    Callable,
    Dict,
    Generator,
    Iterator,
    Mapping,
    MutableMapping,
    TypeVar,
)
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from attrs import field, frozen

from twilio_fax_compat._core.effects import Pause, run, run_async

logger = logging.getLogger("twilio_fax_compat.webhooks")

Scope = Dict[str, Any]
Message = MutableMapping[str, Any]

SHUTDOWN_TIMEOUT = 10.0
"""Seconds that an ASGI application has for its shutdown."""


@frozen
class LocalPost:
    """A POST to *url*, which the application knows under the decoded *path*."""

    url: str = field(repr=False)
    path: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


E = TypeVar("E")
R = TypeVar("R")


def run_with_app(
    app: Any, flow: Generator[E | Pause, Any, R], post_for: Callable[[E], LocalPost]
) -> R:
    """
    Run *flow* and return what it returns. Its effects are pauses and posts to *app*.

    *post_for* makes the post of an effect, whose result is the HTTP status. An ASGI application is started
    and stopped with its lifespan events, in a thread with an event loop of its own. An exception of the
    application counts as status 500 and is logged.
    """
    if not is_asgi(app):

        def perform(effect: E | Pause) -> int | None:
            if isinstance(effect, Pause):
                time.sleep(effect.seconds)
                return None
            return _post_wsgi(app, post_for(effect))

        return run(flow, perform)
    results: list[R] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(asyncio.run(_run_asgi(app, flow, post_for)))
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            errors.append(error)

    thread = Thread(target=work, name="fax-catch-up")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def is_asgi(app: Any) -> bool:
    """Return whether *app* is an ASGI 3 application rather than a WSGI one."""
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(
        getattr(app, "__call__", None)  # noqa: B004 - what it is decides, not that it is there
    )


def _post_wsgi(app: Any, post: LocalPost) -> int:
    parts = urlsplit(post.url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": post.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": parts.query,
        "CONTENT_LENGTH": str(len(post.body)),
        "CONTENT_TYPE": post.headers["content-type"],
        "SERVER_NAME": parts.hostname or "localhost",
        "SERVER_PORT": str(_port(post.url)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": BytesIO(post.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in post.headers.items():
        if name != "content-type":
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], object]:
        statuses[:] = [status]
        return lambda _data: None

    try:
        chunks = app(environ, start_response)
        try:
            for _ in chunks:
                pass
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
    except Exception:
        logger.exception("the application failed at an event that it had missed")
        return 500
    return int(statuses[0][:3]) if statuses else 500


async def _run_asgi(
    app: Any, flow: Generator[E | Pause, Any, R], post_for: Callable[[E], LocalPost]
) -> R:
    lifespan = _Lifespan(app)

    async def perform(effect: E | Pause) -> int | None:
        if isinstance(effect, Pause):
            await asyncio.sleep(effect.seconds)
            return None
        return await _post_asgi(app, post_for(effect), lifespan.state)

    await lifespan.start()
    try:
        return await run_async(flow, perform)
    finally:
        await lifespan.stop()


async def _post_asgi(app: Any, post: LocalPost, state: Mapping[str, Any] | None) -> int:
    parts = urlsplit(post.url)
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": parts.scheme,
        "path": post.path,
        "raw_path": quote(post.path, safe="/:@!$&'()*+,;=~").encode("ascii"),
        "root_path": "",
        "query_string": parts.query.encode("latin-1", "replace"),
        "headers": [
            *(
                (name.encode("ascii"), value.encode("latin-1"))
                for name, value in post.headers.items()
            ),
            (b"content-length", str(len(post.body)).encode("ascii")),
        ],
        "server": (parts.hostname or "localhost", _port(post.url)),
        "client": ("127.0.0.1", 0),
    }
    if state is not None:
        scope["state"] = dict(state)
    done = asyncio.Event()
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": post.body, "more_body": False}]
    )
    statuses: list[int] = []

    async def receive() -> Message:
        message = next(messages, None)
        if message is not None:
            return message
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    try:
        await app(scope, receive, send)
    except Exception:
        logger.exception("the application failed at an event that it had missed")
        return 500
    finally:
        done.set()
    return statuses[0] if statuses else 500


class _Lifespan:
    """Starts and stops an ASGI application, if it supports lifespan events."""

    def __init__(self, app: Any) -> None:
        self.state: dict[str, Any] | None = {}
        self._app = app
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the application. Raises RuntimeError if its start-up fails."""
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        run: Awaitable[None] = self._app(scope, self._events.get, self._answers.put)
        self._task = asyncio.ensure_future(run)
        await self._events.put({"type": "lifespan.startup"})
        answer = await self._answer()
        if answer is None:
            self.state = None
        elif answer["type"] == "lifespan.startup.failed":
            raise RuntimeError(
                "the application did not start: {}".format(
                    answer.get("message") or "no reason given"
                )
            )

    async def stop(self) -> None:
        """Stop the application."""
        assert self._task is not None
        if not self._task.done():
            await self._events.put({"type": "lifespan.shutdown"})
            try:
                await asyncio.wait_for(self._answer(), SHUTDOWN_TIMEOUT)
            except asyncio.TimeoutError:
                logger.warning("the application did not shut down in %.0f s", SHUTDOWN_TIMEOUT)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _answer(self) -> Message | None:
        """Return the application's answer, or None if it ends without one."""
        assert self._task is not None
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None


def own_path(url: str, prefix: str) -> str:
    """Return the decoded path of *url* without *prefix*."""
    path = unquote_to_bytes(urlsplit(url).path).decode("utf-8", "surrogateescape")
    removed = unquote(prefix).rstrip("/")
    if removed and path.startswith(removed + "/"):
        path = path[len(removed) :]
    return path or "/"


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
