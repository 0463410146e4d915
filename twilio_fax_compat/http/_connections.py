"""
Connections to an HTTP origin, each used by one thread at a time.

A shared pool with fewer connections than threads can give one connection to two threads
(https://github.com/encode/httpcore/issues/1110). The error that this causes comes after the fax has
left. So each call takes a *connection* of its own, a transport with one connection, and puts it back.

A response has limits: see `_limits`. What goes wrong after them closes the connection.
"""

from __future__ import annotations

import atexit
import os
import ssl
from collections import deque
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Mapping
from urllib.parse import urlsplit

import httpx

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http._limits import Deadline, LimitedBackend, read_body
from twilio_fax_compat.http._proxies import ProxySetting, proxy_from_environment

KEEPALIVE = 5.0
"""Seconds that an idle connection is kept. It is httpx's default."""

MOST_IDLE = 100
"""How many idle connections an origin keeps. Any more are closed after use."""

CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables that name CA certificates: the first two are OpenSSL's, the others requests'."""


class Connection(httpx.HTTPTransport):
    """A transport with one connection to *origin*, and the deadline of the response it reads."""

    def __init__(self, origin: str, proxy: str | None) -> None:
        super().__init__(**transport_options(origin, proxy))
        self.deadline = Deadline()
        # httpx has no setting for it. Without it, the deadline holds for bodies and not for headers.
        backend = getattr(self._pool, "_network_backend", None)
        if backend is not None:
            limited = LimitedBackend(backend, self.deadline)
            self._pool._network_backend = limited  # noqa: SLF001


_idle: dict[tuple[str, str | None], deque[tuple[Connection, float]]] = {}
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


def transport_options(origin: str, proxy: str | None) -> dict[str, Any]:
    """
    Return the arguments of a transport of httpx with one connection.

    Raises what `tls_context` raises.
    """
    return {
        "verify": tls_context(origin.startswith("https:")),
        "trust_env": False,
        "limits": httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE
        ),
        "proxy": httpx.Proxy(proxy) if proxy else None,
    }


def send(
    request: httpx.Request,
    origin: str,
    proxy: str | None = None,
    seconds: float | None = None,
    is_kept: bool = True,
) -> tuple[httpx.Response, bytes]:
    """
    Send *request* on a connection to *origin*. Returns the response and its decoded body.

    The response must be complete within *seconds*. The connection is closed afterwards unless
    *is_kept*. Raises what httpx's transport and `read_body` raise. The connection is closed then.
    """
    key = (origin, proxy)
    idle = _idle.get(key)
    if idle is None:
        idle = _idle.setdefault(key, deque())
    try:
        connection = idle.pop()[0]
    except IndexError:
        connection = Connection(origin, proxy)
    try:
        connection.deadline.start(seconds)
        response = connection.handle_request(request)
        body = read_body(response, connection.deadline)
    except BaseException:
        connection.close()
        raise
    if is_kept:
        _put_back(connection, idle)
    else:
        connection.close()
    return response, body


def _put_back(connection: Connection, idle: deque[tuple[Connection, float]]) -> None:
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
    return httpx.create_ssl_context()


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
