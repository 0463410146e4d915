"""The fake: an HTTP server on loopback, and the methods that tests control it with."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Mapping

import attr

from tests.fakes.twilio.api import Answer, Api, RefusedError, Request
from tests.fakes.twilio.callbacks import Callback, Caller, callback_fields, read_twiml
from tests.fakes.twilio.faxes import INBOUND, OUTBOUND, Fax, Faxes, new_sid

ACCOUNT_SID, AUTH_TOKEN = "AC" + "0a" * 16, "0b" * 16


@attr.define
class Failure:
    """
    A fault of the next *times* requests that match; None means always.

    *status*: answer with this HTTP error and do nothing. *drop*: end the connection without an answer,
    ``"before"`` or ``"after"`` the request took effect. *delay*: seconds before the answer. *path* may
    contain ``*``.
    """

    status: int | None = None
    drop: str | None = None
    delay: float = 0.0
    times: int | None = 1
    method: str | None = None
    path: str | None = None

    def takes(self, request: Request) -> bool:
        """Return whether the failure applies to *request*, and count it."""
        if self.times == 0 or self.method not in (None, request.method):
            return False
        if self.path is not None and not fnmatch(request.path, self.path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FakeTwilio:
    """
    Twilio's fax API on loopback, in a ``with`` block.

    *account_sid*, *auth_token*: the credentials that clients must send. *now*: the time, an aware
    datetime, which then moves only by `advance`; by default the real time. *outcomes*: final statuses by
    destination. *steps_on_fetch*: each fetch moves a fax to its next status. *every_status*: status
    callbacks for each status, not only for the first and the last. *origin*: the start of the URLs in
    answers. *media_origin*: the start of links to media, by default this server's own. *compresses*:
    gzip answers for clients that accept it. *tick*: seconds by which each request moves *now*. *tls*:
    the context of a server that speaks HTTPS.
    """

    def __init__(
        self,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        *,
        now: datetime | None = None,
        outcomes: Mapping[str, str] | None = None,
        steps_on_fetch: bool = False,
        every_status: bool = False,
        origin: str = "https://fax.twilio.com",
        media_origin: str | None = None,
        compresses: bool = False,
        tick: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.account_sid, self.auth_token = account_sid, auth_token
        self.outcomes = dict(outcomes or {})
        self.requests: list[Request] = []
        self._frozen, self._steps, self._every = now, steps_on_fetch, every_status
        self._compresses, self._tick = compresses, tick
        self._lock = threading.RLock()
        self._failures: list[Failure] = []
        self._caller = Caller(auth_token)
        self._server = _Server(self)
        self.port: int = self._server.server_port
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._faxes = Faxes(account_sid, self.now, origin, media_origin or self.url)
        self._api = Api(self._faxes, (account_sid, auth_token), self._announce, self._looked)

    def __enter__(self) -> FakeTwilio:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def now(self) -> datetime:
        return self._frozen or datetime.now(timezone.utc)

    def advance(self, seconds: float) -> None:
        """Move the time forward. It must have been given as *now*."""
        assert self._frozen is not None, "give the fake a time as now= first"
        self._frozen += timedelta(seconds=seconds)

    @property
    def faxes(self) -> list[dict[str, Any]]:
        """Copies of the resources of all faxes, oldest first."""
        with self._lock:
            return [self._faxes.shown(fax) for fax in self._faxes]

    @property
    def callbacks(self) -> list[Callback]:
        """The requests to applications so far, oldest first."""
        return list(self._caller.made)

    def flush_callbacks(self) -> None:
        """Wait until all callbacks are made."""
        self._caller.flush()

    def fax(self, sid: str) -> dict[str, Any]:
        """Return a copy of a fax resource. Raises KeyError for an unknown SID."""
        with self._lock:
            return self._faxes.shown(self._known(sid))

    def step(self, sid: str) -> str:
        """Move a fax to its next status, and return the status."""
        with self._lock:
            self._step(self._known(sid))
            return self._known(sid).status

    def complete(self, sid: str, pages: int = 1) -> None:
        """Move a fax through all its statuses to delivered or received."""
        with self._lock:
            fax = self._known(sid)
            fax.pages = pages
            order = OUTBOUND if fax.resource["direction"] == "outbound" else INBOUND
            for status in order[order.index(fax.status) + 1 :]:
                self._change(fax, status)

    def fail(self, sid: str, status: str = "failed", code: int = 0, message: str = "") -> None:
        """End a fax as failed, busy, no-answer or canceled; *code* explains it in the callback."""
        with self._lock:
            self._change(self._known(sid), status, (code, message) if code else None)

    def send(self, from_: str, to: str, sid: str | None = None, quality: str = "fine") -> str:
        """Add an outbound fax that was sent without a request, and return its SID."""
        with self._lock:
            return self._faxes.add(from_, to, sid=sid, quality=quality).sid

    def receive(
        self,
        from_: str,
        to: str,
        pages: int = 1,
        document: bytes | None = None,
        fax_url: str | None = None,
        sid: str | None = None,
    ) -> str:
        """
        Simulate an incoming fax, and return its SID.

        With *fax_url* ("a fax comes in") the fake requests TwiML from the application there and then
        its action, as Twilio did, in the background. Without it the fax is received at once.
        """
        with self._lock:
            fax = self._faxes.add(from_, to, "inbound", sid, pages=pages)
            if document is not None:
                self._faxes.documents[fax.sid] = document
            if fax_url is None:
                self._change(fax, "received")
            else:
                self._caller.later(lambda: self._ask(fax, fax_url))
        return fax.sid

    def inject_failure(self, **what: Any) -> Failure:
        """Add and return a `Failure`, made from its arguments."""
        failure = Failure(**what)
        self._failures.append(failure)
        return failure

    def handle(self, request: Request) -> tuple[Answer | None, Failure]:
        """Return the answer, or None if it is lost, and the failure that applied."""
        with self._lock:
            self.requests.append(request)
            if self._tick:
                self.advance(self._tick)
            failure = next((it for it in self._failures if it.takes(request)), Failure())
            if failure.drop == "before":
                return None, failure
            if failure.status:
                text = "Internal Server Error" if failure.status < 503 else "Unavailable"
                refused = RefusedError(failure.status, 20000 + failure.status, text)
                return refused.answer, failure
            answer = self._api.answer(request)
        return (None if failure.drop == "after" else answer), failure

    def packed(self, answer: Answer, request: Request) -> tuple[bytes, dict[str, str]]:
        """Return the bytes and headers of an answer."""
        headers = {"Twilio-Request-Id": new_sid("RQ"), "X-Home-Region": "us1"}
        if answer.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        if answer.status != 204:
            headers["Content-Type"] = answer.content_type
        if self._compresses and answer.body and "gzip" in request.headers["Accept-Encoding"]:
            headers["Content-Encoding"] = "gzip"
            return gzip.compress(answer.body, mtime=0), headers
        return answer.body, headers

    def _known(self, sid: str) -> Fax:
        fax = self._faxes.get(sid)
        if fax is None:
            raise KeyError(sid)
        return fax

    def _looked(self, fax: Fax) -> None:
        if self._steps:
            self._step(fax)

    def _step(self, fax: Fax) -> None:
        order = OUTBOUND if fax.resource["direction"] == "outbound" else INBOUND
        if fax.is_final:
            return
        status = order[order.index(fax.status) + 1]
        self._change(
            fax, self.outcomes.get(fax.resource["to"], status) if status == order[-1] else status
        )

    def _change(self, fax: Fax, status: str, error: tuple[int, str] | None = None) -> None:
        self._faxes.change(fax, status, error)
        self._announce(fax)

    def _announce(self, fax: Fax) -> None:
        url = fax.status_callback
        if url and (self._every or fax.is_final or fax.status == "queued"):
            params = self._callback_fields(fax)
            self._caller.later(lambda: self._caller.call(url, params))

    def _callback_fields(self, fax: Fax) -> dict[str, str]:
        return callback_fields(fax, self._faxes.media_link(fax) if fax.media else None)

    def _ask(self, fax: Fax, fax_url: str) -> None:
        fields = callback_fields(fax, None)
        del fields["FaxStatus"]
        answer = self._caller.call(fax_url, fields)
        instructions = read_twiml(answer.body, fax_url) if answer.status == 200 else None
        with self._lock:
            if instructions is None:
                self._faxes.change(fax, "failed", (34106, "No Fax TwiML action specified"))
                return
            fax.store_media = instructions.store_media
            self._faxes.change(fax, "canceled" if instructions.rejects else "received")
            params = self._callback_fields(fax)
        if instructions.action:
            self._caller.call(instructions.action, params, instructions.method)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fake: FakeTwilio) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fake = fake

    def handle_error(self, *_request: object) -> None:
        """Log nothing about connections that clients closed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_args: object) -> None:
        """Log nothing: tests read `FakeTwilio.requests`."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        fake = self.server.fake
        answer, failure = fake.handle(request)
        if failure.delay:
            time.sleep(failure.delay)
        if answer is None:
            self.close_connection = True
            return
        content, headers = fake.packed(answer, request)
        self.send_response_only(answer.status)
        self.send_header("Date", format_datetime(fake.now(), usegmt=True))
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve  # noqa: N815
