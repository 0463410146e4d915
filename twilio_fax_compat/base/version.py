"""The base class of a version of a product's API."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, AsyncIterator, Iterator

from twilio_fax_compat.base import values
from twilio_fax_compat.base._responses import cause_of, payload_of
from twilio_fax_compat.base.domain import Domain
from twilio_fax_compat.base.exceptions import TwilioRestException


class Version:
    """A version of a product's API: it makes requests and reads their responses."""

    version: str

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.version = None  # type: ignore[assignment]  # each version sets its own

    def absolute_url(self, uri: str) -> str:
        """Return the absolute URL of one relative to this version."""
        return self.domain.absolute_url(self.relative_uri(uri))

    def relative_uri(self, uri: str) -> str:
        """Return *uri* below this version."""
        return "{}/{}".format(self.version.strip("/"), uri.strip("/"))

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
        """Make a request to a *uri* relative to this version and return the response."""
        return self.domain.request(
            method,
            self.relative_uri(uri),
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )

    @classmethod
    def exception(cls, method: str, uri: str, response: Any, message: str) -> TwilioRestException:
        """Return the exception for a failed *response*."""
        status = response.status_code
        code, details = status, None
        with suppress(Exception):  # the status counts, whatever the body is
            payload = payload_of(response)
            if "message" in payload:
                message = "{}: {}".format(message, payload["message"])
            code, details = payload.get("code", status), payload.get("details")
        error = TwilioRestException(status, uri, message, code, method)
        error.details = (
            details  # an older twilio's class does not take them, and a repr must not show them
        )
        return error

    def fetch(
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
        """Return the payload of a resource. A redirect counts as success, as in Twilio's code."""
        response = self._send(method, uri, params, data, headers, auth, timeout, allow_redirects)
        self._check(method, uri, response, 400, "Unable to fetch record")
        return payload_of(response)

    def update(
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
        """Return the payload of a changed resource."""
        response = self._send(method, uri, params, data, headers, auth, timeout, allow_redirects)
        self._check(method, uri, response, 300, "Unable to update record")
        return payload_of(response)

    def delete(
        self,
        method: str,
        uri: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> bool:
        """Delete a resource. Returns True on 204, and False on any other success."""
        response = self._send(method, uri, params, data, headers, auth, timeout, allow_redirects)
        self._check(method, uri, response, 300, "Unable to delete record")
        return bool(response.status_code == 204)

    def read_limits(self, limit: int | None = None, page_size: int | None = None) -> dict[str, Any]:
        """Return the ``limit`` and ``page_size`` to read with. 0 and None mean no limit."""
        if page_size is None:
            page_size = limit
        return {"limit": limit or values.unset, "page_size": page_size or values.unset}

    def page(
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
        """Return the response that contains a page."""
        return self._send(method, uri, params, data, headers, auth, timeout, allow_redirects)

    def stream(self, page: Any, limit: Any = None, page_limit: Any = None) -> Iterator[Any]:
        """Yield the records of *page* and of the next pages, up to *limit* or *page_limit*."""
        most, most_pages = _bound(limit), _bound(page_limit)
        next_record = next_page = 1
        while page is not None:
            for record in _left_of(page):
                yield record
                next_record += 1
                if most is not None and most < next_record:
                    return
            next_page += 1
            if most_pages is not None and most_pages < next_page:
                return
            page = page.next_page()

    def create(
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
        """Return the payload of a new resource."""
        response = self._send(method, uri, params, data, headers, auth, timeout, allow_redirects)
        self._check(method, uri, response, 300, "Unable to create record")
        return payload_of(response)

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
        """Make a request to a *uri* relative to this version and return the response."""
        return await self.domain.request_async(
            method,
            self.relative_uri(uri),
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )

    async def fetch_async(
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
        """Return the payload of a resource. A redirect counts as success, as in Twilio's code."""
        response = await self._send_async(
            method, uri, params, data, headers, auth, timeout, allow_redirects
        )
        self._check(method, uri, response, 400, "Unable to fetch record")
        return payload_of(response)

    async def update_async(
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
        """Return the payload of a changed resource."""
        response = await self._send_async(
            method, uri, params, data, headers, auth, timeout, allow_redirects
        )
        self._check(method, uri, response, 300, "Unable to update record")
        return payload_of(response)

    async def delete_async(
        self,
        method: str,
        uri: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> bool:
        """Delete a resource. Returns True on 204, and False on any other success."""
        response = await self._send_async(
            method, uri, params, data, headers, auth, timeout, allow_redirects
        )
        self._check(method, uri, response, 300, "Unable to delete record")
        return bool(response.status_code == 204)

    async def page_async(
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
        """Return the response that contains a page."""
        return await self._send_async(
            method, uri, params, data, headers, auth, timeout, allow_redirects
        )

    async def create_async(
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
        """Return the payload of a new resource."""
        response = await self._send_async(
            method, uri, params, data, headers, auth, timeout, allow_redirects
        )
        self._check(method, uri, response, 300, "Unable to create record")
        return payload_of(response)

    async def stream_async(
        self, page: Any, limit: Any = None, page_limit: Any = None
    ) -> AsyncIterator[Any]:
        """Yield the records of *page* and of the next pages, up to *limit* or *page_limit*."""
        most, most_pages = _bound(limit), _bound(page_limit)
        next_record = next_page = 1
        while page is not None:
            for record in _left_of(page):
                yield record
                next_record += 1
                if most is not None and most < next_record:
                    return
            next_page += 1
            if most_pages is not None and most_pages < next_page:
                return
            page = await page.next_page_async()

    def _send(
        self,
        method: str,
        uri: str,
        params: Any,
        data: Any,
        headers: Any,
        auth: Any,
        timeout: Any,
        allow_redirects: bool,
    ) -> Any:
        # By keyword, as in Twilio's code: a program may have replaced `request`.
        return self.request(
            method,
            uri,
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )

    async def _send_async(
        self,
        method: str,
        uri: str,
        params: Any,
        data: Any,
        headers: Any,
        auth: Any,
        timeout: Any,
        allow_redirects: bool,
    ) -> Any:
        # By keyword, as in Twilio's code: a program may have replaced `request`.
        return await self.request_async(
            method,
            uri,
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )

    def _check(self, method: str, uri: str, response: Any, below: int, message: str) -> None:
        if not 200 <= response.status_code < below:
            raise self.exception(method, uri, response, message) from cause_of(response)


def _bound(limit: Any) -> Any:
    return limit if limit and limit is not values.unset else None


def _left_of(page: Any) -> Iterator[Any]:
    """Return an iterator over the records that *page* has left."""
    # Look at the class: a mock has every attribute.
    left = getattr(type(page), "_left", None)
    records: Iterator[Any] = page if left is None else left(page)
    return records
