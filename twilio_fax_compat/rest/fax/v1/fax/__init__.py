"""
Twilio's fax resource (https://www.twilio.com/docs/fax/api/fax-resource), name for name.

A call that fails raises ``TwilioRestException`` with Twilio's status and code. A list or page that
fails raises a plain ``TwilioException``, as in Twilio's own package.
"""

from __future__ import annotations

import builtins
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Union

from twilio_fax_compat.base import deserialize, values
from twilio_fax_compat.base._responses import is_lazy
from twilio_fax_compat.base.instance_context import InstanceContext
from twilio_fax_compat.base.instance_resource import InstanceResource
from twilio_fax_compat.base.list_resource import ListResource
from twilio_fax_compat.base.page import Page
from twilio_fax_compat.base.version import Version
from twilio_fax_compat.rest.fax.v1.fax._async import (
    AsyncFaxContext,
    AsyncFaxInstance,
    AsyncFaxList,
)
from twilio_fax_compat.rest.fax.v1.fax._forms import create_form, page_query
from twilio_fax_compat.rest.fax.v1.fax._lazy import (
    LazyFields,
    LazyPage,
    properties_of,
    steps_of,
)
from twilio_fax_compat.rest.fax.v1.fax.fax_media import FaxMediaList, solution_text

if TYPE_CHECKING:
    from decimal import Decimal

_When = Union[str, date, datetime]


