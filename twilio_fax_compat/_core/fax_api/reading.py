"""Read a fax or a list of faxes from Telnyx."""

from __future__ import annotations

from typing import Any, Generator

from twilio_fax_compat._core.effects import Effect
from twilio_fax_compat._core.fax_api.retries import Tried, repeated
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import (
    JSON,
    Failure,
    Outcome,
    TelnyxRequest,
    TelnyxResponse,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.errors import (
    foreign_body,
    from_failure,
    from_telnyx,
    problem,
    telnyx_errors,
)
from twilio_fax_compat._core.translation.ids import fax_sid


def read_fax(
    fax_id: str, path: str, settings: FlowSettings
) -> Generator[Effect, Any, JSON | TwilioResponse]:
    """Return the fax, or Twilio's error if it cannot be read."""
    answer = yield from ask_for(fax_id, settings)
    fax = resource_of(answer)
    return error_of(answer, path) if fax is None else fax


def ask_for(fax_id: str, settings: FlowSettings) -> Generator[Effect, Any, Outcome]:
    """Return Telnyx's answer to ``GET /faxes/{id}``."""
    tried: Tried = yield from repeated(TelnyxRequest("GET", f"/faxes/{fax_id}"), settings.retry)
    return tried.outcome


def resource_of(outcome: Outcome) -> JSON | None:
    """Return the fax inside an answer, or None if the answer has none."""
    return None if isinstance(outcome, Failure) else outcome.resource()


def error_of(outcome: Outcome, path: str) -> TwilioResponse:
    """Return Twilio's error for an answer without the fax or list that was asked for."""
    if isinstance(outcome, Failure):
        return from_failure(outcome)
    if 200 <= outcome.status < 400:
        hint = foreign_body(outcome)
        return problem(
            502,
            20500,
            f"Telnyx answered HTTP {outcome.status} without a readable body"
            + (f": {hint}" if hint else ""),
            {"errors": telnyx_errors(outcome), "telnyx_status": outcome.status},
        )
    return from_telnyx(outcome, path)


def is_ambiguous(status: int) -> bool:
    """Return whether Telnyx may have accepted a fax although it answered a POST with *status*."""
    return status >= 500 or status == 408 or status < 400


def is_telnyx_error(response: TelnyxResponse) -> bool:
    """Return whether Telnyx itself, and not a gateway, answered with an error and is done with it."""
    # After a 504 the request may still be carried out behind the one that answered.
    return (
        response.status >= 500
        and response.status != 504
        and any(isinstance(error, dict) and error.get("code") for error in telnyx_errors(response))
    )


def accepted_fax(response: TelnyxResponse) -> JSON | None:
    """
    Return the fax inside a 2xx answer to a POST, or None if the answer has none with a usable id.

    Its token and numbers are not compared: a scrubbed recording has others.
    """
    fax = response.resource()
    return fax if fax is not None and fax_sid(fax.get("id")) else None


def readable_list(outcome: Outcome) -> tuple[list[JSON], bool] | None:
    """Return the faxes of a list answer and whether it is the last page; None if unreadable."""
    if isinstance(outcome, Failure) or outcome.status != 200:
        return None
    answer = outcome.json() or {}
    faxes = answer.get("data")
    if not isinstance(faxes, list) or not all(isinstance(fax, dict) for fax in faxes):
        return None
    meta = answer.get("meta")
    number, total = (
        (meta.get("page_number"), meta.get("total_pages")) if isinstance(meta, dict) else (0, 0)
    )
    if isinstance(number, int) and isinstance(total, int) and number > 0:
        return faxes, number >= total
    return faxes, not faxes
