"""
How often and how long a call is retried, and the flow that retries idempotent requests.

Telnyx's limits: https://developers.telnyx.com/development/api-fundamentals/reliability/rate-limiting.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Generator, Mapping

from attrs import define, field, frozen, validators

from twilio_fax_compat._core.effects import Effect, Elapsed, Now, Pause
from twilio_fax_compat._core.messages import Failure, Outcome, TelnyxRequest, TelnyxResponse
from twilio_fax_compat._core.translation.times import parse_http_date

_LOOKUPS = (1.0, 3.0)
"""Pauses that fill up a policy with fewer than two look-ups."""


def _at_least_two(lookups: Any) -> tuple[float, ...]:
    pauses = tuple(lookups)
    return pauses + _LOOKUPS[len(pauses) :]


@frozen(kw_only=True)
class RetryPolicy:
    """
    The limits within which a call may be repeated. All times are seconds.

    *attempts*: how often an idempotent request, or a request that never left this machine, is made.
    *backoff* and *backoff_max*: the pause before the second try, doubled each time, and its cap.
    *lookups*: the pauses before each look-up of a fax whose answer was lost. There are always at least
    two look-ups, and two that succeed and find nothing are needed to call the fax absent.
    *resends*: how often an absent fax is sent again within one call.
    *rate_limit_wait*: the longest wait that a 429 may ask for.
    *budget*: the time of one call in all, requests and pauses.
    *resend_after*: after a lost answer, an absent fax may still arrive late. It is sent again only if
    Telnyx itself answered with an error, or this long after the request left.
    *remember*: remember a send whose end is unknown, so that the next equal create looks for it first.
    """

    attempts: int = field(default=3, validator=validators.ge(1))
    backoff: float = field(default=0.5, validator=validators.ge(0.0))
    backoff_max: float = field(default=8.0, validator=validators.ge(0.0))
    lookups: tuple[float, ...] = field(
        default=(1.0, 3.0, 6.0),
        converter=_at_least_two,
        validator=validators.deep_iterable(member_validator=validators.ge(0.0)),
    )
    resends: int = field(default=2, validator=validators.ge(0))
    rate_limit_wait: float = field(default=20.0, validator=validators.ge(0.0))
    budget: float = field(default=25.0, validator=validators.gt(0.0))
    resend_after: float = field(default=3600.0, validator=validators.ge(0.0))
    remember: bool = field(default=True, validator=validators.instance_of(bool))

    @property
    def look_time(self) -> float:
        """The time that a create reserves for look-ups, in seconds; at most half of the budget."""
        return min(sum(self.lookups) * 1.25 + 1.0, self.budget / 2)


@define
class Budget:
    """The time that a call has left, and the number of its back-offs."""

    policy: RetryPolicy
    waits: int = 0

    def left(self) -> Generator[Effect, Any, float]:
        """Return the seconds that are left, 0 or less if none are."""
        elapsed: float = yield Elapsed()
        return self.policy.budget - elapsed

    def pause(self, seconds: float | None = None) -> Generator[Effect, Any, Pause | None]:
        """
        Return the next pause, or None if it does not fit into the time that is left.

        Without *seconds* the pause is the next back-off, half of it random.
        """
        policy = self.policy
        step = min(policy.backoff * 2.0 ** min(self.waits, 16), policy.backoff_max)
        planned = Pause(step / 2, step / 2) if seconds is None else Pause(seconds, step / 4)
        left = yield from self.left()
        if planned.seconds + planned.jitter >= left:
            return None
        self.waits += 1
        return planned


def requested_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """
    Return how many seconds a 429 response asks us to wait, or None if it does not say.

    ``x-ratelimit-reset`` is documented as seconds and printed as an epoch elsewhere: a value
    above 1e9 is an epoch. *now* is what such a point in time is compared with.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    for name in ("retry-after", "x-ratelimit-reset"):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return max(0.0, seconds - now.timestamp()) if seconds > 1e9 else seconds
        date = parse_http_date(headers.get(name))
        if date is not None:
            return max(0.0, (date - now).total_seconds())
    return None


def rate_limit_pause(
    response: TelnyxResponse, budget: Budget
) -> Generator[Effect, Any, Pause | None]:
    """Return the pause that a 429 asks for, or None if the policy does not allow it."""
    now = parse_http_date(response.headers.get("date"))
    if now is None:
        now = yield Now()
    seconds = requested_wait(response.headers, now.astimezone(timezone.utc))
    if not seconds:
        return (yield from budget.pause())
    if seconds > budget.policy.rate_limit_wait:
        return None
    return (yield from budget.pause(seconds))


@frozen
class Tried:
    """The last *outcome* of a repeated request. *unsure*: an earlier attempt may have succeeded."""

    outcome: Outcome
    unsure: bool = False


_WORTH_REPEATING = frozenset({502, 503, 504})


def repeated(request: TelnyxRequest, policy: RetryPolicy) -> Generator[Effect, Any, Tried]:
    """Make an idempotent request, again on connection errors, 429, 502, 503 and 504."""
    budget = Budget(policy)
    failures = 0
    unsure = False
    last: Outcome = OUT_OF_TIME
    while True:
        left = yield from budget.left()
        if left <= 0:
            # What Telnyx answered before says more than that the time is over.
            return Tried(last, unsure)
        request.timeout = left
        outcome: Outcome = yield request
        if isinstance(outcome, TelnyxResponse):
            last = outcome
        elif outcome.timed_out and (yield from budget.left()) <= 0 and last is not OUT_OF_TIME:
            outcome = last
        if isinstance(outcome, TelnyxResponse) and outcome.status == 429:
            pause = yield from rate_limit_pause(outcome, budget)
        elif isinstance(outcome, Failure) or outcome.status in _WORTH_REPEATING:
            failures += 1
            pause = (yield from budget.pause()) if failures < policy.attempts else None
        else:
            return Tried(outcome, unsure)
        if pause is None:
            return Tried(outcome, unsure)
        unsure = unsure or (outcome.sent if isinstance(outcome, Failure) else outcome.status >= 500)
        yield pause


OUT_OF_TIME = Failure(
    sent=False, summary="the time of the call (RetryPolicy.budget) is over", timed_out=True
)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e12 else None
