"""
Twilio's fax client on Telnyx.

Change ``from twilio.rest import Client`` to ``from twilio_fax_compat.rest import Client``: faxes go
out through Telnyx `/v2/faxes <https://developers.telnyx.com/docs/programmable-fax/get-started>`_ and
come back as Twilio's ``FaxInstance``. Code that cannot be edited is served by `install`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from twilio_fax_compat.settings import RetryPolicy, TelnyxSettings
    from twilio_fax_compat.switch import install, uninstall
    from twilio_fax_compat.warnings import TelnyxCompatibilityWarning

__all__ = [
    "RetryPolicy",
    "TelnyxCompatibilityWarning",
    "TelnyxSettings",
    "__version__",
    "install",
    "uninstall",
]

_HOMES = {
    "RetryPolicy": "settings",
    "TelnyxCompatibilityWarning": "warnings",
    "TelnyxSettings": "settings",
    "install": "switch",
    "uninstall": "switch",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = "module {!r} has no attribute {!r}".format(__name__, name)
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module("{}.{}".format(__name__, _HOMES[name])), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
