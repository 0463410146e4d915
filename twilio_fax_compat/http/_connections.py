"""
Connections to an HTTP origin, each used by one thread at a time.

A shared pool with fewer connections than threads can give one connection to two threads
(https://github.com/encode/httpcore/issues/1110). The error that this causes comes after the fax has
left. So each call takes a *connection* of its own and puts it back.

A plain connection is a socket and `_wire`'s HTTP/1.1, without the layers of httpx above it. Through
a proxy, and where a program watches or replaces the transport of httpx, `_transports` has the connections.

A response has limits: see `_limits`. What goes wrong after them closes the connection.
"""

from __future__ import annotations

import atexit
import os
import select
import socket
import ssl
import sys
from collections import deque
from pathlib import Path
from threading import Lock
from time import monotonic
from types import FunctionType
from typing import Any, Callable, Deque, NamedTuple, Protocol, Tuple, TypeVar
from urllib.parse import urlsplit

import certifi

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http._errors import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteTimeout,
)
from twilio_fax_compat.http._limits import Deadline
from twilio_fax_compat.http._proxies import ProxySetting, proxy_from_environment
from twilio_fax_compat.http._signals import is_of_signal_handler
from twilio_fax_compat.http._wire import PlainRequest, PlainResponse, Wire

KEEPALIVE = 5.0
"""Seconds that an idle connection is kept. It is httpx's default."""

MOST_IDLE = 100
"""How many idle connections an origin keeps. Any more are closed after use."""

PART = 64 * 1024
"""How many bytes are read at once."""

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


class Origin(NamedTuple):
    """Where connections go. *url* has the scheme, host and port."""

    url: str
    scheme: str
    host: str
    port: int


class Connection:
    """A connection to *origin*."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._wire = Wire()
        self._socket: socket.socket | None = None
        self._idle_since = 0.0

    def exchange(self, request: PlainRequest, seconds: float) -> PlainResponse:
        """
        Send *request* and return the response, which must be complete within *seconds*.

        Raises the errors of `_errors`, and what `Wire.response` raises.
        """
        deadline = Deadline(seconds)
        if self._socket is None:
            self._socket = _connect(self._origin, request.connect_timeout)
        ours = self._socket
        try:
            ours.settimeout(request.timeout)
            # No variable has the bytes: tools that report errors show the values of variables.
            ours.sendall(self._wire.request(request))
        except socket.timeout as error:
            raise WriteTimeout(str(error)) from error
        except OSError as error:
            # A server may answer and close before it has read the whole request.
            if is_of_signal_handler(error):
                raise
        response = None
        while response is None:
            response = self._wire.response(_read(ours, deadline, request.timeout))
        self._idle_since = monotonic()
        return response

    def is_usable(self) -> bool:
        """Return whether an idle connection can take another request: the server has not closed it."""
        return (
            self._socket is not None
            and monotonic() - self._idle_since <= KEEPALIVE
            and not is_readable(self._socket.fileno())
        )

    def is_done(self) -> bool:
        """Return whether the last response came whole, and the connection stays open."""
        return self._wire.is_idle

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()


def _connect(origin: Origin, seconds: float) -> socket.socket:
    try:
        plain = socket.create_connection((origin.host, origin.port), seconds)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.scheme != "https":
                return plain
            context = tls_context(is_tls=True)
            context.set_alpn_protocols(["http/1.1"])
            return context.wrap_socket(plain, server_hostname=origin.host)
        except BaseException:
            plain.close()
            raise
    except socket.timeout as error:
        raise ConnectTimeout(str(error)) from error
    except OSError as error:
        raise ConnectError(str(error)) from error


def _read(ours: socket.socket, deadline: Deadline, seconds: float) -> bytes:
    left = deadline.to_read(seconds, ReadTimeout)
    try:
        ours.settimeout(left)
        return ours.recv(PART)
    except socket.timeout as error:
        raise ReadTimeout(str(error)) from error
    except OSError as error:
        raise ReadError(str(error)) from error


def is_readable(descriptor: int) -> bool:
    """
    Return whether there is something to read from a socket, or it is closed.

    The server of an idle connection has nothing to say, except that it closes the connection.
    """
    if descriptor < 0:
        return True
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])


_idle: dict[Key, Idle] = {}
_contexts: dict[bool, ssl.SSLContext] = {}
_proxies: dict[str, ProxySetting | None] = {}
_lock = Lock()


def origin_of(url: str) -> str:
    """Return the scheme, host and port of *url*."""
    parts = urlsplit(url)
    return "{}://{}".format(parts.scheme, parts.netloc)


def origin_parts(url: str) -> Origin:
    """Return the origin of *url*, in parts."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Origin(origin_of(url), parts.scheme, parts.hostname or "", port)


def proxy_for(origin: str) -> ProxySetting | None:
    """
    Return the proxy for *origin* from the environment, or None. The result is cached.

    Raises TwilioException if it cannot be used.
    """
    try:
        return _proxies[origin]
    except KeyError:
        return _proxies.setdefault(origin, proxy_from_environment(origin))


def send(
    request: PlainRequest, origin: Origin, seconds: float, is_kept: bool = True
) -> PlainResponse:
    """
    Send *request* on a plain connection to *origin*, and return the response.

    The response must be complete within *seconds*. The connection is closed afterwards unless *is_kept*.
    Raises what `Connection.exchange` raises. The connection is closed then.
    """

    def exchange(connection: Connection) -> PlainResponse:
        return connection.exchange(request, seconds)

    return with_connection((PLAIN, origin.url, None), lambda: Connection(origin), exchange, is_kept)


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


atexit.register(close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
