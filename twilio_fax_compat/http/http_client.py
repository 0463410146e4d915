"""Twilio's default HTTP client, over our own connections."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Callable, Mapping

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http import HttpClient
from twilio_fax_compat.http.request import Request, without_credentials
from twilio_fax_compat.http.response import Response

if TYPE_CHECKING:
    import httpx

__all__ = ["TwilioHttpClient"]

_logger = logging.getLogger("twilio.http_client")

_OTHER_CLIENT = (
    "pass Client(http_client=httpx.Client(...)), or http_client=TwilioHttpClient() of "
    "twilio.http.http_client, which has a session"
)


class _Session:
    """The attribute ``session``, which a subclass may set for a `request` of its own."""

    def __get__(self, client: TwilioHttpClient | None, _owner: type) -> Any:
        if client is not None and "session" in vars(client):
            return vars(client)["session"]
        raise AttributeError(
            f"session: this HTTP client does not use requests. To set up its requests, {_OTHER_CLIENT}"
        )

    def __set__(self, client: TwilioHttpClient, session: object) -> None:
        if is_untouched(client):
            raise AttributeError(
                f"session: this HTTP client would not use it. To use a session, {_OTHER_CLIENT}"
            )
        vars(client)["session"] = session


class Unread:
    """
    A value that *make* makes of *arguments* when a program reads it.

    Its repr shows neither: they contain numbers.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any) -> None:
        self._make = make
        self._arguments = arguments

    def read(self) -> Any:
        """Return the value."""
        return self._make(*self._arguments)


class _Last:
    """`last_request` or `last_response`, which may be `Unread`."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, client: TwilioHttpClient | None, _owner: type) -> Any:
        if client is None:
            raise AttributeError(self._name)
        kept = vars(client)[self._name]
        if isinstance(kept, Unread):
            kept = vars(client)[self._name] = kept.read()
        return kept

    def __set__(self, client: TwilioHttpClient, value: object) -> None:
        vars(client)[self._name] = value


class TwilioHttpClient(HttpClient):
    """
    The HTTP client of a ``Client`` that was given none.

    Fax calls use the same connections without calling `request`, unless `request` was replaced.
    `last_request` and `last_response` are those of the last call, as at Twilio. For a fax call they
    are Telnyx's. Credentials are left out of them.
    """

    session = _Session()
    last_request = _Last()
    last_response = _Last()

    def __init__(
        self,
        pool_connections: bool = True,
        request_hooks: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        logger: logging.Logger = _logger,
        proxy: str | Mapping[str, str] | None = None,
        max_retries: int | None = None,
    ) -> None:
        """
        Take the arguments of Twilio's class.

        *pool_connections* false closes each connection after its request. *timeout* is in seconds,
        by default that of the settings. *logger* gets a line with the method, the path and the
        status of each request, at INFO. *proxy* is a URL, or a mapping from a scheme to a URL, by
        default that of the environment. *max_retries* is how often a fax call is tried again whose
        connection failed, if that is more than the settings say.

        Raises ValueError if the timeout is not above zero, and TwilioException for a proxy that
        cannot be used, for hooks, which only requests can call, and for retries that are not an int.
        """
        if timeout is not None and timeout <= 0:
            raise ValueError(timeout)
        if request_hooks and any(request_hooks.values()):
            raise TwilioException(
                f"request_hooks: this HTTP client does not use requests. To use hooks, {_OTHER_CLIENT}"
            )
        if max_retries is not None and not _is_count(max_retries):
            raise TwilioException("max_retries must be a number of retries, such as 3")
        if proxy is not None:
            from twilio_fax_compat.http._proxies import checked_proxy

            for url in proxy.values() if isinstance(proxy, Mapping) else (proxy,):
                checked_proxy(url, "the argument proxy")
        self.pool_connections = pool_connections
        self.request_hooks: Mapping[str, Any] = request_hooks or {"response": []}
        self.timeout = timeout
        self.logger = logger
        self.proxy = proxy
        self.max_retries = max_retries
        self.last_request = None
        self.last_response = None

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: object | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """
        Make an HTTP request and return its `Response`.

        *data* is a string, bytes, or a mapping of form fields. *auth* is a user and a password.
        *timeout* is in seconds. Raises httpx's exceptions if no response comes, ValueError if the
        timeout is not above zero, and TwilioException for *allow_redirects*: this client does not
        follow redirects.
        """
        from twilio_fax_compat.http import _connections, _limits, _transports
        from twilio_fax_compat.http._proxies import proxy_from_argument

        if timeout is not None and timeout <= 0:
            raise ValueError(timeout)
        if allow_redirects:
            raise TwilioException("allow_redirects: this client does not follow redirects")
        request = _built(method, url, params, data, headers, auth)
        seconds = timeout or self.timeout or 60.0
        request.extensions = {"timeout": _transports.timeouts(min(seconds, 5.0), seconds)}
        origin = _connections.origin_of(url)
        proxy = proxy_from_argument(self.proxy, origin) or _connections.proxy_for(origin)
        safe_headers = without_credentials(headers)
        sent = Request(method, url, params=params, data=data, headers=safe_headers)
        note_request(self, sent.method, url, sent)
        response, body = _transports.send(
            request,
            origin,
            proxy.url if proxy else None,
            seconds * _limits.WHOLE,
            self.pool_connections,
        )
        answer = Response(
            response.status_code,
            body.decode(response.encoding or "utf-8", "replace"),
            dict(response.headers),
        )
        note_response(self, method, answer.status_code, answer)
        return answer


def note_request(
    client: TwilioHttpClient, method: str, url: str, request: Request | Unread
) -> None:
    """Log and keep *request*, which is about to be sent. The log line has no query."""
    client.logger.info("%s Request: %s", method, str(url).partition("?")[0])
    client.last_response = None
    client.last_request = request


def note_response(
    client: TwilioHttpClient, method: str, status: int, response: Response | Unread
) -> None:
    """Log and keep the *response* to the last request. The log line has no body."""
    client.logger.info("%s Response: %s", method.upper(), status)
    client.last_response = response


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _built(
    method: str,
    url: str,
    params: Mapping[str, object] | None,
    data: object | None,
    headers: Mapping[str, str] | None,
    auth: tuple[str, str] | None,
) -> httpx.Request:
    import httpx

    arguments: Any = {"data": data} if isinstance(data, Mapping) else {"content": data}
    if params:
        arguments["params"] = {name: value for name, value in params.items() if value is not None}
    request = httpx.Request(method, url, headers=dict(headers or {}), **arguments)
    if auth is not None:
        request = next(httpx.BasicAuth(*auth).auth_flow(request))
    return request


_REQUEST = TwilioHttpClient.request


def is_untouched(http_client: object) -> bool:
    """Return whether *http_client* is our class, with its own `request`."""
    return (
        type(http_client) is TwilioHttpClient
        and getattr(http_client.request, "__func__", None) is _REQUEST
    )
