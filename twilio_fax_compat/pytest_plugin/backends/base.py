"""
The base class of the backends, one for each choice of ``--fax-backend``.

A backend answers the fax calls of a suite. It starts once for each process, before the suite is
imported, and is reset between tests.
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
    """What a backend that converts Twilio recordings offers."""

    def asked_client(self, double: Double, url: str) -> Any:
        """Return an HTTP client that returns what *double* recorded, and uses no network."""

    def asked_url(self, url: str) -> str:
        """Return the recorded URL that belongs to *url*, which our client asked for."""

    def converted(
        self,
        call: TwilioCall,
        method: str,
        url: str,
        form: Mapping[str, object],
        recorded: Recorded,
        account_sid: str | None,
    ) -> TwilioResponse | None:
        """Return our client's response to the *recorded* one, or None; add details to *call*."""

    def unreached(self) -> list[str]:
        """Return the stubs of Twilio's fax API that the current test did not reach."""


class Backend:
    """
    The default behaviour of a backend.

    *environ* holds the environment variables that point clients at it. *takes_http_clients*: an
    ``http_client`` of Twilio's own class, with its timeouts and proxies, carries the requests.
    *replaces_twilio* is False only for the control run. *replay* is the backend itself if it
    converts Twilio recordings.
    """

    name = ""
    takes_http_clients = False
    replaces_twilio = True
    replay: Replay | None = None

    def __init__(self, config: Any) -> None:
        """Take pytest's *config*. Raises UsageError if the options do not allow the run."""
        self.environ: Mapping[str, str] = {}
        self._before: dict[str, str | None] = {}

    def start(self) -> None:
        """Start, and set the environment variables."""
        self._before = {name: os.environ.get(name) for name in self.environ}
        os.environ.update(self.environ)

    def stop(self) -> None:
        """Stop, and restore the environment variables."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}

    def begin(self, nodeid: str) -> None:
        """Prepare for the test *nodeid*."""

    def carrier(self, http_client: Any) -> Any:
        """Return the HTTP client to use for a client with *http_client*; None means our own."""
        if is_untouched_original(http_client) and not self.takes_http_clients:
            return None
        return http_client

    def fax_ids(self) -> set[str]:
        """Return the ids of all faxes, for backends that can delete them."""
        return set()

    def reset(self, keep: Collection[str] = ()) -> None:
        """Delete what a test left, except the faxes whose ids are in *keep*."""

    def settings(self, given: TelnyxSettings) -> TelnyxSettings:
        """
        Return the complete settings of a client that was made with the settings *given*.

        The settings that point at the backend do not come from ``os.environ``, which a test may
        have replaced or cleared.
        """
        own: dict[str, Any] = {
            name: self.environ[variable]
            for name, variable in ENVIRONMENT.items()
            if variable in self.environ
        }
        return evolve(given, **own).completed(self.environ)

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Return the response to *request*; the default calls *send*."""
        return send(request)
