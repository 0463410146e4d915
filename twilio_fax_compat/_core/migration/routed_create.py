"""
Send a fax through one of two providers.

A fax that one provider may have sent is not sent through the other: the send is remembered with its
provider, and an equal create continues it there.
"""

from __future__ import annotations

from typing import Any, Generator, Mapping

from attrs import evolve

from twilio_fax_compat._core.attempts import Attempt
from twilio_fax_compat._core.effects import KeepSend, LeaveSend
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.fax_api.remembering import begin_send, out_of_reach, settle_send
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.counters import (
    ACCEPTED,
    FALLBACK,
    UNSURE,
    create_counter,
    refused,
)
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX, Decision
from twilio_fax_compat._core.migration.effects import (
    Ask,
    Count,
    Decide,
    DryRun,
    Note,
    Providers,
    Record,
    Route,
    RouteEffect,
    provided,
)
from twilio_fax_compat._core.translation.ids import fax_id
from twilio_fax_compat._core.translation.send_keys import send_key


def send(request: TwilioRequest, providers: Providers) -> Route:
    """Send the fax of a create form through one provider."""
    decision: Decision = yield Decide(request.fields)
    key = send_key(request.fields, providers.salt)
    attempt = yield from begin_send(key, decision.provider, providers.retry, providers.account)
    if isinstance(attempt, TwilioResponse):
        return attempt
    is_complete = decision.stage == "complete"
    if attempt.is_retry and (
        attempt.provider not in providers.names or (attempt.provider == LEGACY and is_complete)
    ):
        yield LeaveSend(attempt)
        return out_of_reach(attempt)
    if attempt.provider != decision.provider:
        decision = evolve(decision, provider=attempt.provider, reason="retry")
    yield Record(decision, request.fields)
    was_retry = attempt.is_retry
    answer = yield from _by(attempt, request)
    if decision.stage == "shadow":
        yield DryRun(request.fields)
    can_fall_back = (
        providers.falls_back and providers.has_legacy and not is_complete and not was_retry
    )
    if attempt.provider == TELNYX and can_fall_back and _was_surely_not_sent(answer, attempt):
        yield Count(create_counter(TELNYX, FALLBACK))
        attempt.provider = LEGACY
        if attempt.key:
            yield KeepSend(attempt)
        yield Record(evolve(decision, provider=LEGACY, reason="fallback"), request.fields)
        answer = yield from _by(attempt, request)
    if answer.status >= 300 and not attempt.may_be_out:
        code = (answer.payload or {}).get("code")
        yield Count(create_counter(attempt.provider, refused(code)))
    yield from settle_send(attempt)
    return answer


def _by(attempt: Attempt, request: TwilioRequest) -> Generator[RouteEffect, Any, TwilioResponse]:
    """Return the answer of the attempt's provider, and note its result."""
    provider = attempt.provider
    if provider == LEGACY:
        was_out, attempt.may_be_out = attempt.may_be_out, True
    try:
        answer: TwilioResponse = yield Ask(provider, evolve(request, attempt=attempt))
    except GeneratorExit:
        raise
    except BaseException:
        yield Count(create_counter(provider, UNSURE))
        raise
    if provider == LEGACY and not _is_unclear(answer):
        # An earlier try may have been sent although this one was refused.
        attempt.may_be_out = was_out and answer.status >= 300
    if answer.status < 300:
        yield from _accepted(answer, provider)
    elif attempt.may_be_out:
        yield Count(create_counter(provider, UNSURE))
    return answer


def _accepted(answer: TwilioResponse, provider: str) -> Generator[RouteEffect, Any, None]:
    payload = answer.payload or {}
    key = fax_id(payload.get("sid"))
    if key is not None:
        yield Note(key, Facts(provider=provider))
    yield Count(create_counter(provider, ACCEPTED))
    answer.payload = provided(payload, provider)


def _is_unclear(answer: TwilioResponse) -> bool:
    # Twilio's API does not say whether it accepted the fax.
    return answer.status >= 500 or answer.status == 408


def _was_surely_not_sent(answer: TwilioResponse, attempt: Attempt) -> bool:
    if attempt.may_be_out:
        return False
    return 400 <= answer.status < 500 or _details(answer).get("sent") is False


def _details(answer: TwilioResponse) -> Mapping[str, Any]:
    details = (answer.payload or {}).get("details")
    return details if isinstance(details, dict) else {}
