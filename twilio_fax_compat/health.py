"""Whether this package can work now, for the health check of an application."""

from __future__ import annotations

import os
from typing import Any, Mapping

from attrs import evolve, frozen

from twilio_fax_compat._core.messages import Failure, TelnyxRequest
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger._opening import chosen_ledger
from twilio_fax_compat.settings import TelnyxSettings


@frozen
class Readiness:
    """
    Whether everything that was asked works, and per part what is wrong.

    *parts* has ``ledger`` and ``telnyx``: None if the part works, else a text without private data.
    """

    parts: Mapping[str, str | None]

    @property
    def is_ready(self) -> bool:
        """Whether no part has a trouble."""
        return not any(self.parts.values())

    def __bool__(self) -> bool:
        return self.is_ready

    def as_json(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {"ready": self.is_ready, **{name: why or "ok" for name, why in self.parts.items()}}


def ready(
    *,
    ledger: Ledger | str | None = None,
    telnyx: TelnyxSettings | bool = True,
    timeout: float = 2.0,
    environ: Mapping[str, str] | None = None,
) -> Readiness:
    """
    Ask the ledger and Telnyx whether they answer. Nothing is sent and nothing is written.

    *ledger* is a ledger or its URL, by default the application's. *telnyx* are the settings of the
    client, True for those of the environment, and False to leave Telnyx out: its outage does not mean
    that this process should be restarted. Telnyx gets *timeout* seconds and is asked once; the ledger
    gets its own timeout.

    Never raises for what does not work: the result says it.
    """
    environ = os.environ if environ is None else environ
    parts = {"ledger": _trouble_of_ledger(ledger, environ)}
    if telnyx is not False:
        settings = TelnyxSettings() if telnyx is True else telnyx
        parts["telnyx"] = _trouble_of_telnyx(settings, timeout, environ)
    return Readiness(parts)


def _trouble_of_ledger(ledger: Ledger | str | None, environ: Mapping[str, str]) -> str | None:
    try:
        chosen_ledger(ledger, environ).waiting()
    except (LedgerUnavailable, TwilioException, ImportError) as error:
        return str(error)
    return None


def _trouble_of_telnyx(
    settings: TelnyxSettings, timeout: float, environ: Mapping[str, str]
) -> str | None:
    try:
        complete = settings.completed(environ)
        send = sender(evolve(complete, timeout=timeout, connect_timeout=timeout))
        outcome = send(TelnyxRequest("GET", "/faxes", (("page[size]", "1"),), timeout=timeout))
    except (TwilioException, ImportError) as error:
        return str(error)
    if isinstance(outcome, Failure):
        return f"no answer: {outcome.summary}"
    return None if outcome.status == 200 else f"HTTP {outcome.status}"
