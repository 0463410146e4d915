"""The class of each choice of ``--fax-backend``."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Mapping

from twilio_fax_compat.pytest_plugin.backends.base import Backend

_HOMES: Mapping[str, str] = {
    "emulator": "emulator.EmulatorBackend",
    "live": "live.LiveBackend",
    "record": "record.RecordBackend",
    "replay": "replay.ReplayBackend",
    "twilio": "registry.ControlBackend",
}


class ControlBackend(Backend):
    """The installed ``twilio`` package, unchanged."""

    name = "twilio"
    replaces_twilio = False


def backend_of(name: str, config: Any) -> Backend:
    """Return the backend *name*. Raises UsageError if the options do not allow it."""
    module, _, cls = _HOMES[name].rpartition(".")
    home = import_module("{}.{}".format(__name__.rpartition(".")[0], module))
    backend: Backend = getattr(home, cls)(config)
    return backend
