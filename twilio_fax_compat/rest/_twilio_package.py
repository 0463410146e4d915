"""The installed ``twilio`` package's own client, for every product but fax, and for fax in a move."""

from __future__ import annotations

import inspect
from typing import Any, Callable

from twilio_fax_compat.base.exceptions import TwilioException


class TwilioIsMissing(TwilioException):
    """The ``twilio`` package is not installed."""


def legacy_client(**arguments: Any) -> Any:
    """
    Return a ``twilio.rest.Client`` made with those *arguments* that its release knows.

    Raises TwilioIsMissing, which says what to install.
    """
    from twilio_fax_compat._install import twilio_client_class

    cls = twilio_client_class()
    if cls is None:
        raise TwilioIsMissing(
            "every Twilio product but fax is served by Twilio's own package: pip install twilio"
        )
    known = inspect.signature(cls.__init__).parameters
    return cls(
        **{name: value for name, value in arguments.items() if value is not None and name in known}
    )


def with_fax(make: Callable[[], Any]) -> Any:
    """
    Return the client that *make* gives if it can send faxes.

    Raises TwilioException that says what to do where it cannot, or where there is none.
    """
    missing = None
    try:
        client = make()
    except TwilioIsMissing as error:
        client, missing = None, error
    if hasattr(type(client), "fax") or hasattr(client, "fax"):
        return client
    raise TwilioException(
        "a roll-out needs the legacy provider's client: pass Client(legacy=...), install "
        "twilio==7.5.1, whose client has fax, or let the stage be 'complete'"
    ) from missing
