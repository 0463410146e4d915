"""Decide whether a failed request may have left this machine."""

from __future__ import annotations

from typing import Sequence

import httpx

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import (
    Failure,
)

_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)
"""Exceptions of httpx that are raised before a request is written."""


_UNSENT_NAMES = frozenset(
    {
        "ClientConnectorError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ConnectionRefusedError",
        "InvalidProxyURL",
        "InvalidSchema",
        "InvalidURL",
        "MissingSchema",
        "NameResolutionError",
        "NewConnectionError",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
        "gaierror",
    }
)
"""
Names of exceptions that mean the same in other HTTP clients.

Those of requests (https://requests.readthedocs.io/en/latest/api/#exceptions) and urllib3
(https://urllib3.readthedocs.io/en/stable/reference/urllib3.exceptions.html) are recognised by name,
because neither package is required here.
"""


_SENT_NAMES = frozenset(
    {
        "BrokenPipeError",
        "ChunkedEncodingError",
        "ConnectionAbortedError",
        "ConnectionResetError",
        "ContentDecodingError",
        "IncompleteRead",
        "ProtocolError",
        "ReadError",
        "ReadTimeout",
        "ReadTimeoutError",
        "RemoteDisconnected",
        "RemoteProtocolError",
        "WriteError",
        "WriteTimeout",
    }
)
"""Names of exceptions after which a request may have arrived, whatever else is in the chain."""


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an HTTP client's exception means."""
    chain = _chain(error)
    names = {type(link).__name__ for link in chain}
    # A client that retries keeps earlier errors in the chain. If the request left in any attempt,
    # it may have arrived.
    unsent = not names & _SENT_NAMES and (
        isinstance(error, _UNSENT)
        or (not isinstance(error, httpx.HTTPError) and bool(names & _UNSENT_NAMES))
    )
    timed_out = any("timeout" in name.lower() for name in names)
    text = str(error)
    # A chained exception is printed with the traceback, so it must not show private text.
    cause = error if mask(text) == text else None
    summary = type(error).__name__
    if text and cause is not None and isinstance(error, httpx.HTTPError):
        summary = "{}: {}".format(summary, text)
    return Failure(not unsent, summary, timed_out, cause)


def _chain(error: BaseException) -> Sequence[BaseException]:
    """Return *error*, its causes, and the ``reason`` that urllib3 keeps; the outermost first."""
    links: dict[int, BaseException] = {}
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in links:
            continue
        links[id(link)] = link
        candidates = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        waiting.extend(item for item in candidates if isinstance(item, BaseException))
    return list(links.values())
