"""Begin a send that is remembered until its end is known, and settle it; for every provider."""

from __future__ import annotations

from typing import Any, Generator, Union

from twilio_fax_compat._core.attempts import LIFETIME, NAMES, Attempt, InProgress
from twilio_fax_compat._core.effects import (
    BeginSend,
    Elapsed,
    EndSend,
    LeaveSend,
    NewToken,
    Pause,
    SendEffect,
)
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.messages import JSON, TwilioResponse
from twilio_fax_compat._core.translation.errors import problem

Remembering = Union[SendEffect, Elapsed, NewToken, Pause]

COMMAND = "twilio-fax-compat fax release"
"""The command that says that a remembered send was not sent."""

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 1.0


def begin_send(
    key: str, provider: str, policy: RetryPolicy, account: str = ""
) -> Generator[Remembering, Any, Attempt | TwilioResponse]:
    """
    Return the attempt for a send of the form *key*: an earlier one without a known end, or a new one.

    *account* is the `account_mark` of the Telnyx account.

    Waits while another machine may be sending an equal fax, for half of the call's time; then returns
    Twilio's error.
    """
    token: str = yield NewToken()
    if not policy.remember:
        return Attempt("", token, provider)
    seconds = _FIRST_WAIT
    while True:
        begun: Attempt | InProgress = yield BeginSend(key, provider, token, account)
        if isinstance(begun, Attempt):
            return begun
        elapsed: float = yield Elapsed()
        if elapsed + seconds > policy.budget / 2:
            return not_settled(
                Attempt(key, token, provider, is_retry=True),
                (503, 20503),
                "another machine is sending an equal fax, or was stopped while it did",
                "create it again in a minute",
            )
        yield Pause(seconds)
        seconds = min(seconds * 2, _LONGEST_WAIT)


def settle_send(attempt: Attempt) -> Generator[Remembering, Any, None]:
    """Forget *attempt* if its end is known, else leave it for the next equal create."""
    if attempt.key:
        yield LeaveSend(attempt) if attempt.may_be_out else EndSend(attempt)


def not_settled(
    attempt: Attempt,
    status: tuple[int, int],
    why: str,
    advice: str,
    details: JSON | None = None,
    cause: BaseException | None = None,
) -> TwilioResponse:
    """Return the error of a fax that may have been sent: Twilio's *status* and code, and *why*."""
    message = f"The fax may have been sent ({why}): before sending it again, {advice}"
    payload: JSON = {**(details or {}), "may_have_been_sent": True}
    if attempt.key:
        release = f"{COMMAND} {attempt.name}"
        payload.update(key=attempt.name, release=release)
        message += (
            ". An equal create looks for it first and returns it if it is there. If you know that it "
            f"was not sent, run: {release}"
        )
    return problem(*status, message, payload, cause)


def out_of_reach(attempt: Attempt, *, is_other_account: bool = False) -> TwilioResponse:
    """Return the error of a fax whose provider may have sent it and cannot be asked again."""
    hours = int(LIFETIME // 3600)
    name = NAMES[attempt.provider]
    if is_other_account:
        name += " (another account: the base URL or connection id was another)"
    release = f"{COMMAND} {attempt.name}"
    return problem(
        409,
        20409,
        f"{name} may have sent this fax within the last {hours} hours and cannot be asked "
        "to send it again, at this stage or with these settings: nothing was sent now, so that it "
        f"does not go out twice. Look for it there first. If it was not sent, run: {release}",
        {
            "may_have_been_sent": True,
            "provider": NAMES[attempt.provider],
            "key": attempt.name,
            "release": release,
        },
    )
