"""The emulator backend: a local Telnyx for each process; nothing leaves this machine."""

from __future__ import annotations

from collections import Counter
from typing import Any, Collection

from attrs import evolve

from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.messages import Outcome, Send, TelnyxRequest
from twilio_fax_compat._suite.emulator import QUICK, SuiteEmulator, let_time_pass
from twilio_fax_compat._suite.guard import EVERY_PROVIDER, RunGuard
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.backends.network import Network
from twilio_fax_compat.pytest_plugin.doubles.http_stubs import active_cassette
from twilio_fax_compat.pytest_plugin.report.records import TelnyxCall
from twilio_fax_compat.settings import TelnyxSettings


class EmulatorBackend(Backend):
    """The emulator answers the fax calls."""

    name = "emulator"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.emulator = SuiteEmulator()
        self.guard = RunGuard(
            EVERY_PROVIDER,
            "with --fax-backend=emulator no request leaves this machine",
            install=True,
        )
        self._own: Counter[tuple[str, str]] = Counter()
        self._seen = 0
        self._network = Network()

    def start(self) -> None:
        """Start the emulator and point the environment variables at it."""
        let_time_pass()
        self.emulator.start()
        self.environ = self.emulator.environ
        super().start()

    def stop(self) -> None:
        """Stop the emulator and restore the environment variables."""
        super().stop()
        self.emulator.stop()

    def begin(self, nodeid: str) -> None:
        """Prepare for the test *nodeid*."""
        self._own.clear()
        self._seen = len(self.emulator.journal)

    def others(self) -> list[TelnyxCall]:
        """Return the fax requests of the current test that no client of this process made."""
        own = Counter(self._own)
        calls = []
        for exchange in self.emulator.journal[self._seen :]:
            key = exchange.method, exchange.path
            if own[key]:
                own[key] -= 1
            elif exchange.path.startswith("/v2/faxes"):
                path = exchange.path[len("/v2") :]
                calls.append(TelnyxCall(exchange.method, path, status=exchange.status))
        return calls

    def fax_ids(self) -> set[str]:
        """Return the ids of all faxes."""
        return {fax["id"] for fax in self.emulator.faxes}

    def reset(self, keep: Collection[str] = ()) -> None:
        """Delete what a test left, except the faxes whose ids are in *keep*."""
        self.emulator.reset(keep)

    def settings(self, given: TelnyxSettings) -> TelnyxSettings:
        """Return complete settings that point at the emulator."""
        settings = super().settings(given)
        return evolve(settings, retry=QUICK) if settings.retry == RetryPolicy() else settings

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Ask the emulator, even if the suite blocks the network or another API's cassette is active."""
        self._own[request.method, "/v2" + request.path] += 1
        with self._network.opened():
            if active_cassette() is None:
                return send(request)
            from vcr.patch import force_reset

            with force_reset():
                return send(request)
