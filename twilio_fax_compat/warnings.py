"""The warning of this package."""

from __future__ import annotations


class TelnyxCompatibilityWarning(UserWarning):
    """
    A Twilio parameter or behaviour that Telnyx has no equal for was left out.

    Given once per process and parameter. The text names the parameter and what to do instead.
    """
