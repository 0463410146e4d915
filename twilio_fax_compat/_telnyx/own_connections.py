"""Sends requests to Telnyx over our own connections."""

from __future__ import annotations

import json
from typing import Mapping, Sequence
from urllib.parse import urlsplit

from attrs import evolve

from twilio_fax_compat._core.messages import Outcome, TelnyxRequest, TelnyxResponse, query_text
from twilio_fax_compat._preload import preload
from twilio_fax_compat._telnyx.senders import BaseSender
from twilio_fax_compat.http import _connections
from twilio_fax_compat.http._limits import WHOLE
from twilio_fax_compat.http._proxies import proxy_from_argument
from twilio_fax_compat.http._wire import PlainRequest, PlainResponse, checked_headers, head_of
from twilio_fax_compat.http.http_client import (
    TwilioHttpClient,
    Unread,
    note_request,
    note_response,
)
from twilio_fax_compat.http.request import Request, without_credentials
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.settings import TelnyxSettings

TRANSPORTS = "twilio_fax_compat.http._transports"
"""The module that only a proxy, or a program that watches httpx, needs."""


class OverOwnConnections(BaseSender):
    """Sends requests over our own connections. *client* is an HTTP client that keeps the last request."""

    def __init__(self, settings: TelnyxSettings, client: TwilioHttpClient | None = None) -> None:
        """Raise TwilioException for a proxy or CA certificates that cannot be used."""
        super().__init__(settings)
        self.client = client
        self.origin = _connections.origin_parts(self.base_url)
        self.proxy = _connections.proxy_for(self.origin.url)
        if client is not None:
            self.proxy = proxy_from_argument(client.proxy, self.origin.url) or self.proxy
        if self.origin.scheme == "https":
            _connections.tls_context(is_tls=True)
        self.is_kept = client is None or client.pool_connections
        self._path = urlsplit(self.base_url).path.rstrip("/").encode()
        host = (b"Host", urlsplit(self.base_url).netloc.encode())
        self._shown_headers = without_credentials(self.headers)
        self._shown_body_headers = without_credentials(self.body_headers)
        self._bodyless = checked_headers([host, *_encoded(self.headers)])
        self._with_body = checked_headers([host, *_encoded(self.body_headers)])

    def send(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        try:
            answer = self._answer(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled)
        return self.read(request, answer)

    def _answer(self, request: TelnyxRequest) -> PlainResponse:
        plain, seconds = self.built(request)
        self.note_request(request, plain.body)
        if self.proxy is None and not _connections.is_replaced("handle_request"):
            return _connections.send(plain, self.origin, seconds, self.is_kept)
        preload(TRANSPORTS)
        from twilio_fax_compat.http import _transports

        proxy_url = self.proxy.url if self.proxy else None
        return _transports.send_plain(plain, self.origin.url, proxy_url, seconds, self.is_kept)

    def built(self, request: TelnyxRequest) -> tuple[PlainRequest, float]:
        """Return *request* as bytes, and the seconds in which its response must be complete."""
        connect, other = self.settings.connect_timeout, self.settings.timeout
        seconds = other * WHOLE
        if request.timeout is not None:
            connect, other = min(connect, request.timeout), min(other, request.timeout)
            seconds = min(seconds, request.timeout)
        target = self._path + (request.path + query_text(request.query)).encode()
        body = None if request.body is None else json.dumps(request.body).encode()
        headers = self._bodyless if body is None else self._with_body
        return PlainRequest(head_of(request.method, target, headers), body, connect, other), seconds

    def read(self, request: TelnyxRequest, answer: PlainResponse) -> TelnyxResponse:
        """Return the *answer* to *request*, and let the HTTP client keep it."""
        if self.client is not None:
            kept = Unread(_response_of, answer)
            note_response(self.client, request.method, answer.status, kept)
        return TelnyxResponse(answer.status, answer.headers, answer.body)

    def note_request(self, request: TelnyxRequest, body: bytes | None) -> None:
        """Let the HTTP client keep *request*, without its key."""
        if self.client is None:
            return
        headers = self._shown_headers if body is None else self._shown_body_headers
        url = self.base_url + request.path
        kept = Unread(_request_of, request.method, url, request.query, body, headers)
        note_request(self.client, request.method, url, kept)

    def route(self) -> str:
        if self.proxy is None:
            return super().route()
        return f"{super().route()}, through the proxy of {self.proxy.where}"


def with_timeout(settings: TelnyxSettings, seconds: float | None) -> TelnyxSettings:
    """Return *settings* with the timeout *seconds*, if there is one."""
    return settings if seconds is None else evolve(settings, timeout=seconds)


def _request_of(
    method: str,
    url: str,
    query: Sequence[tuple[str, str]],
    body: bytes | None,
    headers: Mapping[str, str],
) -> Request:
    return Request(
        method,
        url,
        params=dict(query) or None,
        data=None if body is None else body.decode(),
        headers=dict(headers),
        auth=None,
    )


def _response_of(answer: PlainResponse) -> Response:
    text = answer.body.decode("utf-8", "replace")
    return Response(answer.status, text, dict(answer.headers))


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
