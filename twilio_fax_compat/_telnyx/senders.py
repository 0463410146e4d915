"""
What all that sends the core's requests to Telnyx has in common: the URL, the headers and the log line.

The most important fact about a failure is whether the request may have left this machine.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import evolve

from twilio_fax_compat._core.messages import Outcome, TelnyxRequest, TelnyxResponse, query_text
from twilio_fax_compat._preload import preload
from twilio_fax_compat._version import __version__
from twilio_fax_compat.http._limits import WHOLE, Deadline
from twilio_fax_compat.http._signals import is_of_signal_handler
from twilio_fax_compat.settings import TelnyxSettings

if TYPE_CHECKING:
    import httpx

    from twilio_fax_compat._telnyx.own_request import OwnRequest

logger = logging.getLogger("twilio_fax_compat")

FAILURES = "twilio_fax_compat._telnyx.failures"
"""The module that only a request without an answer needs."""


class BaseSender:
    """The base class: the URL, the headers, and the log line of a request."""

    content_type = "application/json"

    def __init__(self, settings: TelnyxSettings) -> None:
        self.settings = settings
        self.base_url = settings.base_url or ""
        self.headers: dict[str, str] = {
            "Authorization": "Bearer {}".format(settings.api_key),
            "User-Agent": "twilio-fax-compat/{} (Python {})".format(
                __version__, sys.version.split()[0]
            ),
            "Accept": "application/json",
        }
        self.body_headers = {**self.headers, "Content-Type": self.content_type}

    def __call__(self, request: TelnyxRequest) -> Outcome:
        # An exception that the program is handling is not about this request.
        outcome = self.send(request, sys.exc_info()[1])
        self.log(request, outcome)
        return outcome

    def log(self, request: TelnyxRequest, outcome: Outcome) -> None:
        """Write the log line of *request*."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s /v2%s -> %s", request.method, request.path, _outcome_text(outcome))

    def send(self, request: TelnyxRequest, handled: BaseException | None) -> Outcome:
        raise NotImplementedError

    def outcome(
        self,
        error: Exception,
        handled: BaseException | None,
        own_request: OwnRequest | None = None,
    ) -> Outcome:
        """
        Return what *error* means for a request, with the host if it could not be reached.

        An exception that a signal handler of the program raised is raised again, also if the HTTP client
        took it for its own: a time limit is often a TimeoutError.
        """
        preload(FAILURES)
        from twilio_fax_compat._telnyx.failures import as_httpx, chain, outcome_of

        # urllib3 gives the traceback to its own exception, too: the innermost is the program's.
        for link in reversed(chain(error, handled)):
            if is_of_signal_handler(link):
                raise link
        outcome = outcome_of(as_httpx(error), handled, own_request, self.settings.api_key or "")
        if isinstance(outcome, TelnyxResponse) or outcome.sent:
            return outcome
        return evolve(outcome, summary=f"{outcome.summary} ({self.route()})")

    def route(self) -> str:
        """Return where requests go, and which settings say so, for an error message."""
        return f"the host of TELNYX_BASE_URL is {urlsplit(self.base_url).netloc}"

    def deadline(
        self, client: httpx.Client | httpx.AsyncClient, request: TelnyxRequest
    ) -> Deadline:
        """Return the deadline of a response that *client* reads, from now on."""
        # The timeout of one part is the client's, or a longer one of the settings.
        seconds = max(client.timeout.read or 0.0, self.settings.timeout) * WHOLE
        return Deadline(seconds if request.timeout is None else min(seconds, request.timeout))

    def url(self, request: TelnyxRequest) -> str:
        return self.base_url + request.path + query_text(request.query)

    def parts(self, request: TelnyxRequest) -> tuple[dict[str, str], str | None]:
        if request.body is None:
            return self.headers, None
        return self.body_headers, json.dumps(request.body)


def _outcome_text(outcome: Outcome) -> str:
    if isinstance(outcome, TelnyxResponse):
        return str(outcome.status)
    return "{} ({})".format(outcome.summary, "sent" if outcome.sent else "not sent")
