"""Twilio's fax media resource (https://www.twilio.com/docs/fax/api/fax-media-resource)."""

from __future__ import annotations

import builtins
from typing import Any, Iterator, Mapping

from twilio_fax_compat.base import deserialize, values
from twilio_fax_compat.base.instance_context import InstanceContext
from twilio_fax_compat.base.instance_resource import InstanceResource
from twilio_fax_compat.base.list_resource import ListResource
from twilio_fax_compat.base.page import Page
from twilio_fax_compat.base.version import Version
from twilio_fax_compat.rest.fax.v1.fax._async import (
    AsyncFaxMediaContext,
    AsyncFaxMediaInstance,
    AsyncFaxMediaList,
)
from twilio_fax_compat.rest.fax.v1.fax._forms import media_page_query


class FaxMediaList(AsyncFaxMediaList["FaxMediaInstance", "FaxMediaPage"], ListResource):
    """The media of a fax. Telnyx keeps at most one."""

    def __init__(self, version: Version, fax_sid: str) -> None:
        super().__init__(version)
        self._solution = {"fax_sid": fax_sid}
        self._uri = f"/Faxes/{fax_sid}/Media"

    def stream(
        self, limit: int | None = None, page_size: int | None = None
    ) -> Iterator[FaxMediaInstance]:
        """Return an iterator over the media. Raises TwilioException."""
        limits = self._version.read_limits(limit, page_size)
        page = self.page(page_size=limits["page_size"])
        return self._version.stream(page, limits["limit"])

    def list(
        self, limit: int | None = None, page_size: int | None = None
    ) -> builtins.list[FaxMediaInstance]:
        """Return the media as a list. Raises TwilioException."""
        return list(self.stream(limit=limit, page_size=page_size))

    def page(
        self,
        page_token: str = values.unset,
        page_number: int = values.unset,
        page_size: int = values.unset,
    ) -> FaxMediaPage:
        """Read one page. Raises TwilioException."""
        data = media_page_query(page_token, page_number, page_size)
        return self._page(self._version.page(method="GET", uri=self._uri, params=data))

    def get_page(self, target_url: str) -> FaxMediaPage:
        """Read the page at an absolute URL."""
        return self._page(self._version.domain.twilio.request("GET", target_url))

    def _page(self, response: Any) -> FaxMediaPage:
        return FaxMediaPage(self._version, response, self._solution)

    def get(self, sid: str) -> FaxMediaContext:
        """Return the context of the media *sid*, without a request."""
        return FaxMediaContext(self._version, fax_sid=self._solution["fax_sid"], sid=sid)

    def __call__(self, sid: str) -> FaxMediaContext:
        """Return the context of the media *sid*, without a request."""
        return FaxMediaContext(self._version, fax_sid=self._solution["fax_sid"], sid=sid)

    def __repr__(self) -> str:
        return "<Twilio.Fax.V1.FaxMediaList>"


class FaxMediaPage(Page):
    """A page of media."""

    def __init__(self, version: Version, response: Any, solution: dict[str, Any]) -> None:
        super().__init__(version, response)
        self._solution = solution

    def get_instance(self, payload: dict[str, Any]) -> FaxMediaInstance:
        """Return the media of a *payload*."""
        return FaxMediaInstance(self._version, payload, fax_sid=self._solution["fax_sid"])

    def __repr__(self) -> str:
        return "<Twilio.Fax.V1.FaxMediaPage>"


class FaxMediaContext(AsyncFaxMediaContext["FaxMediaInstance"], InstanceContext):
    """One media, identified by its SID and the SID of its fax."""

    def __init__(self, version: Version, fax_sid: str, sid: str) -> None:
        super().__init__(version)
        self._solution = {"fax_sid": fax_sid, "sid": sid}
        self._uri = f"/Faxes/{fax_sid}/Media/{sid}"

    def fetch(self) -> FaxMediaInstance:
        """Read the media. Raises TwilioRestException."""
        return self._instance(self._version.fetch(method="GET", uri=self._uri))

    def delete(self) -> bool:
        """Raise TwilioRestException: Telnyx can only delete a fax and its media together."""
        return self._version.delete(method="DELETE", uri=self._uri)

    def _instance(self, payload: Any) -> FaxMediaInstance:
        return FaxMediaInstance(
            self._version, payload, fax_sid=self._solution["fax_sid"], sid=self._solution["sid"]
        )

    def __repr__(self) -> str:
        return f"<Twilio.Fax.V1.FaxMediaContext {solution_text(self._solution)}>"


class FaxMediaInstance(AsyncFaxMediaInstance["FaxMediaInstance"], InstanceResource):
    """The media of a fax, as it was when it was read."""

    def __init__(
        self,
        version: Version,
        payload: Mapping[str, Any],
        fax_sid: str,
        sid: str | None = None,
    ) -> None:
        """Take Twilio's *payload*, or a part of it."""
        super().__init__(version)
        self._properties: dict[str, Any] = {
            "sid": payload.get("sid"),
            "account_sid": payload.get("account_sid"),
            "fax_sid": payload.get("fax_sid"),
            "content_type": payload.get("content_type"),
            "date_created": deserialize.iso8601_datetime(payload.get("date_created")),
            "date_updated": deserialize.iso8601_datetime(payload.get("date_updated")),
            "url": payload.get("url"),
        }
        self._context: FaxMediaContext | None = None
        self._solution = {"fax_sid": fax_sid, "sid": sid or self._properties["sid"]}

    @property
    def _proxy(self) -> FaxMediaContext:
        if self._context is None:
            self._context = FaxMediaContext(
                self._version, fax_sid=self._solution["fax_sid"], sid=self._solution["sid"]
            )
        return self._context

    @property
    def sid(self) -> Any:
        """The SID, ``ME`` and 32 hexadecimal digits."""
        return self._properties["sid"]

    @property
    def account_sid(self) -> Any:
        """The SID of the client's account."""
        return self._properties["account_sid"]

    @property
    def fax_sid(self) -> Any:
        """The SID of the fax."""
        return self._properties["fax_sid"]

    @property
    def content_type(self) -> Any:
        """``application/pdf``."""
        return self._properties["content_type"]

    @property
    def date_created(self) -> Any:
        """When the fax was created, an aware UTC datetime."""
        return self._properties["date_created"]

    @property
    def date_updated(self) -> Any:
        """When the fax last changed, an aware UTC datetime."""
        return self._properties["date_updated"]

    @property
    def url(self) -> Any:
        """Its URL in Twilio's API."""
        return self._properties["url"]

    def fetch(self) -> FaxMediaInstance:
        """Read the media again. Returns a new instance; this one does not change."""
        return self._proxy.fetch()

    def delete(self) -> bool:
        """Raise TwilioRestException: Telnyx can only delete a fax and its media together."""
        return self._proxy.delete()

    def __repr__(self) -> str:
        return f"<Twilio.Fax.V1.FaxMediaInstance {solution_text(self._solution)}>"


def solution_text(solution: Mapping[str, Any]) -> str:
    """Return the SIDs of a resource as text, for its repr."""
    return " ".join(f"{name}={value}" for name, value in solution.items())
