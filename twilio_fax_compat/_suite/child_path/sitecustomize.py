"""
Puts the guard of a test run into its child processes: Python imports this file when it starts.

Another ``sitecustomize`` on the path, which this one hides, is run afterwards.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HERE = Path(__file__).resolve().parent
GUARD = HERE.parent / "connections.py"


def _run(name: str, spec: ModuleSpec | None) -> None:
    if spec is not None and spec.loader is not None:
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)


def _start_guard() -> None:
    name = "_twilio_fax_compat_guard"
    if os.environ.get("TWILIO_FAX_COMPAT_GUARD") and name not in sys.modules:
        _run(name, spec_from_file_location(name, GUARD))
        sys.modules[name].start_in_child()


def _run_hidden() -> None:
    sys.path[:] = [place for place in sys.path if not place or Path(place).resolve() != HERE]
    _run("sitecustomize", PathFinder.find_spec("sitecustomize", sys.path))


_start_guard()
_run_hidden()
