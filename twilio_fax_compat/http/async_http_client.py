"""Twilio's asynchronous HTTP client, over httpx instead of aiohttp."""

from __future__ import annotations

import logging
from typing import Any, Mapping

import httpx

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http import AsyncHttpClient
from twilio_fax_compat.http.response import Response

__all__ = ["AsyncTwilioHttpClient"]

_logger = logging.getLogger("twilio.async_http_client")


class AsyncTwilioHttpClient(AsyncHttpClient):
    """
    An asynchronous HTTP client with the arguments of Twilio's.

    A ``Client`` needs none for its ``_async`` calls. Close it with ``await client.close()`` or
    ``async with``.
    """

    def __init__(
        self,
        pool_connections: bool = True,
        trace_configs: Any = None,
        timeout: float | None = None,
        logger: logging.Logger = _logger,
        proxy_url: str | None = None,
        max_retries: int | None = None,
    ) -> None:
        """
        Take the arguments of Twilio's class. *timeout* is in seconds, *proxy_url* is the proxy's URL.

        Raises TwilioException for *trace_configs*, which only aiohttp has, and for *max_retries*: a fax
        call tries again by itself, without sending a fax twice.
        """
        if trace_configs:
            raise TwilioException("trace_configs: this HTTP client does not use aiohttp")
        if max_retries is not None:
            raise TwilioException(
                "max_retries: set the retries of fax calls with telnyx=TelnyxSettings(retry=...)"
            )
        self.timeout = timeout
        self.logger = logger
        self.session: httpx.AsyncClient | None = httpx.AsyncClient(
            timeout=60.0 if timeout is None else timeout,
            proxy=proxy_url,
            limits=httpx.Limits(max_keepalive_connections=None if pool_connections else 0),
        )

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """
        Make an HTTP request and return its `Response`.

        *data* is a string, bytes, or a mapping of form fields. Raises httpx's exceptions if no response
        comes, and ValueError if the timeout is not above zero.
        """
        if timeout is not None and timeout <= 0:
            raise ValueError(timeout)
        if self.session is None:
            raise TwilioException("this HTTP client is closed")
        body = {"data": data} if isinstance(data, Mapping) else {"content": data}
        answer = await self.session.request(
            method,
            url,
            params=params,
            headers=headers,
            auth=auth,
            timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
            follow_redirects=allow_redirects,
            **body,
        )
        return Response(answer.status_code, answer.text, answer.headers)

    async def close(self) -> None:
        """Close the connections."""
        session, self.session = self.session, None
        if session is not None:
            await session.aclose()

    async def __aenter__(self) -> AsyncTwilioHttpClient:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()
