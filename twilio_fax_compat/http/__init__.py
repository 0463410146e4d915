"""The base class of Twilio's HTTP clients."""

from __future__ import annotations

from typing import Any

from twilio_fax_compat.base.exceptions import TwilioException


class HttpClient:
    """The interface of an HTTP client."""

    def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> Any:
        """Make an HTTP request and return an object with ``status_code`` and ``text``."""
        raise TwilioException("HttpClient is an abstract class")


class AsyncHttpClient:
    """The interface of an asynchronous HTTP client."""

    async def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> Any:
        """Make an HTTP request and return an object with ``status_code`` and ``text``."""
        raise TwilioException("AsyncHttpClient is an abstract class")
