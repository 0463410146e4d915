"""Chooses what sends the core's requests to Telnyx: our own connections, or the caller's HTTP client."""

from __future__ import annotations

import inspect
from typing import Any

from twilio_fax_compat._core.messages import Send
from twilio_fax_compat._preload import preload
from twilio_fax_compat._telnyx.own_connections import OverOwnConnections, with_timeout
from twilio_fax_compat.http.http_client import is_untouched
from twilio_fax_compat.settings import TelnyxSettings

CALLERS_CLIENT = "twilio_fax_compat._telnyx.callers_client"
"""The module that only the caller's HTTP client needs."""


def sender(settings: TelnyxSettings, http_client: Any = None) -> Send:
    """
    Return the function that sends a `TelnyxRequest` and returns its `Outcome`.

    *http_client* is None for our own connections, an ``httpx.Client``, or an object with the
    ``request`` method of Twilio's HTTP clients. *settings* must be complete.

    Raises TwilioException for an asynchronous client, and for a proxy or CA certificates that cannot
    be used.
    """
    if http_client is None:
        return OverOwnConnections(settings)
    if is_untouched(http_client):
        return OverOwnConnections(with_timeout(settings, http_client.timeout), http_client)
    preload(CALLERS_CLIENT)
    from twilio_fax_compat._telnyx.callers_client import over_client

    return over_client(settings, http_client)


def is_asynchronous(http_client: Any) -> bool:
    """Return whether the ``request`` of *http_client* is a coroutine function."""
    return inspect.iscoroutinefunction(getattr(http_client, "request", None))
