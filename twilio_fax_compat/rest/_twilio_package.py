"""The client of the installed ``twilio`` package: for other products, and for fax in a roll-out."""

from __future__ import annotations

import inspect
from typing import Any, Callable

from twilio_fax_compat._preload import no_fork
from twilio_fax_compat.base.exceptions import TwilioException


class TwilioIsMissing(TwilioException):
    """The ``twilio`` package is not installed."""


def legacy_client(**arguments: Any) -> Any:
    """
    Return a ``twilio.rest.Client``, made with the *arguments* that the installed release accepts.

    Raises TwilioIsMissing if ``twilio`` is not installed.
    """
    from twilio_fax_compat._install import twilio_client_class

    with no_fork():
        cls = twilio_client_class()
    if cls is None:
        raise TwilioIsMissing(
            "every Twilio product except fax needs Twilio's own package: pip install twilio"
        )
    accepted = inspect.signature(cls.__init__).parameters
    return cls(
        **{
            name: value
            for name, value in arguments.items()
            if value is not None and name in accepted
        }
    )


def with_fax(make: Callable[[], Any]) -> Any:
    """
    Return the client that *make* returns.

    Raises TwilioException if that client has no ``fax``, or if ``twilio`` is not installed.
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
        "twilio==7.5.1, whose client has fax, or set the stage to 'complete'"
    ) from missing
