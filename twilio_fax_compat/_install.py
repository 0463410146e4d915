"""
`install` makes ``from twilio.rest import Client`` return our client, in code that cannot be edited.

The classes of an installed ``twilio`` package do not change. `install` replaces the name ``Client``
in ``twilio.rest``, and the modules under ``twilio.rest.fax``. Without the package, it registers our
modules under Twilio's names. `uninstall` restores the previous state.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0]

_FAX_MODULES = (
    "rest.fax",
    "rest.fax.v1",
    "rest.fax.v1.fax",
    "rest.fax.v1.fax.fax_media",
)

_ALL_MODULES = (
    "base",
    "base.deserialize",
    "base.domain",
    "base.exceptions",
    "base.instance_context",
    "base.instance_resource",
    "base.list_resource",
    "base.page",
    "base.serialize",
    "base.values",
    "base.version",
    "http",
    "http.http_client",
    "http.request",
    "http.response",
    "request_validator",
    "rest",
    *_FAX_MODULES,
    "twiml",
    "twiml.fax_response",
)

_ABSENT = object()
_lock = RLock()
_depth = 0
_modules_before: list[tuple[str, object]] = []
_attributes_before: list[tuple[ModuleType, str, object]] = []


class Installation:
    """The result of `install`: a context manager that calls `uninstall` at its end."""

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_error: object) -> None:
        uninstall()


def install() -> Installation:
    """
    Make ``from twilio.rest import Client`` return our client from now on.

    This works with and without ``twilio`` installed. Names that were imported before do not change.
    Calls nest: each `install` needs one `uninstall`. The returned `Installation` calls `uninstall`
    at the end of a ``with`` block.
    """
    global _depth
    with _lock:
        _depth += 1
        if _depth == 1:
            try:
                _replace_names()
            except BaseException:
                _depth = 0
                _put_back_names()
                raise
    return Installation()


def uninstall() -> None:
    """Undo one `install`. Without one, do nothing."""
    global _depth
    with _lock:
        if _depth == 0:
            return
        _depth -= 1
        if _depth == 0:
            _put_back_names()


def twilio_client_class() -> Any | None:
    """Return the ``Client`` class of the installed ``twilio`` package, or None without one."""
    with _lock:
        for module, name, value in _attributes_before:
            if module.__name__ == "twilio.rest" and name == "Client":
                return value
        if not _has_twilio():
            return None
        return import_module("twilio.rest").Client


def _has_twilio() -> bool:
    module = sys.modules.get("twilio")
    if module is not None:
        return not getattr(module, "__twilio_fax_compat__", False)
    return find_spec("twilio") is not None


def _replace_names() -> None:
    if _has_twilio():
        rest = import_module("twilio.rest")
        _set_attribute(rest, "Client", import_module(_PACKAGE + ".rest").Client)
        names: tuple[str, ...] = _FAX_MODULES
    else:
        root = ModuleType("twilio")
        root.__path__ = []
        root.__version__ = "7.5.1"  # type: ignore[attr-defined]
        root.__twilio_fax_compat__ = True  # type: ignore[attr-defined]
        _set_module("twilio", root)
        names = _ALL_MODULES
    for name in names:
        ours = import_module("{}.{}".format(_PACKAGE, name))
        _set_module("twilio." + name, ours)
        parent, _, leaf = ("twilio." + name).rpartition(".")
        holder = sys.modules[parent]
        if not holder.__name__.startswith(_PACKAGE):
            _set_attribute(holder, leaf, ours)


def _set_module(name: str, module: ModuleType) -> None:
    _modules_before.append((name, sys.modules.get(name, _ABSENT)))
    sys.modules[name] = module


def _set_attribute(module: ModuleType, name: str, value: object) -> None:
    _attributes_before.append((module, name, vars(module).get(name, _ABSENT)))
    setattr(module, name, value)


def _put_back_names() -> None:
    while _attributes_before:
        holder, name, value = _attributes_before.pop()
        if value is _ABSENT:
            vars(holder).pop(name, None)
        else:
            setattr(holder, name, value)
    while _modules_before:
        name, module = _modules_before.pop()
        if module is _ABSENT:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module  # type: ignore[assignment]
