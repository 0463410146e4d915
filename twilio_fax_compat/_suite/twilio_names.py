"""
Replaces Twilio's classes with ours in every loaded module for the duration of the run.

`install` serves imports from now on. Modules that were imported before have the real classes under
names of their own, which are replaced one by one. The end of the run undoes all of it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any, Iterator, Sequence, Tuple

from attrs import define, field

from twilio_fax_compat import _install as switch
from twilio_fax_compat import rest

Pairs = Sequence[Tuple[object, object]]

_FAX_MODULES = tuple(
    "twilio.rest.fax" + below for below in ("", ".v1", ".v1.fax", ".v1.fax.fax_media")
)


@define(eq=False)
class TwilioNames:
    """
    Replaces Twilio's client with *client*, and our own client with *twin*.

    Both are subclasses of our client; there are two so that each name can be restored.
    """

    client: type[Any]
    twin: type[Any]
    _plain: type[Any] = field(init=False, default=rest.Client)
    _real: Any = field(init=False, default=None)
    _fax_classes: Pairs = field(init=False, default=())
    _present: set[str] = field(init=False, factory=set)
    _rest: Any = field(init=False, default=None)
    _renewed: list[tuple[ModuleType, object]] = field(init=False, factory=list)

    def take(self) -> None:
        """Replace Twilio's names with ours."""
        self._real = switch.twilio_client_class()
        theirs = _fax_modules() if self._real is not None else {}
        self._present = set(sys.modules)
        vars(rest)["Client"] = self.client
        try:
            switch.install()
            self._fax_classes = _classes(theirs)
        finally:
            vars(rest)["Client"] = self._plain
        if self._real is not None:
            vars(rest)["Client"] = self.twin
            _replace([(self._real, self.client), *self._fax_classes])
        else:
            vars(rest)["Client"] = self.client
        _replace([(self._plain, vars(rest)["Client"])])
        self._take_http_client()

    def give_back(self) -> None:
        """Restore all names, also in modules that were imported during the run."""
        vars(rest)["Client"] = self._plain
        if self._rest is not None:
            del self._rest.TwilioHttpClient
            self._rest = None
        switch.uninstall()
        for module, real in self._renewed:
            vars(module)["Client"] = real
        self._renewed = []
        _replace([(self.client, self._real or self._plain), (self.twin, self._plain)])
        back = [(ours, theirs) for theirs, ours in self._fax_classes]
        _replace(back, but_not=self._present)

    def take_again(self, module: ModuleType) -> None:
        """Replace the client in *module*, ``twilio.rest``, after it was executed again."""
        self._renewed.append((module, vars(module)["Client"]))
        vars(module)["Client"] = self.client

    def _take_http_client(self) -> None:
        """Add ``twilio.rest.TwilioHttpClient``, which suites replace, where the release lacks it."""
        twilio_rest = sys.modules["twilio.rest"]
        if not hasattr(twilio_rest, "TwilioHttpClient"):
            self._rest = twilio_rest
            self._rest.TwilioHttpClient = import_module("twilio.http.http_client").TwilioHttpClient


def _fax_modules() -> dict[str, dict[str, object]]:
    """Return the contents of Twilio's own fax modules; newer releases have none."""
    modules = {}
    for name in _FAX_MODULES:
        with suppress(ImportError):
            modules[name] = dict(vars(import_module(name)))
    return modules


def _classes(theirs: dict[str, dict[str, object]]) -> Pairs:
    """Return pairs of a Twilio fax class and our class of the same name."""
    return [
        (value, vars(sys.modules[module])[name])
        for module, names in theirs.items()
        for name, value in names.items()
        if isinstance(value, type)
        and value.__module__ == module
        and name in vars(sys.modules[module])
    ]


def _replace(pairs: Pairs, but_not: set[str] | frozenset[str] = frozenset()) -> None:
    by_id = {id(old): (old, new) for old, new in pairs}
    for module in _modules_of_others(but_not):
        names = vars(module)
        for name, value in list(names.items()):
            if id(value) in by_id:
                names[name] = by_id[id(value)][1]


def _modules_of_others(but_not: set[str] | frozenset[str]) -> Iterator[ModuleType]:
    """Yield the modules that are neither Twilio's nor ours."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("twilio", "twilio_fax_compat") or name in but_not:
            continue
        if isinstance(module, ModuleType):
            yield module
