"""
Send a fax at most once.

``POST /faxes`` has no idempotency of its own (https://developers.telnyx.com/docs/development/
api-fundamentals/idempotency lists where it exists). So every fax carries a token, and the token is
remembered before the request leaves, until the end of the send is known. If an answer is lost, Telnyx
is asked for a fax with that token before anything else happens, by this call or by the next equal one.
"""

from __future__ import annotations

from typing import Any, Generator, Mapping

from attrs import define, field

from twilio_fax_compat._core.attempts import TELNYX, Attempt
from twilio_fax_compat._core.effects import (
    Effect,
    Elapsed,
    EndSend,
    Flow,
    KeepSend,
    LeaveSend,
    NewToken,
)
from twilio_fax_compat._core.fax_api.lookup import Lookup, Unknown
from twilio_fax_compat._core.fax_api.reading import (
    accepted_fax,
    is_ambiguous,
    is_telnyx_error,
)
from twilio_fax_compat._core.fax_api.remembering import (
    begin_send,
    not_settled,
    out_of_reach,
    settle_send,
)
from twilio_fax_compat._core.fax_api.retries import (
    OUT_OF_TIME,
    Budget,
    RetryPolicy,
    rate_limit_pause,
)
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import (
    JSON,
    Failure,
    Outcome,
    TelnyxRequest,
    TelnyxResponse,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.client_state import pack
from twilio_fax_compat._core.translation.create_form import FaxRequest, parse_create_form
from twilio_fax_compat._core.translation.errors import (
    from_failure,
    from_telnyx,
    problem,
    telnyx_errors,
)
from twilio_fax_compat._core.translation.faxes import created_payload
from twilio_fax_compat._core.translation.send_keys import send_key
from twilio_fax_compat._core.translation.times import utc_text


def create(
    fields: Mapping[str, object],
    path: str,
    settings: FlowSettings,
    attempt: Attempt | None = None,
) -> Flow:
    """
    Send the fax that a Twilio create form (*fields*, by wire name) asks for, at most once.

    *path* is the Twilio path for error messages. *attempt* is the remembered send, if the caller
    keeps it; else it is begun and settled here. Returns 201 and the payload of the new fax.
    """
    fax_request = parse_create_form(fields, settings.connection_id, settings.unsupported)
    if isinstance(fax_request, TwilioResponse):
        return fax_request
    yield from fax_request.warnings
    if attempt is not None:
        return (yield from _send(fax_request, attempt, path, settings))
    key = send_key(fields, settings.account_sid or "")
    begun = yield from begin_send(key, TELNYX, settings.retry, settings.account)
    if isinstance(begun, TwilioResponse):
        return begun
    if begun.is_retry and begun.provider != TELNYX:
        yield LeaveSend(begun)
        return out_of_reach(begun)
    response = yield from _send(fax_request, begun, path, settings)
    yield from settle_send(begun)
    return response


def _send(
    fax_request: FaxRequest, attempt: Attempt, path: str, settings: FlowSettings
) -> Generator[Effect, Any, TwilioResponse]:
    if fax_request.status_callback is not None:
        fax_request.body["webhook_url"] = settings.webhook_url or fax_request.status_callback
    sending = Sending(
        fax_request,
        attempt,
        settings.retry,
        Budget(settings.retry),
        settings.account_sid,
        settings.account,
    )
    answer = yield from sending.run()
    if isinstance(answer, dict):
        return TwilioResponse(201, created_payload(answer, settings.account_sid, settings.api_url))
    if isinstance(answer, TelnyxResponse):
        return from_telnyx(answer, path)
    return answer


@define
class Sending:
    """One send: its request, its attempt, and the limits that remain."""

    fax_request: FaxRequest
    attempt: Attempt
    policy: RetryPolicy
    budget: Budget
    account_sid: str | None
    account: str
    failures: int = 0
    resends: int = 0
    lookup: Lookup = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.lookup = Lookup(self.fax_request, self.attempt, self.policy, self.budget)

    def run(self) -> Generator[Effect, Any, JSON | TelnyxResponse | TwilioResponse]:
        """Return the accepted fax, Telnyx's definite refusal, or the error of a lost answer."""
        self._sign()
        if self.attempt.is_retry:
            answer = yield from self._resume()
            if answer is not None:
                return answer
        limited: TelnyxResponse | None = None
        while True:
            outcome = yield from self._post()
            if outcome is OUT_OF_TIME and limited is not None:
                return limited
            if isinstance(outcome, Failure) and not outcome.sent:
                self.attempt.may_be_out = False
                self.failures += 1
                pause = None
                if self.failures < self.policy.attempts and outcome is not OUT_OF_TIME:
                    pause = yield from self.budget.pause()
                if pause is None:
                    return from_failure(outcome)
                yield pause
                continue
            if isinstance(outcome, TelnyxResponse):
                fax = accepted_fax(outcome)
                if fax is not None:
                    self.attempt.may_be_out = False
                    return fax
                if outcome.status == 429:
                    limited = outcome
                    self.attempt.may_be_out = False
                    pause = yield from rate_limit_pause(outcome, self.budget)
                    if pause is None:
                        return outcome
                    yield pause
                    continue
                if not is_ambiguous(outcome.status):
                    self.attempt.may_be_out = False
                    return outcome
            yield from self.lookup.read_clock(outcome)
            found = yield from self.lookup.look()
            if isinstance(found, dict):
                self.attempt.may_be_out = False
                return found
            if isinstance(found, Unknown):
                return self._may_have_been_sent(outcome, found.why)
            if not (yield from self._cannot_arrive_later(outcome)):
                return self._may_have_been_sent(outcome, "Telnyx does not have it yet")
            if self.resends >= self.policy.resends:
                self.attempt.may_be_out = False
                return surely_not_sent(outcome)
            self.resends += 1

    def _sign(self) -> None:
        body = self.fax_request.body
        body["client_state"] = pack(self.attempt.token, body["store_media"], self.account_sid)

    def _post(self) -> Generator[Effect, Any, Outcome]:
        left = yield from self.budget.left()
        if left <= 0:
            return OUT_OF_TIME
        # What a lost answer needs afterwards is left for it.
        timeout = max(left - self.policy.look_time, left / 2)
        self.attempt.leaves()
        self.lookup.sent_at = yield Elapsed()
        outcome: Outcome = yield TelnyxRequest("POST", "/faxes", (), self.fax_request.body, timeout)
        return outcome

    def _cannot_arrive_later(self, outcome: Outcome) -> Generator[Effect, Any, bool]:
        if isinstance(outcome, TelnyxResponse) and is_telnyx_error(outcome):
            return True
        return (yield from self.lookup.age()) >= self.policy.resend_after

    def _resume(self) -> Generator[Effect, Any, JSON | TwilioResponse | None]:
        """Look for what an earlier call may have sent; return None if it is to be sent now."""
        attempt = self.attempt
        found = yield from self.lookup.look()
        fax = found if isinstance(found, dict) else None
        if (yield from self.lookup.is_outdated(fax)):
            # That was another fax, long ago. This one is new.
            yield EndSend(attempt)
            token: str = yield NewToken()
            attempt.token, attempt.at, attempt.is_open = token, None, True
            attempt.account = self.account
            attempt.is_retry = attempt.may_be_out = False
            self._sign()
            yield KeepSend(attempt)
            return None
        if fax is not None:
            attempt.may_be_out = False
            return fax
        if self._is_of_another_account():
            yield from self.lookup.age()  # notes the time, from which the send gets old
            return out_of_reach(attempt, is_other_account=True)
        if isinstance(found, Unknown):
            return self._may_have_been_sent(None, found.why)
        if (yield from self.lookup.age()) < self.policy.resend_after:
            return self._may_have_been_sent(None, "Telnyx does not have it yet")
        attempt.at = None
        yield KeepSend(attempt)
        return None

    def _is_of_another_account(self) -> bool:
        accounts = self.attempt.account, self.account
        return all(accounts) and accounts[0] != accounts[1]

    def _may_have_been_sent(self, outcome: Outcome | None, why: str) -> TwilioResponse:
        since = self.lookup.since()
        bound = "" if since is None else f"&filter[created_at][gte]={utc_text(since)}"
        happened = "an earlier create ended without an answer"
        if outcome is not None:
            happened = _what_happened(outcome)
        client_state = self.fax_request.body["client_state"]
        details: JSON = {
            "errors": _errors(outcome),
            "client_state": client_state,
            "look_up": f"/v2/faxes?filter[direction][eq]=outbound{bound}",
        }
        return not_settled(
            self.attempt,
            _status_of(outcome),
            f"{happened}, and {why}",
            f"look in GET /v2/faxes for client_state {client_state}",
            details,
            outcome.cause if isinstance(outcome, Failure) else None,
        )


def surely_not_sent(outcome: Outcome) -> TwilioResponse:
    """Return the error of a fax that no look-up found and that cannot arrive any more."""
    message = f"The fax was not sent ({_what_happened(outcome)}): Telnyx does not have it"
    details: JSON = {"errors": _errors(outcome), "may_have_been_sent": False}
    cause = outcome.cause if isinstance(outcome, Failure) else None
    return problem(*_status_of(outcome), message, details, cause)


def _status_of(outcome: Outcome | None) -> tuple[int, int]:
    """Return Twilio's status and code for an answer that does not settle a send."""
    if outcome is None:
        return 503, 20503
    if isinstance(outcome, Failure):
        return (504 if outcome.timed_out else 503), 20503
    if outcome.status == 408:
        return 504, 20503
    if outcome.status < 400:
        return 502, 20500
    return outcome.status, 20500 if outcome.status == 500 else 20503


def _what_happened(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        return mask(outcome.summary)
    if 200 <= outcome.status < 300:
        return "the answer could not be read"
    return f"Telnyx failed with HTTP {outcome.status}"


def _errors(outcome: Outcome | None) -> list[object]:
    return telnyx_errors(outcome) if isinstance(outcome, TelnyxResponse) else []
