"""
Records the mocks, monkeypatches and hand-made faxes that suites use instead of Twilio's client.

It watches `unittest.mock` and pytest's monkeypatch during the run, and does not change what they do.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Protocol
from unittest.mock import NonCallableMock

import pytest
from attrs import define, field

from twilio_fax_compat.pytest_plugin.doubles.properties import NEVER_GIVEN, NOT_PROVIDED
from twilio_fax_compat.pytest_plugin.report.records import TwilioCall, masked_fields
from twilio_fax_compat.rest import Client
from twilio_fax_compat.rest.fax.v1 import fax as fax_module

if TYPE_CHECKING:
    from twilio_fax_compat.pytest_plugin.doubles.forwarding import Forwarder

A_MOCK = "a mock"

_OURS = (
    "twilio_fax_compat.rest",
    "twilio_fax_compat.base",
    "twilio_fax_compat.http",
    "twilio.http",
)

_LEAVES = {
    "create": "create",
    "list": "list",
    "stream": "list",
    "page": "list",
    "get_page": "list",
    "fetch": "fetch",
    "update": "update",
    "delete": "delete",
}
"""The methods of Twilio's fax classes that make a request, and their operations."""

_PLACES: Mapping[str, tuple[str, ...]] = {
    "FaxList": ("faxes",),
    "FaxContext": ("faxes", "()"),
    "FaxInstance": ("faxes", "()"),
    "FaxMediaList": ("faxes", "()", "media"),
    "FaxMediaContext": ("faxes", "()", "media", "()"),
    "FaxMediaInstance": ("faxes", "()", "media", "()"),
}
"""The attributes and calls that lead from a client to each class."""

_FINAL = ("delivered", "received")

_FAX_ATTRIBUTES = ("fax", "faxes", "request", "http_client")
"""The attributes of a client that fax calls pass."""

_DEPTH = 50
"""How many levels of nested mocks are followed."""


class Notes(Protocol):
    """What is noted of a test."""

    def record(self, call: TwilioCall) -> None:
        """Note a call that a mock received."""

    def replaced(self, what: str, is_of_fax: Callable[[], bool] | None = None) -> None:
        """Note that *what* was replaced; *is_of_fax* is asked when the test ends."""

    def missed(self, what: str) -> None:
        """Note that the test read *what*, which Telnyx does not provide."""

    def prepared(self, what: str) -> None:
        """Note that the test read *what*, which only a test double gives."""


