"""The emulator that a suite runs on: faxes move on by themselves, and webhooks stay on this machine."""

from __future__ import annotations

from collections import deque
from ipaddress import ip_address
from typing import Any, Collection
from urllib.parse import urlsplit

from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat.testing.emulator import TelnyxEmulator

QUICK = RetryPolicy(
    backoff=0.01,
    backoff_max=0.05,
    lookups=(0.01, 0.02, 0.05),
    budget=10,
)
"""The retry policy of clients that do not set one: loopback needs no long pauses."""


class SuiteEmulator(TelnyxEmulator):
    """
    An emulator whose faxes move on in real time and at each read, and whose webhooks stay local.

    *due_events* are pairs of a webhook URL and its event. They are delivered over HTTP only to URLs of
    this machine, and not while *is_collected* is True.
    """

    def __init__(self) -> None:
        super().__init__(speed=1.0, moves_when_read=True)
        self.due_events: deque[tuple[str, dict[str, Any]]] = deque()
        self.is_collected = False

    def reset(self, keep: Collection[str] = ()) -> None:
        """Delete all faxes and events, as `TelnyxEmulator.reset` does."""
        super().reset(keep)
        self.webhook_url = None
        self.due_events.clear()
        self.is_collected = False

    def _announce(self, fax: Any, event: dict[str, Any]) -> None:
        url = fax.resource["webhook_url"] or self.webhook_url
        # At Twilio, the application's URL received incoming faxes only.
        if url and (fax.is_inbound or url != self.webhook_url):
            self.due_events.append((url, event))
        if url and (self.is_collected or not _is_of_this_machine(url)):
            self._events.append(event)
        else:
            super()._announce(fax, event)


def _is_of_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def let_time_pass() -> None:
    """Keep freezegun from stopping the emulator's clock."""
    try:
        import freezegun
    except ImportError:
        return
    freezegun.configure(extend_ignore_list=["twilio_fax_compat.testing", "uvicorn", "asyncio"])
