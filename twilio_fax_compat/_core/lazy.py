"""Load the public names of a package on first use (PEP 562)."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Callable, Mapping


def lazy_names(
    package: str, homes: Mapping[str, str], extra: tuple[str, str] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """
    Return ``__getattr__`` and ``__dir__`` for *package*.

    *homes* maps each name to its module. An empty module means that the name is a submodule of
    *package*. *extra* is the name of a packaging extra and the feature that needs it, for the
    ImportError that is raised if a third-party package is missing.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError("module {!r} has no attribute {!r}".format(package, name))
        try:
            if not homes[name]:
                return import_module("{}.{}".format(package, name))
            return getattr(import_module(homes[name]), name)
        except ModuleNotFoundError as missing:
            top = package.partition(".")[0]
            if extra is None or (missing.name or "").partition(".")[0] == top:
                raise
            raise ImportError(
                "{} needs {}: pip install 'twilio-fax-compat[{}]'".format(
                    extra[1], missing.name, extra[0]
                )
            ) from missing

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names