@define(eq=False)
class MockWatch:
    """
    Watches the test doubles of a test.

    *notes* gets the names that replaced Twilio's client, the fax calls that mocks received, and the
    properties a test read that Telnyx does not provide.
    """

    notes: Notes
    forwarder: Forwarder | None = None
    _places: dict[int, tuple[Any, tuple[str, ...]]] = field(init=False, factory=dict)
    _undo: list[Callable[[], None]] = field(init=False, factory=list)

    def start(self) -> None:
        """Start watching."""
        for module in _mock_modules():
            self._wrap(module._patch, "__enter__", self._patch_entered)
            self._wrap(module.CallableMixin, "_execute_mock_call", self._mock_called)
        self._wrap(pytest.MonkeyPatch, "setattr", self._attribute_set)
        watched = _watched_class(fax_module.FaxInstance, self.notes)
        self._set(fax_module, "FaxInstance", watched)

    def stop(self) -> None:
        """Stop watching, and restore everything."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, holder: Any, name: str, around: Callable[..., Any]) -> None:
        original = getattr(holder, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            return around(original, *args, **kwargs)

        self._set(holder, name, watched)

    def _set(self, holder: Any, name: str, value: object) -> None:
        before = getattr(holder, name)
        setattr(holder, name, value)
        self._undo.append(lambda: setattr(holder, name, before))

    def _patch_entered(self, original: Callable[[Any], Any], patcher: Any) -> Any:
        result = original(patcher)
        self._note(patcher.target, patcher.attribute, patcher.temp_original, result)
        place = _PLACES.get(getattr(patcher.target, "__name__", ""))
        if place is not None and is_of_twilio(patcher.target):
            mock = vars(result)["mock"] if isinstance(result, FunctionType) else result
            self._places[id(mock)] = mock, (*place, patcher.attribute)
        return result

    def _attribute_set(
        self, original: Callable[..., None], patch: Any, *args: Any, **kw: Any
    ) -> None:
        before = len(patch._setattr)
        original(patch, *args, **kw)
        for target, name, old in patch._setattr[before:]:
            self._note(target, name, old, getattr(target, name, None))

    def _mock_called(
        self, original: Callable[..., Any], mock: Any, *args: Any, **kwargs: Any
    ) -> Any:
        path = self._path_of(mock)
        operation = operation_of(path)
        if operation is None:
            return original(mock, *args, **kwargs)
        # An autospecced method gets the object first, as `self`.
        own = args[1:] if args and is_of_twilio(args[0]) else args
        self.notes.record(mock_call(operation, own, kwargs))
        if self.forwarder is None:
            return original(mock, *args, **kwargs)

        def prepared_answer() -> Any:
            return original(mock, *args, **kwargs)

        return self.forwarder.mock_called(prepared_answer, mock, path, own, kwargs)

    def _path_of(self, mock: Any) -> list[str]:
        names: list[str] = []
        while mock is not None and len(names) < _DEPTH:
            placed = self._places.get(id(mock))
            if placed is not None and placed[0] is mock:
                return [*placed[1], *names[::-1]]
            names.append(str(mock._mock_new_name or ""))
            mock = mock._mock_new_parent
        return names[::-1]

    def _note(self, target: Any, name: str, original: object, replacement: object) -> None:
        if not (is_of_twilio(target) or is_of_twilio(original)):
            return
        if _is_client(target) and not name.startswith("_") and name not in _FAX_ATTRIBUTES:
            return  # another product of Twilio
        holder = getattr(target, "__name__", type(target).__name__)
        is_of_fax = None
        if _is_http(target) or _is_http(original):
            # A fax call through it is recorded as such a call.
            is_of_fax = _never
        elif isinstance(replacement, type) and not may_have_fax(replacement):
            is_of_fax = _never
        elif isinstance(replacement, NonCallableMock) and _is_client(original):
            is_of_fax = partial(uses_fax, replacement)
        self.notes.replaced("{}.{} replaced".format(holder, name), is_of_fax)


def uses_fax(mock: Any, depth: int = _DEPTH) -> bool:
    """Return whether *mock*, a client or what leads to one, was asked for ``fax``."""
    members = vars(mock)
    below = [*members.get("_mock_children", {}).items(), ("()", members.get("_mock_return_value"))]
    for name, child in below:
        is_mock = isinstance(child, NonCallableMock) and depth > 0
        if is_mock and (name in _FAX_ATTRIBUTES or uses_fax(child, depth - 1)):
            return True
    return False


def may_have_fax(cls: type) -> bool:
    """Return whether *cls*, a suite's own class in place of Twilio's client, may have ``fax``."""
    for base in cls.__mro__[:-1]:
        members = vars(base)
        if "__getattr__" in members or "__getattribute__" in members:
            return True
        codes = [getattr(member, "__code__", None) for member in members.values()]
        names = [*members, *(name for code in codes if code is not None for name in code.co_names)]
        if "fax" in names or "setattr" in names:
            return True
    return False


def _never() -> bool:
    return False


def _is_client(thing: object) -> bool:
    return issubclass(thing if isinstance(thing, type) else type(thing), Client)


def _is_http(thing: object) -> bool:
    kind = thing if isinstance(thing, type) else type(thing)
    return kind.__module__.startswith(("twilio.http", "twilio_fax_compat.http"))


def is_of_twilio(thing: object) -> bool:
    """Return whether *thing* is a class of Twilio's client, or an instance of one."""
    if isinstance(thing, ModuleType):
        return False
    kind = thing if isinstance(thing, type) else type(thing)
    return issubclass(kind, Client) or kind.__module__.startswith(_OURS)


def operation_of(path: list[str]) -> str | None:
    """Return the Twilio operation of a call at *path*, such as ``faxes.create``, or None."""
    leaf = _LEAVES.get(path[-1])
    if leaf is None or "faxes" not in path[:-1]:
        return None
    return ("media." if "media" in path else "faxes.") + leaf


def mock_call(operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TwilioCall:
    """Return the record of a call that a mock received."""
    fields = {**{str(number): value for number, value in enumerate(args)}, **kwargs}
    return TwilioCall(operation, "", "", masked_fields(fields), A_MOCK)


def _mock_modules() -> Iterator[Any]:
    for name in ("unittest.mock", "mock.mock"):
        with suppress(ImportError):
            yield import_module(name)


def _watched_class(cls: type[Any], notes: Notes) -> type[Any]:
    """Return a subclass of *cls* that reports its use by other packages, and missing properties."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        maker = sys._getframe(1).f_globals.get("__name__", "")
        if not maker.startswith("twilio_fax_compat."):
            notes.replaced("{} made by hand".format(cls.__name__))
        cls.__init__(self, *args, **kwargs)

    def reporting(name: str, why: str) -> property:
        original: property = getattr(cls, name)

        def value(self: Any) -> Any:
            content = original.__get__(self)
            if content is None and self.status in _FINAL:
                notes.missed("{} is None: {}".format(name, why))
            if content is not None and name in NEVER_GIVEN:
                notes.prepared("{} was read: {}".format(name, why))
            return content

        return property(value, doc=original.__doc__)

    members = {
        "__init__": __init__,
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        **{name: reporting(name, why) for name, why in NOT_PROVIDED.items()},
    }
    return type(cls.__name__, (cls,), members)
