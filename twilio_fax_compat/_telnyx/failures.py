"""Decide whether a failed request may have left this machine."""

from __future__ import annotations

from typing import Sequence

import httpx

from twilio_fax_compat._core.masking import is_public
from twilio_fax_compat._core.messages import Failure, Outcome, TelnyxResponse
from twilio_fax_compat._telnyx.own_request import OwnRequest
from twilio_fax_compat.http._errors import ConnectionProblem

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
        "ClientConnectorCertificateError",
        "ClientConnectorDNSError",
        "ClientConnectorError",
        "ClientConnectorSSLError",
        "ClientProxyConnectionError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "CertificateError",
        "ConnectionRefusedError",
        "InvalidProxyURL",
        "InvalidSchema",
        "InvalidURL",
        "MissingSchema",
        "NameResolutionError",
        "NewConnectionError",
        "PoolTimeout",
        "ProxyError",
        "SSLCertVerificationError",
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


_REQUESTING = frozenset({"handle_request", "handle_async_request"})
"""Functions of httpcore that send a request, perhaps a CONNECT to a proxy."""

_CONNECTING = frozenset(
    {
        ("ssl", "do_handshake"),
        ("ssl", "create_default_context"),
        ("socket", "create_connection"),
        ("socket", "getaddrinfo"),
        ("http.client", "_tunnel"),
        ("urllib3.util.connection", "create_connection"),
        ("urllib3.connection", "_tunnel"),
        ("urllib3.connection", "_new_conn"),
        ("urllib3.connectionpool", "_prepare_proxy"),
        ("urllib3.util.ssl_", "ssl_wrap_socket"),
        ("requests.adapters", "cert_verify"),
        ("aiohttp.connector", "connect"),
        ("httpcore._async.connection", "_connect"),
        ("httpcore._async.socks_proxy", "_init_socks5_connection"),
        ("httpcore._sync.connection", "_connect"),
        ("httpcore._sync.socks_proxy", "_init_socks5_connection"),
        ("twilio_fax_compat.http._async_connections", "_connect"),
        ("twilio_fax_compat.http._connections", "_connect"),
    }
)
"""
Modules and their functions that connect, and send nothing of the request.

Among them are the TLS handshake, reading CA files, and asking a proxy for a tunnel.
"""


def as_httpx(error: Exception) -> Exception:
    """Return the exception of httpx that stands for one of a plain connection, its cause."""
    kind = getattr(httpx, type(error).__name__, None)
    if kind is None or not isinstance(error, ConnectionProblem):
        return error
    found: Exception = kind(str(error))
    found.__cause__ = error
    return found


def outcome_of(
    error: BaseException,
    handled: BaseException | None = None,
    own_request: OwnRequest | None = None,
    key: str = "",
) -> Outcome:
    """
    Return what an exception of an HTTP client means for its request.

    An exception with a response (``raise_for_status`` of httpx and requests) is that response. Any
    other that was not raised before the request left is a request that may have arrived.

    *handled* is the exception that the program was handling when it made the request. Python keeps
    it in ``__context__`` of *error*, but it is not about this request. *own_request* is our request
    over the caller's HTTP client, None over our own connections, which send nothing else. An exception
    that shows *key* is not chained.
    """
    for link in chain(error, handled):
        response = _response_in(link)
        if response is not None and (
            own_request is None or own_request.is_answered_by(getattr(link, "response", None), link)
        ):
            return response
    return failure_of(error, handled, own_request, key)


def failure_of(
    error: BaseException,
    handled: BaseException | None = None,
    own_request: OwnRequest | None = None,
    key: str = "",
) -> Failure:
    """Return the failure that an HTTP client's exception means, with the arguments of `outcome_of`."""
    links = chain(error, handled)
    names = {type(link).__name__ for link in links}
    # A client that retries keeps earlier errors in the chain. If the request left in any attempt,
    # it may have arrived.
    was_connecting = {id(link) for link in links if _was_connecting(link, handled)}
    may_have_left = any(
        type(link).__name__ in _SENT_NAMES and id(link) not in was_connecting for link in links
    )
    unsent = not may_have_left and (
        (error is not handled and isinstance(error, _UNSENT))
        or bool(was_connecting)
        or (not isinstance(error, httpx.HTTPError) and bool(names & _UNSENT_NAMES))
    )
    if unsent and own_request is not None:
        unsent = own_request.is_unsent_by(
            (
                link,
                isinstance(link, _UNSENT)
                or id(link) in was_connecting
                or type(link).__name__ in _UNSENT_NAMES,
            )
            for link in links
        )
    timed_out = any("timeout" in name.lower() for name in names)
    text = str(error)
    # A chained exception is printed with the traceback, so it must not show private text.
    cause = error if isinstance(error, Exception) and is_public(error, key) else None
    summary = type(error).__name__
    if text and cause is not None and isinstance(error, httpx.HTTPError):
        summary = "{}: {}".format(summary, text)
    return Failure(not unsent, summary, timed_out, cause)


def _response_in(error: BaseException) -> TelnyxResponse | None:
    try:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status < 600:
            return None
        headers = getattr(response, "headers", None) or {}
        content = getattr(response, "content", b"")
        return TelnyxResponse(
            status,
            {str(name).lower(): str(value) for name, value in headers.items()},
            content if isinstance(content, bytes) else b"",
        )
    except Exception:  # noqa: BLE001 - a response that cannot be read is none
        return None


def _was_connecting(error: BaseException, handled: BaseException | None) -> bool:
    """Return whether *error*, or the error that it wraps, was raised before the request was sent."""
    wrapped = [error.__cause__, getattr(error, "reason", None), *error.args]
    return _is_of_connecting(error) or any(
        _is_of_connecting(link)
        for link in wrapped
        if isinstance(link, BaseException) and link is not handled
    )


def _is_of_connecting(error: BaseException) -> bool:
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        module, function = str(frame.f_globals.get("__name__")), frame.f_code.co_name
        if (module, function) in _CONNECTING:
            return True
        if module.startswith("httpcore.") and function in _REQUESTING:
            request = frame.f_locals.get("request")
            if getattr(request, "method", None) == b"CONNECT":
                return True
        traceback = traceback.tb_next
    return False


def chain(error: BaseException, handled: BaseException | None) -> Sequence[BaseException]:
    """
    Return *error*, its causes, and the ``reason`` that urllib3 keeps; the outermost first.

    *handled*, and what can be reached only through it, is left out.
    """
    links: dict[int, BaseException] = {}
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in links or link is handled:
            continue
        links[id(link)] = link
        candidates = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        waiting.extend(item for item in candidates if isinstance(item, BaseException))
    return list(links.values())
