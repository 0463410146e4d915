"""The middleware for WSGI applications such as Flask's and Django's (PEP 3333)."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from typing import Any, Callable, Dict, Iterable, Iterator
from urllib.parse import quote, unquote_to_bytes, urlsplit

from attrs import define, field

from twilio_fax_compat._core.effects import run
from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp, Step, Talk
from twilio_fax_compat._core.webhooks.events import FaxEvent
from twilio_fax_compat._core.webhooks.public_url import (
    FORWARDED_HEADERS,
    PublicUrl,
    ServerRequest,
)
from twilio_fax_compat._core.webhooks.twilio_requests import NOT_FORWARDED
from twilio_fax_compat.ledger import InboxEntry, LedgerUnavailable
from twilio_fax_compat.webhooks.legacy_callbacks import learn_later, may_be_callback
from twilio_fax_compat.webhooks.middleware import Middleware, log_late_failure
from twilio_fax_compat.webhooks.receiver import PassThrough, Receiver, event_of, unavailable
from twilio_fax_compat.webhooks.steps import counted_answer
from twilio_fax_compat.webhooks.stored_request import environ_of, stored_environ
from twilio_fax_compat.webhooks.wsgi_body import begin_to_read, rewind

Environ = Dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_NOT_OF_THE_CALL = frozenset(
    {
        "CONTENT_TYPE",
        "RAW_URI",
        "REQUEST_URI",
        # The server sends such a file itself, but the answer to a callback is read here.
        "wsgi.file_wrapper",
        *("HTTP_" + name.upper().replace("-", "_") for name in NOT_FORWARDED),
    }
)


class WSGIMiddleware(Middleware[App]):
    """
    Wrap a WSGI *app* so that it receives Telnyx's fax webhooks as Twilio's callbacks.

    *auth_token* and *account_sid* are Twilio's (``TWILIO_AUTH_TOKEN``, ``TWILIO_ACCOUNT_SID``). For
    several accounts, *auth_token* is a mapping of account SIDs to tokens, or a function that returns the
    token of an account SID, and *number_accounts* maps fax numbers (``"+14155550100"``) to account SIDs.
    *public_key* is Telnyx's, a text or a list of texts (``TELNYX_PUBLIC_KEY``).
    *ledger* is a ledger or its URL (``TWILIO_FAX_COMPAT_LEDGER``); the default is the memory of this
    process.
    *forward* is ``"final"`` for the callbacks ``queued`` and final, or ``"all"``.
    *max_body* is the size in bytes up to which a fax event is accepted.
    *media* is True or a `Media`: ``MediaUrl`` is then a link on the application's own host that
    opens for two hours.
    *inbox* True stores each event in the ledger and answers Telnyx at once. Threads of this process
    deliver the event to the application, and retry until it succeeds.
    *application* is the name of this application in the inbox. By default it follows from its account
    and auth token.
    *incoming_method*, ``"GET"`` or ``"POST"``, is the method of the request for an incoming fax's
    TwiML.
    *public_url* is the URL of the application's root, as Telnyx calls it
    (``TWILIO_FAX_COMPAT_PUBLIC_URL``). It is needed only if callbacks have the wrong signature.
    *forwarded_headers* are the headers of proxies to trust, of ``"forwarded"`` and
    ``"x-forwarded-proto"``, ``-host``, ``-port`` and ``-prefix``.

    Raises TwilioException if a setting is missing or wrong, and if the ledger cannot be opened.
    """

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        receiver = self._receiver
        if self._workers is not None:
            self._workers.ensure()
        if receiver.media is not None:
            link = receiver.link_path(environ.get("PATH_INFO", ""))
            if link is not None:
                return _serve(receiver, link, environ, start_response)
        if (
            "HTTP_TELNYX_SIGNATURE_ED25519" not in environ
            and "HTTP_TELNYX_TIMESTAMP" not in environ
            and not environ.get("HTTP_USER_AGENT", "").startswith("telnyx-webhooks")
        ) or environ["REQUEST_METHOD"] != "POST":
            if "HTTP_X_TWILIO_SIGNATURE" in environ:
                self._learn_from(environ)
            return self.app(environ, start_response)
        body = begin_to_read(environ, receiver.max_body)
        headers = {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_TELNYX_")
        }
        event = receiver.read(headers, body)
        if isinstance(event, PassThrough):
            rewind(environ, body)
            return self.app(environ, start_response)
        if isinstance(event, int):
            return _Answer(start_response, event)
        url = receiver.public_url_of(_server_request(environ), event.delivered_to)
        if self._workers is None:
            delivery = _Delivery(self.app, receiver, environ, url, event)
            try:
                status = delivery.run(receiver.begin(event, url))
            except LedgerUnavailable as error:
                status = unavailable(event, error)
            except BaseException:
                delivery.close()
                raise
            return _Answer(start_response, status, delivery)
        status = receiver.store(event, body, url.url, stored_environ(environ))
        self._workers.wake()
        return _Answer(start_response, status)

    def _learn_from(self, environ: Environ) -> None:
        """Learn from a callback of the legacy provider, and leave the request as it was."""
        length = environ.get("CONTENT_LENGTH") or ""
        if may_be_callback(environ["REQUEST_METHOD"], environ.get("CONTENT_TYPE", ""), length):
            body = environ["wsgi.input"].read(int(length))
            environ["wsgi.input"] = BytesIO(body)
            url = self._receiver.public_url_of(_server_request(environ), None)
            learn_later(self._receiver, url.url, environ["HTTP_X_TWILIO_SIGNATURE"], body)

    def _deliver_entry(self, entry: InboxEntry) -> None:
        environ = environ_of(entry)
        url = self._receiver.public_url_of(_server_request(environ), entry.url)
        delivery = _Delivery(self.app, self._receiver, environ, url, event_of(entry))
        try:
            delivery.run(self._receiver.resume(entry, url))
        finally:
            delivery.close()


@define(eq=False)
class _Delivery:
    """Delivers *event*, whose request came with *environ* to *url*, to *app*."""

    app: App
    receiver: Receiver
    environ: Environ = field(repr=False)
    url: PublicUrl
    event: FaxEvent
    _closers: list[tuple[Callable[[], object], int]] = field(factory=list, init=False)

    def run(self, talk: Talk) -> int:
        return run(talk, self._perform)

    @property
    def is_unfinished(self) -> bool:
        """Whether the application may have work to do after its answers."""
        return bool(self._closers)

    def close(self) -> None:
        """Run what the application does after its answers. A failure is logged and changes nothing."""
        for close, status in self._closers:
            try:
                close()
            except Exception as error:  # noqa: BLE001 - it is the application's own
                log_late_failure(self.event, status, error)
        self._closers.clear()

    def _perform(self, step: Step) -> Any:
        if isinstance(step, CallApp) and step.is_own:
            with counted_answer() as answers:
                answers.append(self._call(step))
            return answers[0]
        return self.receiver.carry_out(step)

    def _call(self, call: CallApp) -> AppAnswer:
        answered: list[Any] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[Any], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            if exc_info is not None and answered and written:
                raise exc_info[1].with_traceback(exc_info[2])
            answered[:] = [status, headers]
            return written.append

        chunks = self.app(_as_twilio(self.environ, call, self.url), start_response)
        close = getattr(chunks, "close", None)
        try:
            written.extend(chunks)
        except BaseException:
            if close is not None:
                # What the application raised first says more.
                with suppress(Exception):
                    close()
            raise
        status = int(answered[0][:3]) if answered else 0
        if close is not None:
            self._closers.append((close, status))
        if not answered:
            return AppAnswer(0)
        return AppAnswer.of(status, answered[1], b"".join(written))


class _Answer:
    """An answer without a body. The server calls `close`, which ends *delivery*, after the answer."""

    def __init__(
        self, start_response: StartResponse, status: int, delivery: _Delivery | None = None
    ) -> None:
        write = start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0")])
        self._delivery = delivery
        if delivery is not None and delivery.is_unfinished and callable(write):
            # Some servers send the headers of an empty answer only after they have called close().
            write(b"")

    def __iter__(self) -> Iterator[bytes]:
        return iter((b"",))

    def close(self) -> None:
        if self._delivery is not None:
            self._delivery.close()


def _as_twilio(environ: Environ, call: CallApp, url: PublicUrl) -> Environ:
    changed = {
        name: value
        for name, value in environ.items()
        if not name.startswith("HTTP_TELNYX_") and name not in _NOT_OF_THE_CALL
    }
    changed.update(
        {
            "REQUEST_METHOD": call.method,
            "PATH_INFO": _decoded(url.path_of(call.url)),
            "QUERY_STRING": urlsplit(call.url).query,
            "CONTENT_LENGTH": str(len(call.body)),
            "wsgi.input": BytesIO(call.body),
        }
    )
    for name, value in call.headers.items():
        key = name.upper().replace("-", "_")
        changed[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
    return changed


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode("latin-1")


def _server_request(environ: Environ) -> ServerRequest:
    scheme = environ.get("wsgi.url_scheme", "http")
    host = environ.get("HTTP_HOST")
    if not host:
        host, port = environ["SERVER_NAME"], environ["SERVER_PORT"]
        if port != {"http": "80", "https": "443"}.get(scheme):
            host += ":" + port
    keys = ((name, "HTTP_" + name.upper().replace("-", "_")) for name in FORWARDED_HEADERS)
    return ServerRequest(
        scheme=scheme,
        host=host,
        root=_quoted(environ.get("SCRIPT_NAME", "").rstrip("/")),
        path=_quoted(environ.get("PATH_INFO", "")),
        query=environ.get("QUERY_STRING", ""),
        headers={name: environ[key] for name, key in keys if key in environ},
    )


def _quoted(path: str) -> str:
    return quote(path, safe="/:@!$&'()*+,;=~", encoding="latin-1")


def _serve(
    receiver: Receiver, path: str, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    assert receiver.media is not None
    answer = receiver.media.answer(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""))
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
    return answer.pieces
