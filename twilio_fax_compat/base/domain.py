"""The base class of a product of Twilio's API."""

from __future__ import annotations

from typing import Any


class Domain:
    """A product of Twilio's API, which has its own host."""

    base_url: str

    def __init__(self, twilio: Any) -> None:
        """Take the client, or any object with its ``request`` method."""
        self.twilio = twilio
        self.base_url = None  # type: ignore[assignment]  # each product sets its own

    def absolute_url(self, uri: str) -> str:
        """Return the absolute URL of a relative one."""
        return "{}/{}".format(self.base_url.strip("/"), uri.strip("/"))

    def request(
        self,
        method: str,
        uri: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> Any:
        """Make a request to this domain and return the response."""
        return self.twilio.request(
            method,
            self.absolute_url(uri),
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )

    async def request_async(
        self,
        method: str,
        uri: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> Any:
        """Make a request to this domain and return the response."""
        return await self.twilio.request_async(
            method,
            self.absolute_url(uri),
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )
