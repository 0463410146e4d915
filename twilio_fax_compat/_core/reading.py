"""Asking Telnyx for one fax, which every conversation about a fax begins or ends with."""

from __future__ import annotations

from typing import Any, Generator

from twilio_fax_compat._core.messages import (
    JSON,
    Effect,
    Failure,
    Outcome,
    TelnyxRequest,
    TwilioResponse,
)
from twilio_fax_compat._core.problems import from_failure, from_telnyx, problem, telnyx_errors
from twilio_fax_compat._core.retries import Tried, repeated
from twilio_fax_compat._core.sending import Setup


def read_fax(fax_id: str, path: str, setup: Setup) -> Generator[Effect, Any, JSON | TwilioResponse]:
    """Return the fax, or Twilio's error for its absence."""
    answer = yield from ask_for(fax_id, setup)
    fax = resource_of(answer)
    return error_of(answer, path) if fax is None else fax


def ask_for(fax_id: str, setup: Setup) -> Generator[Effect, Any, Outcome]:
    """Return what Telnyx answers to a look at the fax."""
    tried: Tried = yield from repeated(TelnyxRequest("GET", f"/faxes/{fax_id}"), setup.retry)
    return tried.outcome


def resource_of(outcome: Outcome) -> JSON | None:
    """Return the fax inside an answer, or None when there is none to be read."""
    return None if isinstance(outcome, Failure) else outcome.resource()


def error_of(outcome: Outcome, path: str) -> TwilioResponse:
    """Return Twilio's error for an answer that holds nothing useful."""
    if isinstance(outcome, Failure):
        return from_failure(outcome)
    if 200 <= outcome.status < 400:
        return problem(
            502,
            20500,
            f"Telnyx answered HTTP {outcome.status} without anything to read",
            {"errors": telnyx_errors(outcome), "telnyx_status": outcome.status},
        )
    return from_telnyx(outcome, path)
