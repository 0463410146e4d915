"""
Connections to an HTTP origin, each used by one thread at a time.

A shared pool with fewer connections than threads can give one connection to two threads
(https://github.com/encode/httpcore/issues/1110). The error that this causes comes after the fax has
left. So each call takes a *connection* of its own, a transport with one connection, and puts it back.
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
"""Seconds that an idle connection is kept. It is httpx's default."""

MOST_IDLE = 100
"""How many idle connections an origin keeps. Any more are closed after use."""

_idle: dict[tuple[str, str | None], deque[tuple[httpx.HTTPTransport, float]]] = {}
_contexts: dict[bool, ssl.SSLContext] = {}
_proxies: dict[str, str | None] = {}
_lock = Lock()


def origin_of(url: str) -> str:
    """Return the scheme, host and port of *url*."""
    parts = urlsplit(url)
    return "{}://{}".format(parts.scheme, parts.netloc)


def proxy_for(origin: str) -> str | None:
    """Return the proxy for *origin* from the environment, or None. The result is cached."""
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
    Send *request* on a connection to *origin*. Returns the response and its decoded body.

    Raises what httpx's transport raises. The connection is closed then.
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
    # The connections that were idle longest are on the left. Another thread may take one meanwhile:
    # then this closes one that is still good, which only costs a new connection.
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
    """Return the TLS settings that all connections share. Without TLS, they are empty."""
    with _lock:
        if is_tls not in _contexts:
            _contexts[is_tls] = (
                httpx.create_ssl_context() if is_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        return _contexts[is_tls]


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
    global _idle, _lock
    _idle = {}
    _lock = Lock()


def timeouts(connect: float, other: float) -> Mapping[str, float]:
    """Return httpx's timeout extension, in seconds."""
    return {"connect": connect, "read": other, "write": other, "pool": connect}


atexit.register(close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