class FaxList(AsyncFaxList["FaxInstance", "FaxPage"], ListResource):
    """All faxes of the account. Calling it with a SID returns the context of that fax."""

    def __init__(self, version: Version) -> None:
        super().__init__(version)
        self._solution: dict[str, Any] = {}
        self._uri = "/Faxes"

    def stream(
        self,
        from_: str = values.unset,
        to: str = values.unset,
        date_created_on_or_before: _When = values.unset,
        date_created_after: _When = values.unset,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[FaxInstance]:
        """
        Return an iterator over the matching faxes. It reads one page after another.

        *limit* is the maximum number of faxes, *page_size* the number to read at a time. The first
        page is read at once: its failure raises TwilioException here. The failure of a later page
        raises it while iterating.
        """
        limits = self._version.read_limits(limit, page_size)
        page = self.page(
            from_=from_,
            to=to,
            date_created_on_or_before=date_created_on_or_before,
            date_created_after=date_created_after,
            page_size=limits["page_size"],
        )
        return self._version.stream(page, limits["limit"])

    def list(
        self,
        from_: str = values.unset,
        to: str = values.unset,
        date_created_on_or_before: _When = values.unset,
        date_created_after: _When = values.unset,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> builtins.list[FaxInstance]:
        """Return the faxes of `stream` as a list."""
        return list(
            self.stream(
                from_=from_,
                to=to,
                date_created_on_or_before=date_created_on_or_before,
                date_created_after=date_created_after,
                limit=limit,
                page_size=page_size,
            )
        )

    def page(
        self,
        from_: str = values.unset,
        to: str = values.unset,
        date_created_on_or_before: _When = values.unset,
        date_created_after: _When = values.unset,
        page_token: str = values.unset,
        page_number: int = values.unset,
        page_size: int = values.unset,
    ) -> FaxPage:
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
        return self._page(self._version.page(method="GET", uri=self._uri, params=data))

    def get_page(self, target_url: str) -> FaxPage:
        """Read the page at an absolute URL, such as another page's ``next_page_url``."""
        return self._page(self._version.domain.twilio.request("GET", target_url))

    def create(
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
    ) -> FaxInstance:
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
        return self._instance(self._version.create(method="POST", uri=self._uri, data=data))

    def _page(self, response: Any) -> FaxPage:
        return FaxPage(self._version, response, self._solution)

    def _instance(self, payload: Any) -> FaxInstance:
        return FaxInstance(self._version, payload)

    def get(self, sid: str) -> FaxContext:
        """Return the context of the fax *sid*, without a request."""
        return FaxContext(self._version, sid=sid)

    def __call__(self, sid: str) -> FaxContext:
        """Return the context of the fax *sid*, without a request."""
        return FaxContext(self._version, sid=sid)

    def __repr__(self) -> str:
        return "<Twilio.Fax.V1.FaxList>"


class FaxPage(LazyPage, Page):
    """A page of faxes."""

    def __init__(self, version: Version, response: Any, solution: dict[str, Any]) -> None:
        self._read(version, response)
        self._solution = solution

    def _made(self, record: Any) -> FaxInstance:
        return FaxInstance(self._version, record)

    def get_instance(self, payload: dict[str, Any]) -> FaxInstance:
        """Return the fax in *payload*."""
        return FaxInstance(self._version, payload)

    def __repr__(self) -> str:
        return "<Twilio.Fax.V1.FaxPage>"


FaxPage._own_steps = steps_of(FaxPage)  # noqa: SLF001 - it is known once the class is made


class FaxContext(AsyncFaxContext["FaxInstance"], InstanceContext):
    """One fax, identified by its SID."""

    def __init__(self, version: Version, sid: str) -> None:
        super().__init__(version)
        self._solution = {"sid": sid}
        self._uri = f"/Faxes/{sid}"
        self._media: FaxMediaList | None = None

    def fetch(self) -> FaxInstance:
        """Read the fax, with a valid ``media_url``. Raises TwilioRestException."""
        return self._instance(self._version.fetch(method="GET", uri=self._uri))

    def update(self, status: str = values.unset) -> FaxInstance:
        """
        Cancel the fax and return its new state. *status* must be ``"canceled"``.

        Raises TwilioRestException, with status 400 if it is too late to cancel.
        """
        data = values.of({"Status": status})
        return self._instance(self._version.update(method="POST", uri=self._uri, data=data))

    def delete(self) -> bool:
        """Delete the fax and its media. Returns True; raises TwilioRestException."""
        return self._version.delete(method="DELETE", uri=self._uri)

    def _instance(self, payload: Any) -> FaxInstance:
        return FaxInstance(self._version, payload, sid=self._solution["sid"])

    @property
    def media(self) -> FaxMediaList:
        """The media of the fax."""
        if self._media is None:
            self._media = FaxMediaList(self._version, fax_sid=self._solution["sid"])
        return self._media

    def __repr__(self) -> str:
        return f"<Twilio.Fax.V1.FaxContext {solution_text(self._solution)}>"


class FaxInstance(AsyncFaxInstance["FaxInstance"], LazyFields, InstanceResource):
    """A fax, as it was when it was read. Reading a property makes no request."""

    class Direction:
        """The direction of a fax."""

        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class Quality:
        """The resolution of a fax."""

        STANDARD = "standard"
        FINE = "fine"
        SUPERFINE = "superfine"

    class Status:
        """The status of a fax."""

        QUEUED = "queued"
        PROCESSING = "processing"
        SENDING = "sending"
        DELIVERED = "delivered"
        RECEIVING = "receiving"
        RECEIVED = "received"
        NO_ANSWER = "no-answer"
        BUSY = "busy"
        FAILED = "failed"
        CANCELED = "canceled"

    class UpdateStatus:
        """The status that `update` accepts."""

        CANCELED = "canceled"

    def __init__(
        self, version: Version, payload: Mapping[str, Any], sid: str | None = None
    ) -> None:
        """Take Twilio's *payload*, or a part of it. Calls use *sid* if it is given."""
        self._version = version
        self._context: FaxContext | None = None
        if is_lazy(payload):
            self._lazy = payload
            return
        self._properties = properties_of(payload.get)
        self._solution = {"sid": sid or self._properties["sid"]}
        if hasattr(payload, "provider"):
            from twilio_fax_compat.migration._provider_of import note_provider

            note_provider(self, payload.provider)

    @property
    def _proxy(self) -> FaxContext:
        if self._context is None:
            self._context = FaxContext(self._version, sid=self._solution["sid"])
        return self._context

    @property
    def sid(self) -> Any:
        """The SID, ``FX`` and 32 hexadecimal digits."""
        lazy = self._lazy
        return self._properties["sid"] if lazy is None else lazy.sid

    @property
    def account_sid(self) -> Any:
        """The SID of the client's account."""
        return self._properties["account_sid"]

    @property
    def from_(self) -> Any:
        """The number it was sent from."""
        lazy = self._lazy
        return self._properties["from_"] if lazy is None else lazy.from_

    @property
    def to(self) -> Any:
        """The number or SIP URI it was sent to."""
        lazy = self._lazy
        return self._properties["to"] if lazy is None else lazy.to

    @property
    def quality(self) -> Any:
        """One of `Quality`."""
        return self._properties["quality"]

    @property
    def media_sid(self) -> Any:
        """The SID of its media, or None."""
        return self._properties["media_sid"]

    @property
    def media_url(self) -> Any:
        """A link to Telnyx's copy of the document, valid for ten minutes, or None."""
        return self._properties["media_url"]

    @property
    def num_pages(self) -> int | None:
        """The number of pages, or None."""
        return self._properties["num_pages"]  # type: ignore[no-any-return]

    @property
    def duration(self) -> int | None:
        """The duration in seconds, or None."""
        return self._properties["duration"]  # type: ignore[no-any-return]

    @property
    def status(self) -> Any:
        """One of `Status`."""
        lazy = self._lazy
        return self._properties["status"] if lazy is None else lazy.status

    @property
    def direction(self) -> Any:
        """One of `Direction`."""
        lazy = self._lazy
        return self._properties["direction"] if lazy is None else lazy.direction

    @property
    def api_version(self) -> Any:
        """``v1``."""
        return self._properties["api_version"]

    @property
    def price(self) -> Decimal | None:
        """None, as Telnyx does not report a fax's price."""
        return self._properties["price"]  # type: ignore[no-any-return]

    @property
    def price_unit(self) -> Any:
        """None, as Telnyx does not report a fax's price."""
        return self._properties["price_unit"]

    @property
    def date_created(self) -> Any:
        """When it was created, an aware UTC datetime."""
        lazy = self._lazy
        if lazy is None:
            return self._properties["date_created"]
        return lazy.created or deserialize.iso8601_datetime(lazy.date_created)

    @property
    def date_updated(self) -> Any:
        """When it last changed, an aware UTC datetime."""
        return self._properties["date_updated"]

    @property
    def links(self) -> Any:
        """The URLs of its subresources."""
        return self._properties["links"]

    @property
    def url(self) -> Any:
        """Its URL in Twilio's API."""
        return self._properties["url"]

    def fetch(self) -> FaxInstance:
        """Read the fax again. Returns a new instance; this one does not change."""
        return self._proxy.fetch()

    def update(self, status: str = values.unset) -> FaxInstance:
        """Cancel the fax, as `FaxContext.update`."""
        return self._proxy.update(status=status)

    def delete(self) -> bool:
        """Delete the fax and its media, as `FaxContext.delete`."""
        return self._proxy.delete()

    @property
    def media(self) -> FaxMediaList:
        """The media of the fax."""
        return self._proxy.media

    def __repr__(self) -> str:
        return f"<Twilio.Fax.V1.FaxInstance {solution_text(self._solution)}>"
