"""
Twilio's names, which lead to ours for the run, wherever they were imported and whenever.

`install` serves what is imported from now on; modules that were imported before hold the real classes
in names of their own, which are replaced one by one. All of it is undone at the end.
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
    The names of Twilio's client, which lead to *client*, and those of ours, which lead to *twin*.

    Two subclasses of our client, so that each name can be given back what it had.
    """

    client: type[Any]
    twin: type[Any]
    _plain: type[Any] = field(init=False, default=rest.Client)
    _real: Any = field(init=False, default=None)
    _fax_classes: Pairs = field(init=False, default=())
    _present: set[str] = field(init=False, factory=set)
    _rest: Any = field(init=False, default=None)

    def take(self) -> None:
        """Let Twilio's names lead to ours."""
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
        """Let them lead to what they led to before, also in modules imported meanwhile."""
        vars(rest)["Client"] = self._plain
        if self._rest is not None:
            del self._rest.TwilioHttpClient
            self._rest = None
        switch.uninstall()
        _replace([(self.client, self._real or self._plain), (self.twin, self._plain)])
        back = [(ours, theirs) for theirs, ours in self._fax_classes]
        _replace(back, but_not=self._present)

    def _take_http_client(self) -> None:
        """Give ``twilio.rest`` the name under which suites replaced the HTTP client, if it has none."""
        twilio_rest = sys.modules["twilio.rest"]
        if not hasattr(twilio_rest, "TwilioHttpClient"):
            self._rest = twilio_rest
            self._rest.TwilioHttpClient = import_module("twilio.http.http_client").TwilioHttpClient


def _fax_modules() -> dict[str, dict[str, object]]:
    """Return what Twilio's own fax modules hold, which its newer releases do not have."""
    found = {}
    for name in _FAX_MODULES:
        with suppress(ImportError):
            found[name] = dict(vars(import_module(name)))
    return found


def _classes(theirs: dict[str, dict[str, object]]) -> Pairs:
    """Return each fax class of Twilio's with ours of the same name."""
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
