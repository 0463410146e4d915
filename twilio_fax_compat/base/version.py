from __future__ import annotations

from typing import Any, Iterator

from twilio_fax_compat.base import values
from twilio_fax_compat.base.domain import Domain
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.http.response import payload_of


class Version:
    """A version of a product's API: makes requests and reads what they answer."""

    version: str | None = None

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.version = None

    def absolute_url(self, uri: str) -> str:
        """Return the absolute URL of one relative to this version."""
        return self.domain.absolute_url(self.relative_uri(uri))

    def relative_uri(self, uri: str) -> str:
        """Return *uri* below this version."""
        return "{}/{}".format((self.version or "").strip("/"), uri.strip("/"))

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
    def exception(cls, method: str, uri: str, response: Any, message: str) -> TwilioException:
        """Return the exception that tells what a failed *response* says."""
        status = response.status_code
        try:
            payload = payload_of(response)
            if "message" in payload:
                message = "{}: {}".format(message, payload["message"])
            code, details = payload.get("code", status), payload.get("details")
        except Exception:  # noqa: BLE001 - whatever a body is, the status is an answer
            return TwilioRestException(status, uri, message, status, method)
        return TwilioRestException(status, uri, message, code, method, details=details)

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
        """Return the payload of a resource. A redirect counts as an answer, as at Twilio."""
        response = self.request(method, uri, params, data, headers, auth, timeout, allow_redirects)
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
        response = self.request(method, uri, params, data, headers, auth, timeout, allow_redirects)
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
        """Return True when a resource was deleted, False on any success but 204."""
        response = self.request(method, uri, params, data, headers, auth, timeout, allow_redirects)
        self._check(method, uri, response, 300, "Unable to delete record")
        return bool(response.status_code == 204)

    def read_limits(self, limit: int | None = None, page_size: int | None = None) -> dict[str, Any]:
        """Return the ``limit`` and ``page_size`` to read with; 0 and None set none."""
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
        """Return the response that holds a page."""
        return self.request(method, uri, params, data, headers, auth, timeout, allow_redirects)

    def stream(self, page: Any, limit: Any = None, page_limit: Any = None) -> Iterator[Any]:
        """Yield the records of *page* and those after it, up to *limit* or *page_limit*."""
        most = None if limit is values.unset or not limit else limit
        most_pages = None if page_limit is values.unset or not page_limit else page_limit
        records = pages = 0
        while page is not None:
            for record in page:
                yield record
                records += 1
                if most is not None and records >= most:
                    return
            pages += 1
            if most_pages is not None and pages >= most_pages:
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
        response = self.request(method, uri, params, data, headers, auth, timeout, allow_redirects)
        self._check(method, uri, response, 300, "Unable to create record")
        return payload_of(response)

    def _check(self, method: str, uri: str, response: Any, below: int, message: str) -> None:
        if 200 <= response.status_code < below:
            return
        raise self.exception(method, uri, response, message) from getattr(response, "cause", None)
