"""Sends requests to Telnyx over our own connections."""

from __future__ import annotations

import json
from typing import Any, Mapping
from urllib.parse import urlsplit

import h11
import httpcore
from attrs import evolve

from twilio_fax_compat._core.messages import Outcome, TelnyxRequest, TelnyxResponse, query_text
from twilio_fax_compat._preload import preload
from twilio_fax_compat._telnyx.senders import BaseSender
from twilio_fax_compat.http import _connections
from twilio_fax_compat.http._connections import PlainRequest, PlainResponse, Target
from twilio_fax_compat.http._limits import WHOLE
from twilio_fax_compat.http._proxies import proxy_from_argument
from twilio_fax_compat.http.http_client import TwilioHttpClient, note_request, note_response
from twilio_fax_compat.http.request import Request, without_credentials
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.settings import TelnyxSettings

MOST_LENGTHS = 500
"""For how many lengths of a body the checked headers are kept."""

TRANSPORTS = "twilio_fax_compat.http._transports"
"""The module that only a proxy, or a program that watches httpx, needs."""


class OverOwnConnections(BaseSender):
    """Sends requests over our own connections. *client* is an HTTP client that keeps the last request."""

    def __init__(self, settings: TelnyxSettings, client: TwilioHttpClient | None = None) -> None:
        """Raise TwilioException for a proxy or CA certificates that cannot be used."""
        super().__init__(settings)
        self.client = client
        self.origin = _connections.origin_of(self.base_url)
        self.proxy = _connections.proxy_for(self.origin)
        if client is not None:
            self.proxy = proxy_from_argument(client.proxy, self.origin) or self.proxy
        if self.origin.startswith("https:"):
            _connections.tls_context(is_tls=True)
        self.is_kept = client is None or client.pool_connections
        self.extensions = {
            "timeout": _connections.timeouts(settings.connect_timeout, settings.timeout)
        }
        url = httpcore.URL(self.base_url)
        self._path = url.target.rstrip(b"/")
        self._origin = url.origin
        host = (b"Host", urlsplit(self.base_url).netloc.encode())
        self.raw_headers = [host, *_encoded(self.headers)]
        self.raw_body_headers = [host, *_encoded(self.body_headers)]
        self._shown_headers = without_credentials(self.headers)
        self._shown_body_headers = without_credentials(self.body_headers)
        self._checked: dict[int | None, Any] = {None: _checked(self.raw_headers)}

    def send(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        try:
            answer = self._answer(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled)
        return self.read(request, answer)

    def _answer(self, request: TelnyxRequest) -> PlainResponse:
        plain, seconds = self.built(request)
        self.note_request(request, plain.stream.body)
        if self.proxy is None and not _connections.is_replaced("handle_request"):
            return _connections.send(plain, self.origin, seconds, self.is_kept)
        preload(TRANSPORTS)
        from twilio_fax_compat.http import _transports

        proxy_url = self.proxy.url if self.proxy else None
        return _transports.send_plain(plain, self.origin, proxy_url, seconds, self.is_kept)

    def built(self, request: TelnyxRequest) -> tuple[PlainRequest, float]:
        """Return *request* as httpcore reads it, and the seconds in which its response must be complete."""
        seconds, extensions = self.settings.timeout * WHOLE, self.extensions
        if request.timeout is not None:
            connect = min(self.settings.connect_timeout, request.timeout)
            other = min(self.settings.timeout, request.timeout)
            seconds = min(seconds, request.timeout)
            extensions = {"timeout": _connections.timeouts(connect, other)}
        target = self._path + (request.path + query_text(request.query)).encode()
        body = None if request.body is None else json.dumps(request.body).encode()
        built = PlainRequest(
            request.method, Target(self._origin, target), self._headers_of(body), body, extensions
        )
        return built, seconds

    def _headers_of(self, body: bytes | None) -> Any:
        length = None if body is None else len(body)
        headers = self._checked.get(length)
        if headers is None:
            headers = _checked([*self.raw_body_headers, (b"Content-Length", b"%d" % (length or 0))])
            if len(self._checked) < MOST_LENGTHS:
                self._checked[length] = headers
        return headers

    def read(self, request: TelnyxRequest, answer: PlainResponse) -> TelnyxResponse:
        """Return the *answer* to *request*, and let the HTTP client keep it."""
        if self.client is not None:
            text = answer.body.decode("utf-8", "replace")
            kept = Response(answer.status, text, dict(answer.headers))
            note_response(self.client, request.method, kept)
        return TelnyxResponse(answer.status, answer.headers, answer.body)

    def note_request(self, request: TelnyxRequest, body: bytes | None) -> None:
        """Let the HTTP client keep *request*, without its key."""
        if self.client is None:
            return
        noted = Request(
            request.method,
            self.base_url + request.path,
            params=dict(request.query) or None,
            data=None if body is None else body.decode(),
            headers=dict(self._shown_headers if body is None else self._shown_body_headers),
            auth=None,
        )
        note_request(self.client, noted)

    def route(self) -> str:
        if self.proxy is None:
            return super().route()
        return f"{super().route()}, through the proxy of {self.proxy.where}"


def with_timeout(settings: TelnyxSettings, seconds: float | None) -> TelnyxSettings:
    """Return *settings* with the timeout *seconds*, if there is one."""
    return settings if seconds is None else evolve(settings, timeout=seconds)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _checked(headers: list[tuple[bytes, bytes]]) -> Any:
    """Return *headers* as h11 has checked them once. It takes them again as they are."""
    return h11.Request(method="GET", target="/", headers=headers).headers
