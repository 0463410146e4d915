"""
What answers the fax calls of a suite: one class for each choice of ``--fax-backend``.

A backend is started once for each process, before the suite is imported, and reset between tests.
"""

from __future__ import annotations

import os
from typing import Any, Collection, Mapping, Protocol

from attrs import evolve

from twilio_fax_compat._core.cassettes.recorded_account import Recorded
from twilio_fax_compat._core.messages import Outcome, Send, TelnyxRequest, TwilioResponse
from twilio_fax_compat.pytest_plugin.doubles.http_stubs import Double, is_untouched_original
from twilio_fax_compat.pytest_plugin.report.records import TwilioCall
from twilio_fax_compat.settings import ENVIRONMENT, TelnyxSettings


class Replay(Protocol):
    """What a backend offers that converts recordings of Twilio."""

    def asked_client(self, double: Double, url: str) -> Any:
        """Return the HTTP client that gives what *double* recorded, and asks no network."""

    def asked_url(self, url: str) -> str:
        """Return the recorded URL for which our client asks as *url*."""

    def converted(
        self,
        call: TwilioCall,
        method: str,
        url: str,
        form: Mapping[str, object],
        recorded: Recorded,
        account_sid: str | None,
    ) -> TwilioResponse | None:
        """Return what our client makes of what was *recorded*, or None, and note it in *call*."""

    def unreached(self) -> list[str]:
        """Return the stubs of Twilio's fax API that the current test did not reach."""


class Backend:
    """
    What a backend does unless it says otherwise.

    *environ* are the variables that lead to it. *takes_http_clients* says whether an
    ``http_client`` of Twilio's own class, which has timeouts and proxies, carries the requests.
    *replaces_twilio* is False for the control run alone. *replay* is the backend itself
    where it converts recordings of Twilio.
    """

    name = ""
    takes_http_clients = False
    replaces_twilio = True
    replay: Replay | None = None

    def __init__(self, config: Any) -> None:
        """Take pytest's *config*. Raises UsageError when the run must not begin."""
        self.environ: Mapping[str, str] = {}
        self._before: dict[str, str | None] = {}

    def start(self) -> None:
        """Begin, and set the environment variables."""
        self._before = {name: os.environ.get(name) for name in self.environ}
        os.environ.update(self.environ)

    def stop(self) -> None:
        """End, and put the environment back."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}

    def begin(self, nodeid: str) -> None:
        """Make ready for a test."""

    def carrier(self, http_client: Any) -> Any:
        """Return what carries requests of a client with that *http_client*; None is our own."""
        if is_untouched_original(http_client) and not self.takes_http_clients:
            return None
        return http_client

    def fax_ids(self) -> set[str]:
        """Return the ids of the faxes that are there, for backends that can forget them."""
        return set()

    def reset(self, keep: Collection[str] = ()) -> None:
        """Forget what a test left, but for the faxes whose ids are in *keep*."""

    def settings(self, asked: TelnyxSettings) -> TelnyxSettings:
        """
        Return the settings of a client that was made with those *asked*, complete.

        What leads to the backend is not read from the environment of now, which a test may have
        replaced or cleared.
        """
        found: dict[str, Any] = {
            name: self.environ[variable]
            for name, variable in ENVIRONMENT.items()
            if variable in self.environ
        }
        return evolve(asked, **found).completed(self.environ)

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Answer *request*, as a rule by means of *send*."""
        return send(request)
