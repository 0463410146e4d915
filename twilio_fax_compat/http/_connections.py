"""
Connections to an HTTP origin, each used by one thread at a time.

A shared pool with fewer connections than threads can give one connection to two threads
(https://github.com/encode/httpcore/issues/1110). The error that this causes comes after the fax has
left. So each call takes a *connection* of its own and puts it back.

A plain connection is one of httpcore, the engine of httpx, without the layers of httpx above it. Through a
proxy, and where a program watches or replaces the transport of httpx, `_transports` has the connections.

A response has limits: see `_limits`. What goes wrong after them closes the connection.
"""

from __future__ import annotations

import atexit
import os
import ssl
import sys
from collections import deque
from pathlib import Path
from threading import Lock
from time import monotonic
from types import FunctionType
from typing import (
    Any,
    AsyncIterator,
    Callable,
    Deque,
    Iterator,
    Mapping,
    NamedTuple,
    Protocol,
    Sequence,
    Tuple,
    TypeVar,
)
from urllib.parse import urlsplit

import certifi
import httpcore

from twilio_fax_compat._preload import preload
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http._limits import Deadline, LimitedBackend, read_plain_body
from twilio_fax_compat.http._proxies import ProxySetting, proxy_from_environment

KEEPALIVE = 5.0
"""Seconds that an idle connection is kept. It is httpx's default."""

MOST_IDLE = 100
"""How many idle connections an origin keeps. Any more are closed after use."""

CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables that name CA certificates: the first two are OpenSSL's, the others requests'."""


_CLASSES = {
    "handle_request": (
        ("httpx", "HTTPTransport"),
        ("httpcore", "ConnectionPool"),
        ("httpcore", "HTTPConnection"),
    ),
    "handle_async_request": (
        ("httpx", "AsyncHTTPTransport"),
        ("httpcore", "AsyncConnectionPool"),
        ("httpcore", "AsyncHTTPConnection"),
    ),
}
"""The classes of httpx and httpcore whose methods vcrpy, respx, tracers and others replace."""


class Reusable(Protocol):
    """A connection that more than one request can use, one after the other."""

    def close(self) -> None:
        """Close the connection."""

    def is_usable(self) -> bool:
        """Return whether an idle connection can take another request."""

    def is_done(self) -> bool:
        """Return whether the last response came whole, and the connection stays open."""


C = TypeVar("C", bound=Reusable)
T = TypeVar("T")
Key = Tuple[str, str, "str | None"]
"""What an idle connection can be used for: its kind, its origin and its proxy."""

Idle = Deque[Tuple[Any, float]]
"""Idle connections, each with the time since when it is idle. The latest is on the right."""

PLAIN = "plain"
"""The kind of a `Connection`."""


class Connection(httpcore.HTTPConnection):
    """A connection to *origin*, and the deadline of the response that it reads."""

    def __init__(self, origin: httpcore.Origin) -> None:
        self.deadline = Deadline()
        super().__init__(
            origin,
            ssl_context=tls_context(is_tls=True) if origin.scheme == b"https" else None,
            keepalive_expiry=KEEPALIVE,
            network_backend=LimitedBackend(httpcore.SyncBackend(), self.deadline),
        )

    def is_usable(self) -> bool:
        """Return whether an idle connection can take another request: the server has not closed it."""
        return self.is_available() and not self.has_expired()

    def is_done(self) -> bool:
        """Return whether the last response came whole, and the connection stays open."""
        return self.is_available()


class Target(NamedTuple):
    """The URL of a request, as httpcore reads it: its *origin*, and its *target* (path and query)."""

    origin: httpcore.Origin
    target: bytes


class PlainRequest:
    """
    A request as httpcore reads it.

    *headers* are pairs of bytes, or those of an ``h11.Request``, which h11 has checked. *extensions* are
    httpcore's (https://www.encode.io/httpcore/extensions/).
    """

    __slots__ = ("extensions", "headers", "method", "stream", "url")

    def __init__(
        self,
        method: str,
        url: Target,
        headers: Any,
        body: bytes | None,
        extensions: Mapping[str, object],
    ) -> None:
        self.method = method.encode()
        self.url = url
        self.headers = headers
        self.stream = Body(body)
        self.extensions = extensions


class Body:
    """The *body* of a request, as httpcore reads it."""

    __slots__ = ("body",)

    def __init__(self, body: bytes | None) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(() if self.body is None else (self.body,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Parts(iter(self))


class _Parts(AsyncIterator[bytes]):
    # An asynchronous generator that is not read to its end would need a task to close it.
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    async def __anext__(self) -> bytes:
        for part in self._parts:
            return part
        raise StopAsyncIteration


class PlainResponse(NamedTuple):
    """The *status*, the *headers* with lower-case names, and the decoded *body* of a response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


_idle: dict[Key, Idle] = {}
_contexts: dict[bool, ssl.SSLContext] = {}
_proxies: dict[str, ProxySetting | None] = {}
_lock = Lock()


