"""The base class of a page of records."""

from __future__ import annotations

from typing import Any, Iterator

from twilio_fax_compat.base._responses import cause_of, payload_of
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.base.version import Version


class Page:
    """A page of records: an iterator over them, with links to the next and the previous page."""

    META_KEYS = {  # noqa: RUF012 - Twilio's name and type
        "end",
        "first_page_uri",
        "next_page_uri",
        "last_page_uri",
        "page",
        "page_size",
        "previous_page_uri",
        "total",
        "num_pages",
        "start",
        "uri",
    }

    def __init__(self, version: Version, response: Any) -> None:
        payload = self.process_response(response)
        self._version = version
        self._payload = payload
        self._solution: dict[str, Any] = {}
        self._records: Iterator[Any] = iter(self.load_page(payload))

    def __iter__(self) -> Page:
        return self

    def __next__(self) -> Any:
        return self.next()

    def _left(self) -> Iterator[Any]:
        """Return an iterator over the records that are left, for `Version.stream`."""
        return self

    def next(self) -> Any:
        """Return the next record."""
        return self.get_instance(next(self._records))

    @classmethod
    def process_response(cls, response: Any) -> Any:
        """Return the payload of *response*. Raises TwilioException if its status is not 200."""
        if response.status_code != 200:
            raise TwilioException("Unable to fetch page", response) from cause_of(response)
        return payload_of(response)

    def load_page(self, payload: dict[str, Any]) -> Any:
        """Return the records of *payload*. Raises TwilioException if it has no clear list of them."""
        if "meta" in payload and "key" in payload["meta"]:
            return payload[payload["meta"]["key"]]
        keys = payload.keys() - self.META_KEYS
        if len(keys) == 1:
            return payload[keys.pop()]
        raise TwilioException("Page Records can not be deserialized")

    @property
    def previous_page_url(self) -> str | None:
        """The URL of the previous page, or None."""
        return self._neighbour("previous_page")

    @property
    def next_page_url(self) -> str | None:
        """The URL of the next page, or None."""
        return self._neighbour("next_page")

    def get_instance(self, payload: dict[str, Any]) -> Any:
        """Return the instance of a record. Each kind of page implements this."""
        raise TwilioException("Page.get_instance() must be implemented in the derived class")

    def next_page(self) -> Page | None:
        """Fetch the next page. Returns None on the last page."""
        return self._turn_to(self.next_page_url)

    def previous_page(self) -> Page | None:
        """Fetch the previous page. Returns None on the first page."""
        return self._turn_to(self.previous_page_url)

    async def next_page_async(self) -> Page | None:
        """Fetch the next page. Returns None on the last page."""
        return await self._turn_to_async(self.next_page_url)

    async def previous_page_async(self) -> Page | None:
        """Fetch the previous page. Returns None on the first page."""
        return await self._turn_to_async(self.previous_page_url)

    def _neighbour(self, name: str) -> str | None:
        payload = self._payload
        if "meta" in payload and name + "_url" in payload["meta"]:
            url: str | None = payload["meta"][name + "_url"]
            return url
        uri = payload.get(name + "_uri")
        return self._version.domain.absolute_url(uri) if uri else None

    def _turn_to(self, url: str | None) -> Page | None:
        if not url:
            return None
        return self._at(self._version.domain.twilio.request("GET", url))

    async def _turn_to_async(self, url: str | None) -> Page | None:
        if not url:
            return None
        return self._at(await self._version.domain.twilio.request_async("GET", url))

    def _at(self, response: Any) -> Page:
        cls: Any = type(self)
        page: Page = cls(self._version, response, self._solution)
        return page

    def __repr__(self) -> str:
        return "<Page>"
