"""The live backend: the real Telnyx, with consent, for a list of numbers and a budget of faxes."""

from __future__ import annotations

import os
import re
from threading import Lock
from typing import Any

import pytest

from twilio_fax_compat._core.masking import mask_number
from twilio_fax_compat._core.messages import JSON, Outcome, Send, TelnyxRequest
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.settings import ENVIRONMENT


class LiveBackend(Backend):
    """
    Telnyx itself.

    Each worker of pytest-xdist has its share of the budget, so that all keep to it together.
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
                "TELNYX_API_KEY": os.environ.get("TELNYX_API_KEY"),
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
        self._budget = int(budget)
        self._config = config
        self.environ = {
            variable: os.environ[variable]
            for variable in ENVIRONMENT.values()
            if os.environ.get(variable)
        }
        self._counted: set[object] = set()
        self._lock = Lock()

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Ask Telnyx; fail the test if the request would send a fax that is not allowed."""
        if request.method == "POST" and request.path == "/faxes":
            self._count(request.body or {})
        return send(request)

    def _count(self, body: JSON) -> None:
        to, token = body.get("to"), body.get("client_state")
        if to not in self.allowed:
            pytest.fail(
                "nothing was sent: {} is not in the list of --fax-live-to".format(mask_number(to)),
                pytrace=False,
            )
        with self._lock:
            if token in self._counted:
                return  # a retry of the same fax
            self._counted.add(token)
            # A worker learns which one it is only after the start.
            share = share_of(self._budget, getattr(self._config, "workerinput", None))
            if len(self._counted) > share:
                pytest.fail(
                    "nothing was sent: the faxes of --fax-live-budget are used up", pytrace=False
                )


def share_of(budget: int, worker: Any) -> int:
    """Return how many of *budget* faxes the *worker* of this ``workerinput`` may send; None is alone."""
    if worker is None:
        return budget
    number, count = int(re.sub(r"[^0-9]", "", worker["workerid"]) or 0), worker["workercount"]
    # A worker that replaces a crashed one does not know what that one sent.
    return 0 if number >= count else budget // count + (number < budget % count)
