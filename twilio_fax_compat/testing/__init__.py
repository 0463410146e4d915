"""
A local Telnyx: `TelnyxEmulator` behaves like Telnyx's fax API, over real HTTP on loopback.

It is written from Telnyx's documents (https://developers.telnyx.com/docs/programmable-fax) and
shares no code with the translation that it tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.testing.emulator import TelnyxEmulator
    from twilio_fax_compat.testing.journal import Exchange
    from twilio_fax_compat.testing.webhooks import Delivery

__all__ = ["Delivery", "Exchange", "TelnyxEmulator", "faults"]

_NEEDS = "the emulator needs {}: pip install 'twilio-fax-compat[emulator]'"
_HOMES = {"Delivery": "webhooks", "Exchange": "journal", "TelnyxEmulator": "emulator"}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "TelnyxEmulator":
        _require_multipart()
    try:
        if name == "faults":
            return import_module(__name__ + ".faults")
        if name in _HOMES:
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith(__name__.partition(".")[0]):
            raise
        raise ImportError(_NEEDS.format(missing.name)) from missing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _require_multipart() -> None:
    from importlib.util import find_spec

    # Starlette imports it, under either name, only when a form arrives.
    if find_spec("python_multipart") is None and find_spec("multipart") is None:
        raise ImportError(_NEEDS.format("python-multipart"))
