"""Cancel and delete a fax."""

from __future__ import annotations

from typing import Mapping

from twilio_fax_compat._core.effects import Flow, Pause, Remember
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.fax_api.fetch import (
    POLLS,
    _shown_fax,
    fetch,
)
from twilio_fax_compat._core.fax_api.reading import error_of, read_fax
from twilio_fax_compat._core.fax_api.retries import Tried, repeated
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import (
    JSON,
    Failure,
    TelnyxRequest,
    TelnyxResponse,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.errors import (
    from_failure,
    from_telnyx,
    problem,
    refuses_state,
)
from twilio_fax_compat._core.translation.statuses import is_terminal


def update(fax_id: str, fields: Mapping[str, object], path: str, settings: FlowSettings) -> Flow:
    """
    Cancel the fax and return 200 with its new state.

    Telnyx accepts a cancellation before it carries it out, so the fax is read until its status is
    final, a few times at most. Without ``Status`` this is a fetch, as at Twilio.
    """
    status = fields.get("Status")
    if status is None:
        return (yield from fetch(fax_id, path, settings))
    if status != "canceled":
        return problem(400, 20422, "status: the only status a fax can be given is 'canceled'")
    request = TelnyxRequest("POST", f"/faxes/{fax_id}/actions/cancel")
    tried: Tried = yield from repeated(request, settings.retry)
    outcome = tried.outcome
    if isinstance(outcome, Failure):
        if outcome.sent:
            yield Remember(fax_id, Facts(cancel_asked=True))
        return from_failure(outcome)
    accepted = 200 <= outcome.status < 300
    if not accepted and not (tried.unsure and refuses_state(outcome)):
        return from_telnyx(outcome, path)
    yield Remember(fax_id, Facts(cancel_asked=True))
    fax: JSON = {}
    for seconds in (0.0, *POLLS):
        if seconds:
            yield Pause(seconds)
        answer = yield from read_fax(fax_id, path, settings)
        if isinstance(answer, TwilioResponse):
            return answer
        fax = answer
        if is_terminal(fax.get("status")):
            break
    return (yield from _shown_fax(fax_id, fax, settings))


def delete(fax_id: str, path: str, settings: FlowSettings) -> Flow:
    """Delete the fax and its media: 204."""
    tried = yield from repeated(TelnyxRequest("DELETE", f"/faxes/{fax_id}"), settings.retry)
    outcome = tried.outcome
    if isinstance(outcome, TelnyxResponse) and (
        200 <= outcome.status < 300 or (tried.unsure and outcome.status == 404)
    ):
        return TwilioResponse(204)
    return error_of(outcome, path)
