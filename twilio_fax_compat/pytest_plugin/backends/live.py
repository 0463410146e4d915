"""The live backend: the real Telnyx, with consent, for a list of numbers and a budget of faxes."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from twilio_fax_compat._core.masking import mask_number
from twilio_fax_compat._core.messages import JSON, Outcome, Send, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._suite.guard import FAX_ONLY, Address, RunGuard
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.backends.budget import Budget
from twilio_fax_compat.pytest_plugin.backends.network import Network
from twilio_fax_compat.pytest_plugin.report.records import TelnyxCall
from twilio_fax_compat.settings import DEFAULT_BASE_URL, ENVIRONMENT

KEY = "TELNYX_API_KEY"
NOBODY: Address = ("127.0.0.1", 9)
"""An address where nobody listens."""

HIDDEN = {KEY: "KEY_of_the_live_run", "TELNYX_BASE_URL": "http://{}:{}/v2".format(*NOBODY)}
"""What the environment has during the run, so that child processes cannot send faxes."""

_WHY = (
    "with --fax-backend={} only a Twilio client of the test process sends faxes, "
    "so that the numbers and the budget are checked"
)


class LiveBackend(Backend):
    """
    Telnyx itself.

    The key and the address of Telnyx are kept here and not in the environment. Connections to
    Telnyx are blocked, except for requests that `send` has checked. All processes of the run count
    their faxes in one file.
    """

    name = "live"
    takes_http_clients = True

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        options = config.known_args_namespace
        option = getattr(options, "fax_live_budget", None)
        budget = config.getini("fax_live_budget") if option is None else option
        numbers = [*options.fax_live_to, *config.getini("fax_live_to")]
        missing = [
            wanted
            for wanted, given in {
                "--fax-live-yes-really-send": options.fax_live_yes_really_send,
                "--fax-live-to=NUMBER": numbers,
                "--fax-live-budget=N": budget not in (None, ""),
                KEY: os.environ.get(KEY),
                "TELNYX_CONNECTION_ID": os.environ.get("TELNYX_CONNECTION_ID"),
            }.items()
            if not given
        ]
        if missing:
            raise pytest.UsageError(
                "--fax-backend={} sends real faxes, which cost money; it also needs {}".format(
                    self.name, ", ".join(missing)
                )
            )
        if not re.fullmatch(r"[0-9]+", str(budget)):
            raise pytest.UsageError("--fax-live-budget must be a number of faxes, 0 or more")
        self.allowed = frozenset(number.strip() for number in numbers)
        self.environ = HIDDEN
        self._kept: Mapping[str, str] = {
            "TELNYX_BASE_URL": DEFAULT_BASE_URL,
            **{
                variable: os.environ[variable]
                for variable in ENVIRONMENT.values()
                if os.environ.get(variable)
            },
        }
        self._number = int(budget)
        self._network = Network(with_sockets=False)
        self._folder = ""
        self._budget = Budget("", 0)
        self._seen: set[str] = set()
        self.guard = RunGuard(
            FAX_ONLY, _WHY.format(self.name), addresses=self._addresses(), past_proxies=False
        )

    @property
    def client_environ(self) -> Mapping[str, str]:
        """The environment variables with the true key and address."""
        return self._kept

    def start(self) -> None:
        """Hide the key and the address, and begin to count."""
        if self._kept[KEY] != HIDDEN[KEY]:
            self._folder = tempfile.mkdtemp(prefix="twilio-fax-compat-")
            self._budget = Budget(str(Path(self._folder) / "budget"), self._number)
        super().start()

    def stop(self) -> None:
        """Restore the environment variables."""
        super().stop()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def for_workers(self) -> dict[str, Any]:
        """Return what a worker of pytest-xdist needs: its environment does not have it."""
        return {"environ": dict(self._kept), "budget": self._budget.path}

    def join(self, given: Mapping[str, Any]) -> None:
        """Take over what the main process of the run gave to this worker."""
        self._kept = given["environ"]
        self._budget = Budget(given["budget"], self._number)
        assert self.guard is not None
        self.guard.block(self._addresses())

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Ask Telnyx; fail the test if the request would send a fax that is not allowed."""
        token = None
        if request.method == "POST" and request.path == "/faxes":
            token = self._check(request.body or {})
        assert self.guard is not None
        with self._network.opened(), self.guard.open():
            outcome = send(request)
        if token is not None and isinstance(outcome, TelnyxResponse):
            self._budget.note(token, outcome.status)
        return outcome

    def begin(self, nodeid: str) -> None:
        """Prepare for the test *nodeid*."""
        self._seen = set(self._sent_by_forks())

    def others(self) -> list[TelnyxCall]:
        """Return the faxes that forks of this process sent in the current test."""
        return [
            TelnyxCall("POST", "/faxes", status=status)
            for token, status in self._sent_by_forks().items()
            if token not in self._seen
        ]

    def _sent_by_forks(self) -> Mapping[str, int | None]:
        return self._budget.sent_by_forks() if self._budget.path else {}

    def _check(self, body: JSON) -> str:
        """Return the token of a fax that may be sent; any other fails the test."""
        to, token = body.get("to"), body.get("client_state")
        if to not in self.allowed:
            self._refuse("{} is not in the list of --fax-live-to".format(mask_number(to)))
        if not self._budget.path:
            self._refuse(
                "this process got no key of the live run; a worker of pytest-xdist gets it after "
                "the conftest files were imported"
            )
        token = str(token or uuid4())
        if not self._budget.take(token):
            self._refuse("the faxes of --fax-live-budget are used up")
        return token

    def _refuse(self, why: str) -> None:
        text = "nothing was sent: " + why
        assert self.guard is not None
        self.guard.report_from_child(text)
        pytest.fail(text, pytrace=False)

    def _addresses(self) -> list[Address]:
        parts = urlsplit(self._kept["TELNYX_BASE_URL"])
        host, port = parts.hostname or "", parts.port
        hosts = {host, "127.0.0.1", "::1"} if host in ("localhost", "127.0.0.1", "::1") else {host}
        addresses = [
            (name, port or (80 if parts.scheme == "http" else 443)) for name in sorted(hosts)
        ]
        # Child processes that ask the address of the environment get a clear error as well.
        return [*addresses, NOBODY]
