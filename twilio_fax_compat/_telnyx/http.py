"""
Sends the core's requests to Telnyx, over our own connections or the caller's HTTP client.

The most important fact about a failure is whether the request may have left this machine.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
from typing import Any, Mapping
from urllib.parse import urlsplit

import httpx
from attrs import evolve

from twilio_fax_compat._core.messages import (
    Failure,
    Outcome,
    Send,
    TelnyxRequest,
    TelnyxResponse,
    query_text,
)
from twilio_fax_compat._telnyx.failures import outcome_of
from twilio_fax_compat._telnyx.logs import masked_logs
from twilio_fax_compat._telnyx.own_request import OwnRequest
from twilio_fax_compat._telnyx.own_retries import check_retries
from twilio_fax_compat._telnyx.signals import is_of_signal_handler
from twilio_fax_compat._version import __version__
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http import _connections
from twilio_fax_compat.http._limits import WHOLE, Deadline, read_body
from twilio_fax_compat.http._proxies import proxy_from_argument
from twilio_fax_compat.http.http_client import (
    TwilioHttpClient,
    is_untouched,
    note_request,
    note_response,
)
from twilio_fax_compat.http.request import Request, without_credentials
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.settings import TelnyxSettings

logger = logging.getLogger("twilio_fax_compat")


def sender(settings: TelnyxSettings, http_client: Any = None) -> Send:
    """
    Return the function that sends a `TelnyxRequest` and returns its `Outcome`.

    *http_client* is None for our own connections, an ``httpx.Client``, or an object with the
    ``request`` method of Twilio's HTTP clients. *settings* must be complete.

    Raises TwilioException for an asynchronous client, and for a proxy or CA certificates that cannot
    be used.
    """
    if http_client is None:
        return OverOwnConnections(settings)
    if is_untouched(http_client):
        return OverOwnConnections(with_timeout(settings, http_client.timeout), http_client)
    _check_client(http_client)
    if isinstance(http_client, httpx.Client):
        return _OverHttpx(settings, http_client)
    return OverTwilioStyle(settings, http_client)


def is_asynchronous(http_client: Any) -> bool:
    """Return whether the ``request`` of *http_client* is a coroutine function."""
    return inspect.iscoroutinefunction(getattr(http_client, "request", None))


def _check_client(http_client: Any) -> None:
    name = type(http_client).__name__
    request = getattr(http_client, "request", None)
    if not callable(request):
        raise TwilioException(
            f"http_client ({name}) must be an httpx.Client or an object with a method request"
        )
    if is_asynchronous(http_client):
        raise _asynchronous(name)


def _asynchronous(name: str, not_done: str = "Nothing was sent.") -> TwilioException:
    return TwilioException(
        f"http_client ({name}) is asynchronous, but this fax call is not. {not_done} Pass a "
        "client of its own to faxes: Client(http_client=httpx.Client())"
    )


class BaseSender:
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
        # An exception that the program is handling is not about this request.
        outcome = self.send(request, sys.exc_info()[1])
        self.log(request, outcome)
        return outcome

    def log(self, request: TelnyxRequest, outcome: Outcome) -> None:
        """Write the log line of *request*."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s /v2%s -> %s", request.method, request.path, _outcome_text(outcome))

    def send(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        raise NotImplementedError

    def outcome(
        self,
        error: Exception,
        handled: BaseException | None,
        own_request: OwnRequest | None = None,
    ) -> Outcome:
        """
        Return what *error* means for a request, with the host if it could not be reached.

        An exception that a signal handler of the program raised is raised again.
        """
        if is_of_signal_handler(error):
            raise error
        outcome = outcome_of(error, handled, own_request, self.settings.api_key or "")
        if isinstance(outcome, TelnyxResponse) or outcome.sent:
            return outcome
        return evolve(outcome, summary=f"{outcome.summary} ({self.route()})")

    def route(self) -> str:
        """Return where requests go, and which settings say so, for an error message."""
        return f"the host of TELNYX_BASE_URL is {urlsplit(self.base_url).netloc}"

    def deadline(
        self, client: httpx.Client | httpx.AsyncClient, request: TelnyxRequest
    ) -> Deadline:
        """Return the deadline of a response that *client* reads, from now on."""
        # The timeout of one part is the client's, or a longer one of the settings.
        seconds = max(client.timeout.read or 0.0, self.settings.timeout) * WHOLE
        return Deadline(seconds if request.timeout is None else min(seconds, request.timeout))

    def url(self, request: TelnyxRequest) -> str:
        return self.base_url + request.path + query_text(request.query)

    def parts(self, request: TelnyxRequest) -> tuple[dict[str, str], str | None]:
        if request.body is None:
            return self.headers, None
        return self.body_headers, json.dumps(request.body)


class OverOwnConnections(BaseSender):
    def __init__(self, settings: TelnyxSettings, client: TwilioHttpClient | None = None) -> None:
        super().__init__(settings)
        self.client = client
        self.origin = _connections.origin_of(self.base_url)
        self.proxy = _connections.proxy_for(self.origin)
        if client is not None:
            self.proxy = proxy_from_argument(client.proxy, self.origin) or self.proxy
        _connections.tls_context(self.origin.startswith("https:"))
        self.proxy_url = self.proxy.url if self.proxy else None
        self.is_kept = client is None or client.pool_connections
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

    def built(self, request: TelnyxRequest) -> tuple[httpx.Request, float]:
        """Return *request* for httpx, and the seconds in which its response must be complete."""
        if request.path == "/faxes" and not request.query:
            url = self.faxes_url
        else:
            url = httpx.URL(self.url(request))
        seconds, extensions = self.settings.timeout * WHOLE, self.extensions
        if request.timeout is not None:
            connect = min(self.settings.connect_timeout, request.timeout)
            other = min(self.settings.timeout, request.timeout)
            seconds = min(seconds, request.timeout)
            extensions = {"timeout": _connections.timeouts(connect, other)}
        if request.body is None:
            built = httpx.Request(
                request.method, url, headers=self.httpx_headers, extensions=extensions
            )
        else:
            built = httpx.Request(
                request.method,
                url,
                headers=self.httpx_body_headers,
                content=json.dumps(request.body).encode(),
                extensions=extensions,
            )
        return built, seconds

    def send(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        built, seconds = self.built(request)
        if self.client is not None:
            self.note_request(self.client, request)
        try:
            response, body = _connections.send(
                built, self.origin, self.proxy_url, seconds, self.is_kept
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled)
        self.note_answer(request, response, body)
        return TelnyxResponse(response.status_code, response.headers, body)

    def note_answer(self, request: TelnyxRequest, response: httpx.Response, body: bytes) -> None:
        if self.client is not None:
            text = body.decode("utf-8", "replace")
            answer = Response(response.status_code, text, dict(response.headers))
            note_response(self.client, request.method, answer)

    def note_request(self, client: TwilioHttpClient, request: TelnyxRequest) -> None:
        headers, content = self.parts(request)
        noted = Request(
            request.method,
            self.base_url + request.path,
            params=dict(request.query) or None,
            data=content,
            headers=without_credentials(headers),
            auth=None,
        )
        note_request(client, noted)

    def route(self) -> str:
        if self.proxy is None:
            return super().route()
        return f"{super().route()}, through the proxy of {self.proxy.where}"


def with_timeout(settings: TelnyxSettings, seconds: float | None) -> TelnyxSettings:
    return settings if seconds is None else evolve(settings, timeout=seconds)


class _OverHttpx(BaseSender):
    def __init__(self, settings: TelnyxSettings, client: httpx.Client) -> None:
        super().__init__(settings)
        self.client = client

    def send(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        headers, content = self.parts(request)
        own_request = OwnRequest(request.method, self.url(request))
        try:
            with masked_logs(self.client), self.client.stream(
                request.method,
                own_request.url,
                headers=headers,
                content=content,
                auth=None,
                follow_redirects=False,
                timeout=httpx_timeout(self.client.timeout, request),
                extensions={"trace": own_request.trace},
            ) as response:
                body = read_body(response, self.deadline(self.client, request))
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled, own_request)
        return TelnyxResponse(response.status_code, response.headers, body)


def httpx_timeout(own: httpx.Timeout, request: TelnyxRequest) -> httpx.Timeout:
    """Return a client's timeouts, *own*, or the time that *request* has if that is less."""
    limit = request.timeout
    if limit is None:
        return own
    steps = own.as_dict().items()
    return httpx.Timeout(
        **{name: limit if value is None else min(value, limit) for name, value in steps}
    )


class OverTwilioStyle(BaseSender):
    # Twilio 9 encodes the body as JSON again if the content type is exactly application/json.
    content_type = "application/json; charset=utf-8"

    def __init__(self, settings: TelnyxSettings, client: Any) -> None:
        super().__init__(settings)
        self.client = client
        self.uses_requests = _uses_requests(client)

    def send(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        headers, content = self.parts(request)
        own_request = OwnRequest(request.method, self.url(request))
        if request.method == "POST":
            check_retries(self.client, own_request.url)
        try:
            with masked_logs(self.client):
                response = self.client.request(
                    request.method,
                    own_request.url,
                    params=None,
                    data=content,
                    headers=dict(headers),
                    auth=_keep_bearer if self.uses_requests else None,
                    timeout=self.timeout(request),
                    allow_redirects=False,
                )
            if not _is_for_later(response):
                return self.read(response)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have arrived
            return self.outcome(error, handled, own_request)
        name = type(self.client).__name__
        if inspect.iscoroutine(response):
            # Its code has not begun.
            response.close()
            is_post = request.method == "POST"
            raise _asynchronous(name, *(() if is_post else ("This request was not made.",)))
        _cancel(response)
        return Failure(True, f"http_client ({name}) is asynchronous, but this fax call is not")

    def read(self, response: Any) -> TelnyxResponse:
        """Return a response of the client."""
        return TelnyxResponse(
            int(response.status_code),
            _lower_names(getattr(response, "headers", None)),
            _body_of(response),
        )

    def timeout(self, request: TelnyxRequest) -> float | None:
        """Return the timeout to pass to the client, None for its own."""
        own = getattr(self.client, "timeout", None)
        limit = self.settings.timeout if request.timeout is None else request.timeout
        if not own:
            return min(self.settings.timeout, limit)
        is_longer = isinstance(own, (int, float)) and own > limit
        return limit if is_longer and request.timeout is not None else None


def _keep_bearer(request: Any) -> Any:
    """Return a request of requests as it is: netrc and ``session.auth`` would replace its key."""
    return request


def _is_for_later(response: Any) -> bool:
    """Return whether *response* is a coroutine, a task or a future."""
    return inspect.isawaitable(response) or (
        callable(getattr(response, "cancel", None)) and not hasattr(response, "status_code")
    )


def _cancel(task: Any) -> None:
    """Cancel a task or a future. Its request may have left by now."""
    cancel = getattr(task, "cancel", None)
    if callable(cancel):
        try:
            cancel()
        except Exception:  # noqa: BLE001 - it may have been sent either way
            logger.debug("the request of an asynchronous http_client could not be cancelled")


_OF_REQUESTS = {
    ("requests.sessions", "Session"),
    ("twilio.http.http_client", "TwilioHttpClient"),
}


def _uses_requests(client: Any) -> bool:
    classes = (*type(client).__mro__, *type(getattr(client, "session", None)).__mro__)
    return any((cls.__module__, cls.__name__) in _OF_REQUESTS for cls in classes)


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
