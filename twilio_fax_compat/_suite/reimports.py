"""Sees when a module is executed again: after `importlib.reload`, or after it was deleted."""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Mapping, Sequence


class Reimports(MetaPathFinder):
    """An import finder that calls *executed[name]* with each of these modules once it was executed."""

    def __init__(self, executed: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self._executed = executed

    def start(self) -> None:
        """Begin to watch imports."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Stop watching imports."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders return, with a loader that reports the execution."""
        if fullname not in self._executed:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None
            if finder is not self and find is not None:
                spec = find(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _ReportingLoader(spec.loader, self._executed[fullname])
                return spec
        return None


class _ReportingLoader(Loader):
    def __init__(self, loader: Any, executed: Callable[[ModuleType], None]) -> None:
        self._loader, self._call = loader, executed

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._call(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
