"""Twilio's default HTTP client, over our own connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http import HttpClient
from twilio_fax_compat.http.response import Response

if TYPE_CHECKING:
    import httpx


class TwilioHttpClient(HttpClient):
    """
    The HTTP client of a ``Client`` that was given none.

    Fax calls use the same connections without calling `request`, unless `request` was replaced.
    """

    def __init__(self, timeout: float | None = None, proxy: str | None = None) -> None:
        """
        Take the *timeout* of a request in seconds and the URL of a *proxy*.

        Without them, the settings' timeout and the environment's proxy are used. Raises ValueError
        if the timeout is not above zero.
        """
        if timeout is not None and timeout <= 0:
            raise ValueError(timeout)
        if proxy is not None and not isinstance(proxy, str):
            raise TwilioException("proxy must be an URL")
        self.timeout = timeout
        self.proxy = proxy

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
        from twilio_fax_compat.http import _connections

        if timeout is not None and timeout <= 0:
            raise ValueError(timeout)
        if allow_redirects:
            raise TwilioException("allow_redirects: this client does not follow redirects")
        request = _built(method, url, params, data, headers, auth)
        seconds = timeout or self.timeout or 60.0
        request.extensions = {"timeout": _connections.timeouts(min(seconds, 5.0), seconds)}
        origin = _connections.origin_of(url)
        response, body = _connections.send(
            request, origin, self.proxy or _connections.proxy_for(origin)
        )
        return Response(
            response.status_code,
            body.decode(response.encoding or "utf-8", "replace"),
            dict(response.headers),
        )


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
