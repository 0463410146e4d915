"""The warning category of this package."""

from __future__ import annotations


class TelnyxCompatibilityWarning(UserWarning):
    """
    A Twilio parameter or behaviour was ignored, because Telnyx does not have it.

    It is issued once per process and parameter. Its text names the parameter and what to do instead.
    """
