"""
Sends the core's requests to Telnyx, over our own connections or the caller's HTTP client.

The most important fact about a failure is whether the request may have left this machine.
"""

from __future__ import annotations

import json
import logging
import sys
from http.client import HTTPException
from typing import Any, Mapping

import httpx
from attrs import evolve

from twilio_fax_compat._core.messages import (
    Outcome,
    Send,
    TelnyxRequest,
    TelnyxResponse,
    query_text,
)
from twilio_fax_compat._telnyx.failures import (
    failure_of,
)
from twilio_fax_compat._version import __version__
from twilio_fax_compat.http import _connections
from twilio_fax_compat.http.http_client import is_untouched
from twilio_fax_compat.settings import TelnyxSettings

logger = logging.getLogger("twilio_fax_compat")


def sender(settings: TelnyxSettings, http_client: Any = None) -> Send:
    """
    Return the function that sends a `TelnyxRequest` and returns its `Outcome`.

    *http_client* is None for our own connections, an ``httpx.Client``, or an object with the
    ``request`` method of Twilio's HTTP clients. *settings* must be complete.
    """
    if http_client is None:
        return _OverOwnConnections(settings)
    if is_untouched(http_client):
        return _OverOwnConnections(_with_timeout(settings, http_client.timeout), http_client.proxy)
    if isinstance(http_client, httpx.Client):
        return _OverHttpx(settings, http_client)
    return _OverTwilioStyle(settings, http_client)


class _Sender:
    """The base class: the URL, the headers, and the log line of a request."""

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
        outcome = self.send(request)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s /v2%s -> %s", request.method, request.path, _outcome_text(outcome))
        return outcome

    def send(self, request: TelnyxRequest) -> Outcome:
        raise NotImplementedError

    def url(self, request: TelnyxRequest) -> str:
        return self.base_url + request.path + query_text(request.query)

    def parts(self, request: TelnyxRequest) -> tuple[dict[str, str], str | None]:
        if request.body is None:
            return self.headers, None
        return self.body_headers, json.dumps(request.body)


class _OverOwnConnections(_Sender):
    def __init__(self, settings: TelnyxSettings, proxy: str | None = None) -> None:
        super().__init__(settings)
        self.origin = _connections.origin_of(self.base_url)
        self.proxy = proxy or _connections.proxy_for(self.origin)
        self.extensions = {
            "timeout": _connections.timeouts(settings.connect_timeout, settings.timeout)
        }
        url = httpx.URL(self.base_url)
        self.faxes_url = httpx.URL(self.base_url + "/faxes")
        host = url.netloc
        self.httpx_headers = httpx.Headers(
            [(b"host", host), *((k.encode(), v.encode()) for k, v in self.headers.items())]
        )
        self.httpx_body_headers = httpx.Headers(
            [(b"host", host), *((k.encode(), v.encode()) for k, v in self.body_headers.items())]
        )

    def send(self, request: TelnyxRequest) -> Outcome:
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
            response, body = _connections.send(built, self.origin, self.proxy)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return failure_of(error)
        return TelnyxResponse(response.status_code, response.headers, body)


def _with_timeout(settings: TelnyxSettings, seconds: float | None) -> TelnyxSettings:
    return settings if seconds is None else evolve(settings, timeout=seconds)


class _OverHttpx(_Sender):
    def __init__(self, settings: TelnyxSettings, client: httpx.Client) -> None:
        super().__init__(settings)
        self.client = client

    def send(self, request: TelnyxRequest) -> Outcome:
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
    # Twilio 9 encodes the body as JSON again if the content type is exactly application/json.
    content_type = "application/json; charset=utf-8"

    def __init__(self, settings: TelnyxSettings, client: Any) -> None:
        super().__init__(settings)
        self.client = client

    def send(self, request: TelnyxRequest) -> Outcome:
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


def _outcome_text(outcome: Outcome) -> str:
    if isinstance(outcome, TelnyxResponse):
        return str(outcome.status)
    return "{} ({})".format(outcome.summary, "sent" if outcome.sent else "not sent")
