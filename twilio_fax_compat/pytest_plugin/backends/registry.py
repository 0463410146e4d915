"""Which class each choice of ``--fax-backend`` names."""

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
    """Twilio's own package, as it is."""

    name = "twilio"
    replaces_twilio = False


def backend_of(name: str, config: Any) -> Backend:
    """Return the backend *name*. Raises UsageError when it must not, or cannot, be used."""
    module, _, cls = _HOMES[name].rpartition(".")
    home = import_module("{}.{}".format(__name__.rpartition(".")[0], module))
    backend: Backend = getattr(home, cls)(config)
    return backend
