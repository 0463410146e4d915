"""Whether a request that failed can have left this machine."""

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
"""httpx's failures that come before a request is written."""


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
(https://urllib3.readthedocs.io/en/stable/reference/urllib3.exceptions.html) are told by name, as
neither is needed here.
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
"""Names of exceptions after which a request may have arrived, whatever else the chain tells."""


def failure_of(error: BaseException) -> Failure:
    """Return what an exception of an HTTP client tells about its request."""
    chain = _chain(error)
    names = {type(link).__name__ for link in chain}
    # A client that retries keeps the earlier errors in the chain: one that came after the request
    # had left outweighs the rest.
    unsent = not names & _SENT_NAMES and (
        isinstance(error, _UNSENT)
        or (not isinstance(error, httpx.HTTPError) and bool(names & _UNSENT_NAMES))
    )
    timed_out = any("timeout" in name.lower() for name in names)
    text = str(error)
    # An exception is chained for its traceback, so it must not tell more than our own text may.
    cause = error if mask(text) == text else None
    summary = type(error).__name__
    if text and cause is not None and isinstance(error, httpx.HTTPError):
        summary = "{}: {}".format(summary, text)
    return Failure(not unsent, summary, timed_out, cause)


def _chain(error: BaseException) -> Sequence[BaseException]:
    """Return *error*, what caused it, and what urllib3 keeps as its reason, outermost first."""
    found: dict[int, BaseException] = {}
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in found:
            continue
        found[id(link)] = link
        candidates = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        waiting.extend(item for item in candidates if isinstance(item, BaseException))
    return list(found.values())
