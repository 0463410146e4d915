"""
Connections to an HTTP origin, each used by one thread at a time.

One shared pool that is narrower than the threads using it can hand a connection to two of them
(https://github.com/encode/httpcore/issues/1110), and an error that comes of it arrives after the fax
has left. So every call takes a *connection*, a transport with one connection of its own, and puts it back.
"""

from __future__ import annotations

import atexit
import os
import ssl
from collections import deque
from threading import Lock
from time import monotonic
from typing import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

KEEPALIVE = 5.0
"""Seconds that an idle connection is kept, as httpx does by default."""

MOST_IDLE = 100
"""Idle connections kept for an origin; a burst of more threads closes what it opened beyond."""

_idle: dict[tuple[str, str | None], deque[tuple[httpx.HTTPTransport, float]]] = {}
_contexts: dict[bool, ssl.SSLContext] = {}
_proxies: dict[str, str | None] = {}
_lock = Lock()


def origin_of(url: str) -> str:
    """Return the scheme, host and port of *url*."""
    parts = urlsplit(url)
    return "{}://{}".format(parts.scheme, parts.netloc)


def proxy_for(origin: str) -> str | None:
    """Return the proxy that the environment names for *origin*, looked up once for each."""
    try:
        return _proxies[origin]
    except KeyError:
        pass
    parts = urlsplit(origin)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and proxy_bypass(host):
        proxy = None
    if proxy and "://" not in proxy:
        proxy = "http://" + proxy
    return _proxies.setdefault(origin, proxy)


def send(
    request: httpx.Request, origin: str, proxy: str | None = None
) -> tuple[httpx.Response, bytes]:
    """
    Send *request* on a connection to *origin* and return the answer and its decoded body.

    Raises what httpx's transport raises; the connection is given up then.
    """
    key = (origin, proxy)
    idle = _idle.get(key)
    if idle is None:
        idle = _idle.setdefault(key, deque())
    try:
        connection = idle.pop()[0]
    except IndexError:
        connection = _new_connection(origin, proxy)
    try:
        response = connection.handle_request(request)
        body = response.read()
    except BaseException:
        connection.close()
        raise
    _put_back(connection, idle)
    return response, body


def _put_back(
    connection: httpx.HTTPTransport, idle: deque[tuple[httpx.HTTPTransport, float]]
) -> None:
    now = monotonic()
    if len(idle) >= MOST_IDLE:
        connection.close()
    else:
        idle.append((connection, now))
    # The longest unused are on the left. Another thread may take what was looked at: then one
    # that is not stale is closed, which costs a new connection and nothing else.
    try:
        while now - idle[0][1] > KEEPALIVE:
            idle.popleft()[0].close()
    except IndexError:
        pass


def _new_connection(origin: str, proxy: str | None) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(
        verify=_context(origin.startswith("https:")),
        trust_env=False,
        limits=httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE
        ),
        proxy=httpx.Proxy(proxy) if proxy else None,
    )


def _context(is_tls: bool) -> ssl.SSLContext:
    """Return the TLS settings that all connections share; a connection without TLS does with empty ones."""
    with _lock:
        if is_tls not in _contexts:
            _contexts[is_tls] = (
                httpx.create_ssl_context() if is_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        return _contexts[is_tls]


def close_idle() -> None:
    """Close every connection that is not in use."""
    for idle in list(_idle.values()):
        while idle:
            try:
                idle.pop()[0].close()
            except IndexError:
                break


def _forget_after_fork() -> None:
    # The connections are the parent's: two processes writing to one would mix their requests.
    global _idle, _lock
    _idle = {}
    _lock = Lock()


def timeouts(connect: float, other: float) -> Mapping[str, float]:
    """Return httpx's timeout extension, in seconds."""
    return {"connect": connect, "read": other, "write": other, "pool": connect}


atexit.register(close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
