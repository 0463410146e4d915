"""
Twilio's fax client on Telnyx.

Change ``from twilio.rest import Client`` to ``from twilio_fax_compat.rest import Client``: faxes go
out through Telnyx `/v2/faxes <https://developers.telnyx.com/docs/programmable-fax/get-started>`_ and
come back as Twilio's ``FaxInstance``. Code that cannot be edited is served by `install`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twilio_fax_compat._core.lazy import lazy_names
from twilio_fax_compat._version import __version__

if TYPE_CHECKING:
    from twilio_fax_compat._install import install, uninstall
    from twilio_fax_compat.settings import RetryPolicy, TelnyxSettings
    from twilio_fax_compat.warnings import TelnyxCompatibilityWarning

__all__ = [
    "RetryPolicy",
    "TelnyxCompatibilityWarning",
    "TelnyxSettings",
    "__version__",
    "install",
    "uninstall",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "RetryPolicy": "twilio_fax_compat.settings",
        "TelnyxCompatibilityWarning": "twilio_fax_compat.warnings",
        "TelnyxSettings": "twilio_fax_compat.settings",
        "install": "twilio_fax_compat._install",
        "uninstall": "twilio_fax_compat._install",
    },
)
