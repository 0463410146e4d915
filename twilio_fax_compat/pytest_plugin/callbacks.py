"""The fixture ``twilio_fax_callbacks``: the requests that Twilio would have made to the application."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any, Callable, Iterator, Mapping, overload
from urllib.parse import parse_qsl, urlsplit

import httpx
from attrs import define, field, frozen

from twilio_fax_compat._suite.emulator import SuiteEmulator
from twilio_fax_compat.pytest_plugin.suite_client import SuiteClient
from twilio_fax_compat.webhooks import WSGIMiddleware

Send = Callable[[httpx.Request], httpx.Response]

INCOMING_URL = "https://app.example.com/fax"
TWIML = b'<?xml version="1.0"?><Response><Receive action=""/></Response>'


@frozen
class Callback:
    """
    A request that Twilio would have made.

    *fields* are its form fields, or the query of a GET; *headers* include ``X-Twilio-Signature``.
    *answered* is the HTTP status of the application, or 200 without an application.
    """

    method: str
    url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    answered: int

    @property
    def status(self) -> str | None:
        """The ``FaxStatus`` of the callback, or None if it has none."""
        return self.fields.get("FaxStatus")


@define(eq=False)
class Callbacks(Sequence):  # type: ignore[type-arg]
    """
    The callbacks of a test, in order; reading them first makes the callbacks that are due.

    The same middleware that serves a migrated application makes them. `forward_to` names the
    application; without one they are collected here, and answered with a ``<Receive>``.
    """

    _emulator: SuiteEmulator
    _made: list[Callback] = field(init=False, factory=list)
    _send: Send | None = field(init=False, default=None)
    _origin: str | None = field(init=False, default=None)
    _auth_token: str | None = field(init=False, default=None)
    _account_sid: str | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._emulator.webhook_url = INCOMING_URL

    def forward_to(
        self,
        app: Any,
        *,
        incoming_url: str | None = None,
        auth_token: str | None = None,
        account_sid: str | None = None,
    ) -> Callbacks:
        """
        Deliver callbacks to *app*: a WSGI application, an ASGI application, or its URL.

        *incoming_url* is the URL of "A fax comes in" in Twilio's console. Callbacks are signed
        with *auth_token* and *account_sid*, by default those of the client used last, then those
        in the environment. Returns itself.
        """
        if isinstance(app, str):
            parts = urlsplit(app)
            self._origin = "{}://{}".format(parts.scheme, parts.netloc)
            self._send = _over_http
        elif _is_asgi(app):
            self._send = _over_asgi(app)
        else:
            self._send = _over_wsgi(app)
        self._emulator.webhook_url = incoming_url or INCOMING_URL
        self._auth_token, self._account_sid = auth_token, account_sid
        return self

    def deliver(self) -> Callbacks:
        """Make the callbacks that are due, in this thread. Returns itself."""
        while self._emulator.due_events:
            url, event = self._emulator.due_events.popleft()
            self._deliver(self._local_url(url), event)
        return self

    def settle(self) -> Callbacks:
        """Move all faxes to their final status, and make their callbacks. Returns itself."""
        self._emulator.settle()
        return self.deliver()

    @property
    def statuses(self) -> list[str | None]:
        """The ``FaxStatus`` of each callback."""
        return [callback.status for callback in self]

    def __len__(self) -> int:
        self.deliver()
        return len(self._made)

    def __iter__(self) -> Iterator[Callback]:
        self.deliver()
        return iter(self._made[:])

    @overload
    def __getitem__(self, index: int) -> Callback: ...
    @overload
    def __getitem__(self, index: slice) -> list[Callback]: ...
    def __getitem__(self, index: int | slice) -> Callback | list[Callback]:
        self.deliver()
        return self._made[index]

    def _local_url(self, url: str) -> str:
        if self._origin is None:
            return url
        parts = urlsplit(url)
        return self._origin + parts.path + ("?" + parts.query if parts.query else "")

    def _deliver(self, url: str, event: Mapping[str, Any]) -> None:
        now = datetime.fromtimestamp(time.time(), timezone.utc)
        client = SuiteClient.newest
        body, headers = self._emulator.webhook(event, url, now)
        middleware = WSGIMiddleware(
            self._application,
            public_key=self._emulator.public_key,
            auth_token=self._auth_token or (client.password if client else None),
            account_sid=self._account_sid or (client.account_sid if client else None),
        )
        transport = httpx.WSGITransport(app=middleware)
        with httpx.Client(transport=transport, trust_env=False) as telnyx:
            telnyx.post(url, content=body, headers=headers)

    def _application(self, environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        """Pass a callback of the middleware to the application under test: a WSGI application."""
        request = _request_of(environ)
        response = httpx.Response(200, headers={"content-type": "text/xml"}, content=TWIML)
        if self._send is not None:
            response = self._send(request)
        text = request.content.decode() if request.method == "POST" else request.url.query.decode()
        is_form = b"multipart" not in request.headers.get("content-type", "").encode()
        fields = dict(parse_qsl(text, keep_blank_values=True)) if is_form else {}
        self._made.append(
            Callback(
                request.method,
                str(request.url),
                fields,
                dict(request.headers),
                response.status_code,
            )
        )
        kind = response.headers.get("content-type", "text/plain")
        start_response("{} Answered".format(response.status_code), [("Content-Type", kind)])
        return [response.content]


def _request_of(environ: Any) -> httpx.Request:
    from wsgiref.util import request_uri

    headers = {
        name[5:].replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name != "HTTP_CONTENT_LENGTH"
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return httpx.Request(
        environ["REQUEST_METHOD"], request_uri(environ), headers=headers, content=body
    )


def _is_asgi(app: Any) -> bool:
    call = app if inspect.isfunction(app) or inspect.ismethod(app) else type(app).__call__
    return inspect.iscoroutinefunction(call) or hasattr(app, "lifespan")


def _over_wsgi(app: Any) -> Send:
    def send(request: httpx.Request) -> httpx.Response:
        with httpx.Client(transport=httpx.WSGITransport(app=app), trust_env=False) as client:
            return client.send(request)

    return send


def _over_asgi(app: Any) -> Send:
    async def send(request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            return await client.send(request)

    def send_in_a_thread(request: httpx.Request) -> httpx.Response:
        # The test may run an event loop in this thread.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, send(request)).result()

    return send_in_a_thread


def _over_http(request: httpx.Request) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.send(request)
