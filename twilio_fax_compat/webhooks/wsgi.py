"""The middleware for WSGI applications such as Flask's and Django's (PEP 3333)."""

from __future__ import annotations

import sys
from http import HTTPStatus
from io import BytesIO
from typing import Any, Callable, Dict, Iterable
from urllib.parse import unquote_to_bytes, urlsplit

from twilio_fax_compat._core.effects import run
from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp, Step, Talk
from twilio_fax_compat.ledger import InboxEntry
from twilio_fax_compat.webhooks.inbox import circumstances
from twilio_fax_compat.webhooks.media import MediaServer
from twilio_fax_compat.webhooks.middleware import Middleware, path_inside
from twilio_fax_compat.webhooks.receiver import PassThrough

Environ = Dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class WSGIMiddleware(Middleware[App]):
    """
    Wrap a WSGI *app* so that it receives Telnyx's fax webhooks as Twilio's callbacks.

    *auth_token* and *account_sid* are Twilio's (``TWILIO_AUTH_TOKEN``, ``TWILIO_ACCOUNT_SID``).
    *public_key* is Telnyx's, a text or a list of texts (``TELNYX_PUBLIC_KEY``).
    *ledger* is a ledger or its URL (``TWILIO_FAX_COMPAT_LEDGER``); the default is the memory of this
    process.
    *forward* is ``"final"`` for the callbacks ``queued`` and final, or ``"all"``.
    *max_body* is the size in bytes up to which a fax event is accepted.
    *media* is True or a `Media`: ``MediaUrl`` is then a link on the application's own host that
    opens for two hours.
    *inbox* True stores each event in the ledger and answers Telnyx at once. Threads of this process
    deliver the event to the application, and retry until it succeeds.
    *incoming_method*, ``"GET"`` or ``"POST"``, is the method of the request for an incoming fax's
    TwiML.

    Raises TwilioException if a setting is missing or wrong.
    """

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request."""
        receiver = self._receiver
        if self._workers is not None:
            self._workers.ensure()
        media = receiver.media
        if media is not None and environ.get("PATH_INFO", "").startswith(media.prefix):
            return _serve(media, environ, start_response)
        if (
            "HTTP_TELNYX_SIGNATURE_ED25519" not in environ
            and "HTTP_TELNYX_TIMESTAMP" not in environ
            and not environ.get("HTTP_USER_AGENT", "").startswith("telnyx-webhooks")
        ) or environ["REQUEST_METHOD"] != "POST":
            return self.app(environ, start_response)
        body = _body(environ, receiver.max_body)
        headers = {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_TELNYX_")
        }
        event = receiver.read(headers, body)
        if isinstance(event, PassThrough):
            return self.app({**environ, "wsgi.input": BytesIO(body)}, start_response)
        if isinstance(event, int):
            return _answer(start_response, event)
        url = event.delivered_to or _url_of(environ)
        if self._workers is None:
            return _answer(start_response, self._run(receiver.begin(event, url), environ, url))
        status = receiver.store(event, body, url, circumstances(environ))
        self._workers.wake()
        return _answer(start_response, status)

    def _deliver_entry(self, entry: InboxEntry) -> None:
        self._run(self._receiver.resume(entry), _revived(entry), entry.url)

    def _run(self, talk: Talk, environ: Environ, url: str) -> int:
        def perform(step: Step) -> Any:
            if isinstance(step, CallApp) and step.is_own:
                return self._call(environ, step, url)
            return self._receiver.carry_out(step)

        return run(talk, perform)

    def _call(self, environ: Environ, call: CallApp, url: str) -> AppAnswer:
        answered: list[Any] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[Any], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            if exc_info is not None and answered and written:
                raise exc_info[1].with_traceback(exc_info[2])
            answered[:] = [status, headers]
            return written.append

        chunks = self.app(_as_twilio(environ, call, url), start_response)
        try:
            written.extend(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        if not answered:
            return AppAnswer(0)
        return AppAnswer.of(int(answered[0][:3]), answered[1], b"".join(written))


def _as_twilio(environ: Environ, call: CallApp, url: str) -> Environ:
    parts = urlsplit(call.url)
    changed = {
        name: value
        for name, value in environ.items()
        if not name.startswith("HTTP_TELNYX_") and name not in ("CONTENT_TYPE", "HTTP_CONTENT_TYPE")
    }
    root = environ.get("SCRIPT_NAME", "")
    own = root + environ.get("PATH_INFO", "")
    path = path_inside(_path_text(parts.path), _path_text(urlsplit(url).path), own)
    if root and path.startswith(root):
        path = path[len(root) :]
    changed.update(
        {
            "REQUEST_METHOD": call.method,
            "PATH_INFO": path,
            "QUERY_STRING": parts.query,
            "CONTENT_LENGTH": str(len(call.body)),
            "wsgi.input": BytesIO(call.body),
        }
    )
    for name, value in call.headers.items():
        key = name.upper().replace("-", "_")
        changed[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
    for name in ("RAW_URI", "REQUEST_URI", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH"):
        changed.pop(name, None)
    return changed


def _path_text(quoted: str) -> str:
    return unquote_to_bytes(quoted).decode("latin-1") or "/"


def _revived(entry: InboxEntry) -> Environ:
    return {
        "SCRIPT_NAME": "",
        "PATH_INFO": _path_text(urlsplit(entry.url).path),
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": urlsplit(entry.url).scheme or "http",
        **entry.headers,
        "REQUEST_METHOD": "POST",
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _url_of(environ: Environ) -> str:
    from wsgiref.util import request_uri

    return request_uri(environ)


def _body(environ: Environ, limit: int) -> bytes:
    text = environ.get("CONTENT_LENGTH") or ""
    stream = environ["wsgi.input"]
    if text.isdigit():
        return bytes(stream.read(min(int(text), limit + 1)))
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read(limit + 1))
    return b""


def _serve(
    media: MediaServer, environ: Environ, start_response: Callable[..., Any]
) -> Iterable[bytes]:
    answer = media.answer(
        environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    )
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
    return answer.pieces


def _answer(start_response: Callable[..., Any], status: int) -> Iterable[bytes]:
    start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0")])
    return [b""]
