"""The installed ``twilio`` package's own client, for every product but fax."""

from __future__ import annotations

import inspect
from typing import Any

from twilio_fax_compat.base.exceptions import TwilioException


class TwilioIsMissing(TwilioException):
    """The ``twilio`` package is not installed."""


def legacy_client(**arguments: Any) -> Any:
    """
    Return a ``twilio.rest.Client`` made with those *arguments* that its release knows.

    Raises TwilioIsMissing, which says what to install.
    """
    from twilio_fax_compat.switch import twilio_client_class

    cls = twilio_client_class()
    if cls is None:
        raise TwilioIsMissing(
            "every Twilio product but fax is served by Twilio's own package: pip install twilio"
        )
    known = inspect.signature(cls.__init__).parameters
    return cls(
        **{name: value for name, value in arguments.items() if value is not None and name in known}
    )