def origin_of(url: str) -> str:
    """Return the scheme, host and port of *url*."""
    parts = urlsplit(url)
    return "{}://{}".format(parts.scheme, parts.netloc)


def proxy_for(origin: str) -> ProxySetting | None:
    """
    Return the proxy for *origin* from the environment, or None. The result is cached.

    Raises TwilioException if it cannot be used.
    """
    try:
        return _proxies[origin]
    except KeyError:
        return _proxies.setdefault(origin, proxy_from_environment(origin))


def send(request: PlainRequest, origin: str, seconds: float, is_kept: bool = True) -> PlainResponse:
    """
    Send *request* on a plain connection to *origin*, and return the response.

    The response must be complete within *seconds*. The connection is closed afterwards unless *is_kept*.
    Raises the exceptions of httpcore, what `read_plain_body` raises, and httpx.DecodingError. The
    connection is closed then.
    """

    def exchange(connection: Connection) -> PlainResponse:
        connection.deadline.start(seconds)
        response = connection.handle_request(request)  # type: ignore[arg-type]
        body = read_plain_body(response, connection.deadline)
        return plain_response(response.status, response.headers, body)

    return with_connection(
        (PLAIN, origin, None), lambda: Connection(request.url.origin), exchange, is_kept
    )


def is_replaced(method: str) -> bool:
    """Return whether a program watches or replaces *method*, which sends the requests of httpx."""
    for package, name in _CLASSES[method]:
        cls = getattr(sys.modules.get(package), name, None)
        function = getattr(cls, method, None)
        if function is not None and (
            type(function) is not FunctionType
            or function.__globals__.get("__name__", "").partition(".")[0] != package
        ):
            return True
    return False


def plain_response(
    status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> PlainResponse:
    """Return the response with its *body* decoded, if the server has encoded it."""
    names = lower_headers(headers)
    if "content-encoding" in names:
        preload("twilio_fax_compat.http._decoding")
        from twilio_fax_compat.http._decoding import decoded

        body = decoded(status, headers, body)
    return PlainResponse(status, names, body)


def lower_headers(pairs: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return *pairs* as text, with lower-case names. The values of a repeated name are joined."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def with_connection(
    key: Key, new: Callable[[], C], use: Callable[[C], T], is_kept: bool = True
) -> T:
    """
    Return what *use* returns for an idle connection of *key*, or for a *new* one.

    The connection is closed if *use* raises. Else it is kept for later calls if *is_kept*.
    """
    idle = _idle.get(key)
    if idle is None:
        idle = _idle.setdefault(key, deque())
    connection = _taken(idle) or new()
    try:
        result = use(connection)
    except BaseException:
        connection.close()
        raise
    if is_kept and connection.is_done():
        _put_back(connection, idle)
    else:
        connection.close()
    return result


def _taken(idle: Idle) -> Any:
    while True:
        try:
            connection = idle.pop()[0]
        except IndexError:
            return None
        if connection.is_usable():
            return connection
        connection.close()


def _put_back(connection: Any, idle: Idle) -> None:
    now = monotonic()
    if len(idle) >= MOST_IDLE:
        connection.close()
    else:
        idle.append((connection, now))
    # The connections that were idle longest are on the left. Another thread may take one meanwhile:
    # then this closes one that is still good, which only costs a new connection.
    try:
        while now - idle[0][1] > KEEPALIVE:
            idle.popleft()[0].close()
    except IndexError:
        pass


def tls_context(is_tls: bool) -> ssl.SSLContext:
    """
    Return the TLS settings that all connections share. Without TLS, they are empty.

    Raises TwilioException that names the variable if CA certificates cannot be read.
    """
    with _lock:
        if is_tls not in _contexts:
            _contexts[is_tls] = (
                _new_context() if is_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        return _contexts[is_tls]


def _new_context() -> ssl.SSLContext:
    for name in CA_VARIABLES:
        path = os.environ.get(name)
        if not path:
            continue
        try:
            if Path(path).is_dir():
                return ssl.create_default_context(capath=path)
            return ssl.create_default_context(cafile=path)
        except OSError as error:
            raise TwilioException(
                f"{name} ({path}) cannot be read as CA certificates: {error.strerror or error}"
            ) from error
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = (
        ssl.TLSVersion.TLSv1_2
    )  # Python 3.10 and later refuse older ones anyway
    return context


def close_idle() -> None:
    """Close every idle connection."""
    for idle in list(_idle.values()):
        while idle:
            try:
                idle.pop()[0].close()
            except IndexError:
                break


def _forget_after_fork() -> None:
    # The connections belong to the parent: two processes writing to one would mix their requests.
    # Closing the child's copies sends nothing.
    global _idle, _lock
    _lock = Lock()
    close_idle()
    _idle = {}


def timeouts(connect: float, other: float) -> Mapping[str, float]:
    """Return httpx's timeout extension, in seconds."""
    return {"connect": connect, "read": other, "write": other, "pool": connect}


atexit.register(close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
