"""
The asynchronous calls, each beside its sync twin, as twilio 8 and later name them.

They have the arguments, the results and the errors of the calls without ``_async``.
"""

from __future__ import annotations

import builtins
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, AsyncIterator, Generic, TypeVar, Union

from twilio_fax_compat.base import values
from twilio_fax_compat.base._async_stream import AsyncStream
from twilio_fax_compat.rest.fax.v1.fax._forms import create_form, media_page_query, page_query

if TYPE_CHECKING:
    from twilio_fax_compat.base.version import Version

R = TypeVar("R")
P = TypeVar("P")

_When = Union[str, date, datetime]


class AsyncFaxList(Generic[R, P]):
    """The asynchronous calls of a ``FaxList``."""

    _version: Version
    _uri: str

    def stream_async(
        self,
        from_: str = values.unset,
        to: str = values.unset,
        date_created_on_or_before: _When = values.unset,
        date_created_after: _When = values.unset,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> AsyncStream:
        """
        Return an iterator over the matching faxes. It reads one page after another.

        *limit* is the maximum number of faxes, *page_size* the number to read at a time. The first
        page is read at once: its failure raises TwilioException here. The failure of a later page
        raises it while iterating.
        """

        async def begin() -> AsyncIterator[Any]:
            limits = self._version.read_limits(limit, page_size)
            page = await self.page_async(
                from_=from_,
                to=to,
                date_created_on_or_before=date_created_on_or_before,
                date_created_after=date_created_after,
                page_size=limits["page_size"],
            )
            return self._version.stream_async(page, limits["limit"])

        return AsyncStream(begin)

    async def list_async(
        self,
        from_: str = values.unset,
        to: str = values.unset,
        date_created_on_or_before: _When = values.unset,
        date_created_after: _When = values.unset,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> builtins.list[R]:
        """Return the faxes of `stream` as a list."""
        return [
            fax
            async for fax in self.stream_async(
                from_=from_,
                to=to,
                date_created_on_or_before=date_created_on_or_before,
                date_created_after=date_created_after,
                limit=limit,
                page_size=page_size,
            )
        ]

    async def page_async(
        self,
        from_: str = values.unset,
        to: str = values.unset,
        date_created_on_or_before: _When = values.unset,
        date_created_after: _When = values.unset,
        page_token: str = values.unset,
        page_number: int = values.unset,
        page_size: int = values.unset,
    ) -> P:
        """Read one page. Raises TwilioException, whose second argument is the response."""
        data = page_query(
            from_,
            to,
            date_created_on_or_before,
            date_created_after,
            page_token,
            page_number,
            page_size,
        )
        response = await self._version.page_async(method="GET", uri=self._uri, params=data)
        return self._page(response)

    async def get_page_async(self, target_url: str) -> P:
        """Read the page at an absolute URL, such as another page's ``next_page_url``."""
        return self._page(await self._version.domain.twilio.request_async("GET", target_url))

    async def create_async(
        self,
        to: str,
        media_url: str,
        quality: str = values.unset,
        status_callback: str = values.unset,
        from_: str = values.unset,
        sip_auth_username: str = values.unset,
        sip_auth_password: str = values.unset,
        store_media: bool = values.unset,
        ttl: int = values.unset,
    ) -> R:
        """
        Send a fax.

        *to* is an E.164 number or a SIP URI. *from_* is an E.164 number of the Telnyx account.
        *media_url* is the document's URL, which Telnyx fetches. *quality* is one of
        `FaxInstance.Quality`. A parameter that Telnyx does not have is refused, or causes a warning:
        see MIGRATION.md.

        Raises TwilioRestException. If a response is lost, Telnyx is asked for the fax. So an error
        with status 503 or 504 says whether the fax may have been sent.
        """
        data = create_form(
            to,
            media_url,
            quality,
            status_callback,
            from_,
            sip_auth_username,
            sip_auth_password,
            store_media,
            ttl,
        )
        payload = await self._version.create_async(method="POST", uri=self._uri, data=data)
        return self._instance(payload)

    def _page(self, response: Any) -> P:
        raise NotImplementedError

    def _instance(self, payload: Any) -> R:
        raise NotImplementedError


class AsyncFaxContext(Generic[R]):
    """The asynchronous calls of a ``FaxContext``."""

    _version: Version
    _uri: str

    async def fetch_async(self) -> R:
        """Read the fax, with a valid ``media_url``. Raises TwilioRestException."""
        return self._instance(await self._version.fetch_async(method="GET", uri=self._uri))

    async def update_async(self, status: str = values.unset) -> R:
        """
        Cancel the fax and return its new state. *status* must be ``"canceled"``.

        Raises TwilioRestException, with status 400 if it is too late to cancel.
        """
        data = values.of({"Status": status})
        payload = await self._version.update_async(method="POST", uri=self._uri, data=data)
        return self._instance(payload)

    async def delete_async(self) -> bool:
        """Delete the fax and its media. Returns True; raises TwilioRestException."""
        return await self._version.delete_async(method="DELETE", uri=self._uri)

    def _instance(self, payload: Any) -> R:
        raise NotImplementedError


class AsyncFaxInstance(Generic[R]):
    """The asynchronous calls of a ``FaxInstance``."""

    @property
    def _proxy(self) -> Any:
        raise NotImplementedError

    async def fetch_async(self) -> R:
        """Read the fax again. Returns a new instance; this one does not change."""
        fax: R = await self._proxy.fetch_async()
        return fax

    async def update_async(self, status: str = values.unset) -> R:
        """Cancel the fax, as `FaxContext.update`."""
        fax: R = await self._proxy.update_async(status=status)
        return fax

    async def delete_async(self) -> bool:
        """Delete the fax and its media, as `FaxContext.delete`."""
        return bool(await self._proxy.delete_async())


class AsyncFaxMediaList(Generic[R, P]):
    """The asynchronous calls of a ``FaxMediaList``."""

    _version: Version
    _uri: str

    def stream_async(self, limit: int | None = None, page_size: int | None = None) -> AsyncStream:
        """Return an iterator over the media. Raises TwilioException."""

        async def begin() -> AsyncIterator[Any]:
            limits = self._version.read_limits(limit, page_size)
            page = await self.page_async(page_size=limits["page_size"])
            return self._version.stream_async(page, limits["limit"])

        return AsyncStream(begin)

    async def list_async(
        self, limit: int | None = None, page_size: int | None = None
    ) -> builtins.list[R]:
        """Return the media as a list. Raises TwilioException."""
        return [media async for media in self.stream_async(limit=limit, page_size=page_size)]

    async def page_async(
        self,
        page_token: str = values.unset,
        page_number: int = values.unset,
        page_size: int = values.unset,
    ) -> P:
        """Read one page. Raises TwilioException."""
        data = media_page_query(page_token, page_number, page_size)
        response = await self._version.page_async(method="GET", uri=self._uri, params=data)
        return self._page(response)

    async def get_page_async(self, target_url: str) -> P:
        """Read the page at an absolute URL."""
        return self._page(await self._version.domain.twilio.request_async("GET", target_url))

    def _page(self, response: Any) -> P:
        raise NotImplementedError


class AsyncFaxMediaContext(Generic[R]):
    """The asynchronous calls of a ``FaxMediaContext``."""

    _version: Version
    _uri: str

    async def fetch_async(self) -> R:
        """Read the media. Raises TwilioRestException."""
        return self._instance(await self._version.fetch_async(method="GET", uri=self._uri))

    async def delete_async(self) -> bool:
        """Raise TwilioRestException: Telnyx can only delete a fax and its media together."""
        return await self._version.delete_async(method="DELETE", uri=self._uri)

    def _instance(self, payload: Any) -> R:
        raise NotImplementedError


class AsyncFaxMediaInstance(Generic[R]):
    """The asynchronous calls of a ``FaxMediaInstance``."""

    @property
    def _proxy(self) -> Any:
        raise NotImplementedError

    async def fetch_async(self) -> R:
        """Read the media again. Returns a new instance; this one does not change."""
        fax: R = await self._proxy.fetch_async()
        return fax

    async def delete_async(self) -> bool:
        """Raise TwilioRestException: Telnyx can only delete a fax and its media together."""
        return bool(await self._proxy.delete_async())
