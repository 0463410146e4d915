"""
The base class of the backends, one for each choice of ``--fax-backend``.

A backend answers the fax calls of a suite. It starts once for each process, before the suite is
imported, and is reset between tests.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping, Protocol

from attrs import evolve

from twilio_fax_compat._core.cassettes.recorded_account import Recorded
from twilio_fax_compat._core.messages import Outcome, Send, TelnyxRequest, TwilioResponse
from twilio_fax_compat._suite.environment import Variables
from twilio_fax_compat._suite.guard import RunGuard
from twilio_fax_compat.pytest_plugin.doubles.http_stubs import Double, is_untouched_original
from twilio_fax_compat.pytest_plugin.report.records import TelnyxCall, TwilioCall
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

    *environ* holds the environment variables of the run; *client_environ* points clients at the
    backend, which may be more than the environment shows. *guard* blocks what must not be reached.
    *takes_http_clients*: an ``http_client`` of Twilio's own class, with its timeouts and
    proxies, carries the requests. *replaces_twilio* is False only for the control run. *replay* is
    the backend itself if it converts Twilio recordings.
    """

    name = ""
    takes_http_clients = False
    replaces_twilio = True
    replay: Replay | None = None
    guard: RunGuard | None = None

    def __init__(self, config: Any) -> None:
        """Take pytest's *config*. Raises UsageError if the options do not allow the run."""
        self.environ: Mapping[str, str] = {}
        self._variables = Variables()

    @property
    def client_environ(self) -> Mapping[str, str]:
        """The environment variables that clients of this process use."""
        return self.environ

    def start(self) -> None:
        """Start, and set the environment variables."""
        self._variables.set(self.environ)

    def stop(self) -> None:
        """Stop, and restore the environment variables."""
        self._variables.restore()

    def for_workers(self) -> dict[str, Any]:
        """Return what a worker of pytest-xdist needs beyond its environment; empty for nothing."""
        return {}

    def join(self, given: Mapping[str, Any]) -> None:
        """Take over in a worker what `for_workers` returned in the main process."""

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

    def others(self) -> list[TelnyxCall]:
        """Return the fax requests of the current test that no client of this process made."""
        return []

    def reset(self, keep: Collection[str] = ()) -> None:
        """Delete what a test left, except the faxes whose ids are in *keep*."""

    def settings(self, given: TelnyxSettings) -> TelnyxSettings:
        """
        Return the complete settings of a client that was made with the settings *given*.

        The settings that point at the backend do not come from ``os.environ``, which a test may
        have replaced or cleared.
        """
        environ = self.client_environ
        own: dict[str, Any] = {
            name: environ[variable] for name, variable in ENVIRONMENT.items() if variable in environ
        }
        return evolve(given, **own).completed(environ)

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Return the response to *request*; the default calls *send*."""
        return send(request)
