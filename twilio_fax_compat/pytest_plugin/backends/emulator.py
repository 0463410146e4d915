"""The local emulator as a backend: one for each process, which calls nobody beyond this machine."""

from __future__ import annotations

from collections import deque
from ipaddress import ip_address
from typing import Any, Collection
from urllib.parse import urlsplit

from attrs import evolve

from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.messages import Outcome, Send, TelnyxRequest
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.backends.network import Network
from twilio_fax_compat.pytest_plugin.doubles.http_stubs import active_cassette
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.testing.emulator import TelnyxEmulator

QUICK = RetryPolicy(
    backoff=0.01,
    backoff_max=0.05,
    lookups=(0.01, 0.02, 0.05),  # type: ignore[arg-type]
    budget=10,
)
"""How clients repeat themselves unless they say otherwise: loopback needs no long pauses."""


class SuiteEmulator(TelnyxEmulator):
    """
    An emulator whose faxes go on by real time and at each look, and whose events stay at home.

    *told* are the events with the URL that each was for. They are delivered by HTTP to URLs of
    this machine alone, and not while *is_collected* is set.
    """

    def __init__(self) -> None:
        super().__init__(speed=1.0, moves_when_read=True)
        self.told: deque[tuple[str, dict[str, Any]]] = deque()
        self.is_collected = False

    def reset(self, keep: Collection[str] = ()) -> None:
        """Begin anew, as `TelnyxEmulator.reset`."""
        super().reset(keep)
        self.webhook_url = None
        self.told.clear()
        self.is_collected = False

    def _announce(self, fax: Any, event: dict[str, Any]) -> None:
        url = fax.resource["webhook_url"] or self.webhook_url
        # The application's URL is that of incoming faxes, which is all that Twilio had there.
        if url and (fax.is_inbound or url != self.webhook_url):
            self.told.append((url, event))
        if url and (self.is_collected or not _is_of_this_machine(url)):
            self._events.append(event)
        else:
            super()._announce(fax, event)


class EmulatorBackend(Backend):
    """Telnyx as the emulator plays it."""

    name = "emulator"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.emulator = SuiteEmulator()
        self._network = Network()

    def start(self) -> None:
        """Start the emulator and lead the environment to it."""
        _let_time_pass_for_the_emulator()
        self.emulator.start()
        self.environ = self.emulator.environ
        super().start()

    def stop(self) -> None:
        """Stop it and put the environment back."""
        super().stop()
        self.emulator.stop()

    def fax_ids(self) -> set[str]:
        """Return the ids of all faxes."""
        return {fax["id"] for fax in self.emulator.faxes}

    def reset(self, keep: Collection[str] = ()) -> None:
        """Forget what a test left."""
        self.emulator.reset(keep)

    def settings(self, asked: TelnyxSettings) -> TelnyxSettings:
        """Return complete settings that lead to the emulator."""
        settings = super().settings(asked)
        return evolve(settings, retry=QUICK) if settings.retry == RetryPolicy() else settings

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Ask the emulator, past a blocked network and a cassette that is in use for something else."""
        with self._network.opened():
            if active_cassette() is None:
                return send(request)
            from vcr.patch import force_reset

            with force_reset():
                return send(request)


def _is_of_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _let_time_pass_for_the_emulator() -> None:
    """Keep freezegun, which freezes whatever it finds, from stopping the emulator's clock."""
    try:
        import freezegun
    except ImportError:
        return
    freezegun.configure(extend_ignore_list=["twilio_fax_compat.testing", "uvicorn", "asyncio"])
