"""Sends requests to Telnyx over the caller's HTTP client."""

from __future__ import annotations

import inspect
from typing import Any, Mapping

import httpx

from twilio_fax_compat._core.messages import Failure, Outcome, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._telnyx.logs import masked_logs
from twilio_fax_compat._telnyx.own_request import OwnRequest
from twilio_fax_compat._telnyx.own_retries import check_retries
from twilio_fax_compat._telnyx.senders import BaseSender, logger
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http._bodies import read_body
from twilio_fax_compat.settings import TelnyxSettings


def over_client(settings: TelnyxSettings, http_client: Any) -> BaseSender:
    """
    Return what sends requests over *http_client*, an ``httpx.Client`` or one like Twilio's.

    Raises TwilioException for one that is neither, or is asynchronous.
    """
    _check_client(http_client)
    if isinstance(http_client, httpx.Client):
        return _OverHttpx(settings, http_client)
    return OverTwilioStyle(settings, http_client)


def _check_client(http_client: Any) -> None:
    name = type(http_client).__name__
    request = getattr(http_client, "request", None)
    if not callable(request):
        raise TwilioException(
            f"http_client ({name}) must be an httpx.Client or an object with a method request"
        )
    if inspect.iscoroutinefunction(request):
        raise _asynchronous(name)


def _asynchronous(name: str, not_done: str = "Nothing was sent.") -> TwilioException:
    return TwilioException(
        f"http_client ({name}) is asynchronous, but this fax call is not. {not_done} Pass a "
        "client of its own to faxes: Client(http_client=httpx.Client())"
    )


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
