"""
The HTTP between the core and Telnyx, over our own connections or the caller's HTTP client.

What matters most of a failure is whether the request can have left this machine.
"""

from __future__ import annotations

import json
import logging
import sys
from http.client import HTTPException
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import quote

import httpx
from attrs import evolve

from twilio_fax_compat import __version__, _lanes
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import Failure, Outcome, TelnyxRequest, TelnyxResponse
from twilio_fax_compat.http.http_client import is_untouched
from twilio_fax_compat.settings import TelnyxSettings

logger = logging.getLogger("twilio_fax_compat")

Send = Callable[[TelnyxRequest], Outcome]

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


def sender(settings: TelnyxSettings, http_client: Any = None) -> Send:
    """
    Return the function that answers a `TelnyxRequest`.

    *http_client* is None for our own connections, an ``httpx.Client`` that is used as it is, or an
    object with the ``request`` method of Twilio's HTTP clients. *settings* are complete ones.
    """
    if http_client is None:
        return _OverLanes(settings)
    if is_untouched(http_client):
        return _OverLanes(_with_timeout(settings, http_client.timeout), http_client.proxy)
    if isinstance(http_client, httpx.Client):
        return _OverHttpx(settings, http_client)
    return _OverTwilioStyle(settings, http_client)


class _Sender:
    """What the three ways have in common."""

    content_type = "application/json"

    def __init__(self, settings: TelnyxSettings) -> None:
        self.settings = settings
        self.base_url = settings.base_url or ""
        self.headers: dict[str, str] = {
            "Authorization": "Bearer {}".format(settings.api_key),
            "User-Agent": "twilio-fax-compat/{} (Python {})".format(
                __version__, sys.version.split()[0]
            ),
            "Accept": "application/json",
        }
        self.body_headers = {**self.headers, "Content-Type": self.content_type}

    def __call__(self, request: TelnyxRequest) -> Outcome:
        outcome = self.exchange(request)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s /v2%s -> %s", request.method, request.path, _in_short(outcome))
        return outcome

    def exchange(self, request: TelnyxRequest) -> Outcome:
        raise NotImplementedError

    def url(self, request: TelnyxRequest) -> str:
        return self.base_url + request.path + query_text(request.query)

    def parts(self, request: TelnyxRequest) -> tuple[dict[str, str], str | None]:
        if request.body is None:
            return self.headers, None
        return self.body_headers, json.dumps(request.body)


class _OverLanes(_Sender):
    def __init__(self, settings: TelnyxSettings, proxy: str | None = None) -> None:
        super().__init__(settings)
        self.origin = _lanes.origin_of(self.base_url)
        self.proxy = proxy or _lanes.proxy_for(self.origin)
        self.extensions = {"timeout": _lanes.timeouts(settings.connect_timeout, settings.timeout)}
        url = httpx.URL(self.base_url)
        self.faxes_url = httpx.URL(self.base_url + "/faxes")
        host = url.netloc
        self.httpx_headers = httpx.Headers(
            [(b"host", host), *((k.encode(), v.encode()) for k, v in self.headers.items())]
        )
        self.httpx_body_headers = httpx.Headers(
            [(b"host", host), *((k.encode(), v.encode()) for k, v in self.body_headers.items())]
        )

    def exchange(self, request: TelnyxRequest) -> Outcome:
        if request.path == "/faxes" and not request.query:
            url = self.faxes_url
        else:
            url = httpx.URL(self.url(request))
        if request.body is None:
            built = httpx.Request(
                request.method, url, headers=self.httpx_headers, extensions=self.extensions
            )
        else:
            built = httpx.Request(
                request.method,
                url,
                headers=self.httpx_body_headers,
                content=json.dumps(request.body).encode(),
                extensions=self.extensions,
            )
        try:
            response, body = _lanes.send(built, self.origin, self.proxy)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return failure_of(error)
        return TelnyxResponse(response.status_code, response.headers, body)


def _with_timeout(settings: TelnyxSettings, seconds: float | None) -> TelnyxSettings:
    return settings if seconds is None else evolve(settings, timeout=seconds)


class _OverHttpx(_Sender):
    def __init__(self, settings: TelnyxSettings, client: httpx.Client) -> None:
        super().__init__(settings)
        self.client = client

    def exchange(self, request: TelnyxRequest) -> Outcome:
        headers, content = self.parts(request)
        try:
            response = self.client.request(
                request.method,
                self.url(request),
                headers=headers,
                content=content,
                auth=None,
                follow_redirects=False,
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return failure_of(error)
        return TelnyxResponse(response.status_code, response.headers, response.content)


class _OverTwilioStyle(_Sender):
    # Twilio 9 sends a dictionary as JSON when it sees the plain content type; ours is text.
    content_type = "application/json; charset=utf-8"

    def __init__(self, settings: TelnyxSettings, client: Any) -> None:
        super().__init__(settings)
        self.client = client

    def exchange(self, request: TelnyxRequest) -> Outcome:
        headers, content = self.parts(request)
        try:
            response = self.client.request(
                request.method,
                self.url(request),
                params=None,
                data=content,
                headers=dict(headers),
                auth=None,
                timeout=None if getattr(self.client, "timeout", None) else self.settings.timeout,
                allow_redirects=False,
            )
        except (httpx.HTTPError, OSError, HTTPException) as error:
            return failure_of(error)
        return TelnyxResponse(
            response.status_code,
            _lower_names(getattr(response, "headers", None)),
            _body_of(response),
        )


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


def query_text(query: Sequence[tuple[str, str]]) -> str:
    """Return *query* as the part of an URL that begins with a question mark, or nothing."""
    if not query:
        return ""
    pairs = ("{}={}".format(quote(name, safe=""), quote(value, safe="")) for name, value in query)
    return "?" + "&".join(pairs)


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


def _lower_names(headers: Any) -> Mapping[str, str]:
    if headers is None or not hasattr(headers, "items"):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _body_of(response: Any) -> bytes:
    body = getattr(response, "content", None)
    if not isinstance(body, (bytes, str)):
        body = getattr(response, "text", None)
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _in_short(outcome: Outcome) -> str:
    if isinstance(outcome, TelnyxResponse):
        return str(outcome.status)
    return "{} ({})".format(outcome.summary, "sent" if outcome.sent else "not sent")
