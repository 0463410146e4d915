"""Faxes of a list, and their page, that are read from a response when a program asks for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterator

from twilio_fax_compat.base import deserialize
from twilio_fax_compat.base._responses import has_lazy_records
from twilio_fax_compat.base.page import Page
from twilio_fax_compat.base.version import Version

# A page has one base class, as Twilio's: this is added to it.
if TYPE_CHECKING:
    _Page = Page
else:
    _Page = object

_STEPS = ("get_instance", "load_page", "next", "__next__", "__iter__")


def steps_of(page: type[Page]) -> tuple[Any, ...]:
    """Return the methods of *page* between a response and its records."""
    reading = getattr(page.process_response, "__func__", None)
    return (reading, *(getattr(page, name, None) for name in _STEPS))


class LazyPage(_Page):
    """A page whose records become dictionaries only if a program replaces a step, or reads the payload."""

    _own_steps: tuple[Any, ...] = ()
    """The steps of the class that nobody has replaced."""

    def _read(self, version: Version, response: Any) -> None:
        if has_lazy_records(response) and steps_of(type(self)) == self._own_steps:
            self._version = version
            self._answer = response.answer
            self._records = iter(response.answer.faxes)
        else:
            Page.__init__(self, version, response)

    def _made(self, record: Any) -> Any:
        """Return the instance of a record. Each kind of page implements this."""
        raise NotImplementedError

    def _left(self) -> Iterator[Any]:
        if "_answer" not in vars(self):
            return super()._left()
        return map(self._made, self._records)

    @cached_property
    def _payload(self) -> Any:
        return self._answer.payload

    def _neighbour(self, name: str) -> str | None:
        if "_payload" in vars(self):
            return super()._neighbour(name)
        url: str | None = self._answer.meta[name + "_url"]
        return url

    def __getstate__(self) -> dict[str, Any]:
        members = {**vars(self), "_payload": self._payload}
        members.pop("_answer", None)
        return members


class LazyFields:
    """The values of a fax, which may be read one by one until all of them are needed."""

    _lazy: Any = None
    """The fax of a list, until all of it is read."""

    @property
    def _properties(self) -> dict[str, Any]:
        """The values of all properties, by name."""
        members = vars(self)
        properties: dict[str, Any] | None = members.get("_properties")
        if properties is None:
            lazy = self._lazy
            if lazy is None:
                # Another thread has just read all of it, or the object was made without __init__.
                return self._made_properties()
            properties = members.setdefault("_properties", properties_of(lazy.payload().get))
            members.pop("_lazy", None)
        return properties

    @_properties.setter
    def _properties(self, properties: dict[str, Any]) -> None:
        members = vars(self)
        members["_properties"] = properties
        members.pop("_lazy", None)

    def _made_properties(self) -> dict[str, Any]:
        try:
            properties: dict[str, Any] = vars(self)["_properties"]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__!r} has no attribute '_properties'"
            ) from None
        return properties

    @cached_property
    def _solution(self) -> dict[str, Any]:
        lazy = self._lazy
        return {"sid": self._properties["sid"] if lazy is None else lazy.sid}

    def __getstate__(self) -> dict[str, Any]:
        if "_lazy" in vars(self):
            _ = self._properties, self._solution
        return vars(self)


def properties_of(get: Callable[[str], Any]) -> dict[str, Any]:
    """Return the values of all properties, from a payload's *get*."""
    return {
        "sid": get("sid"),
        "account_sid": get("account_sid"),
        "from_": get("from"),
        "to": get("to"),
        "quality": get("quality"),
        "media_sid": get("media_sid"),
        "media_url": get("media_url"),
        "num_pages": deserialize.integer(get("num_pages")),
        "duration": deserialize.integer(get("duration")),
        "status": get("status"),
        "direction": get("direction"),
        "api_version": get("api_version"),
        "price": deserialize.decimal(get("price")),
        "price_unit": get("price_unit"),
        "date_created": deserialize.iso8601_datetime(get("date_created")),
        "date_updated": deserialize.iso8601_datetime(get("date_updated")),
        "links": get("links"),
        "url": get("url"),
    }
