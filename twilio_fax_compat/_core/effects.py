"""The effects that a flow may yield, and the loops that run a flow."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Generator, Sequence, TypeVar, Union

from attrs import frozen

from twilio_fax_compat._core.attempts import Attempt
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.messages import (
    TelnyxRequest,
    TwilioResponse,
)


@frozen
class Pause:
    """Effect: wait *seconds*, plus a random part of *jitter* seconds; answered with None."""

    seconds: float
    jitter: float = 0.0


@frozen
class Warn:
    """Effect: give a Python warning, once per process and *parameter*; answered with None."""

    parameter: str
    text: str


@frozen
class NewToken:
    """Effect: answered with a random, unique string."""


@frozen
class Now:
    """Effect: answered with the current time, an aware datetime in UTC."""


@frozen
class Remember:
    """Effect: store *facts* about a fax in the ledger; answered with None."""

    fax_id: str
    facts: Facts


@frozen
class Recall:
    """Effect: read the ledger; answered with a mapping of *fax_ids* to `Facts`, without unknown ids."""

    fax_ids: Sequence[str]


@frozen
class Elapsed:
    """Effect: answered with the seconds since the flow began, on a clock that is never set."""


@frozen
class BeginSend:
    """
    Effect: remember a send of the form *key* before its request leaves, until its end is known.

    Answered with an `Attempt`. If an earlier send of an equal form has no known end, and nobody works
    on it, the answer is that one, for this flow alone; else a new one with *token*, *provider* and
    *account*.
    Answered with `InProgress` if another machine may be working on such a send.
    """

    key: str
    provider: str
    token: str
    account: str = ""


@frozen
class KeepSend:
    """Effect: store the changes of *attempt*, which goes on; answered with None."""

    attempt: Attempt


@frozen
class LeaveSend:
    """Effect: store that *attempt* ended without a known result; answered with None."""

    attempt: Attempt


@frozen
class EndSend:
    """Effect: forget *attempt*, whose result is known; answered with None."""

    attempt: Attempt


SendEffect = Union[BeginSend, KeepSend, LeaveSend, EndSend]
Effect = Union[TelnyxRequest, Pause, Warn, NewToken, Now, Elapsed, Remember, Recall, SendEffect]
Flow = Generator[Effect, Any, TwilioResponse]

E = TypeVar("E")
R = TypeVar("R")


def run(flow: Generator[E, Any, R], perform: Callable[[E], Any]) -> R:
    """
    Run *flow* to its end and return what it returns.

    *perform* performs an effect and returns its result. An exception in *perform* is raised in the
    flow, where the effect was yielded, so that the flow can clean up.
    """
    try:
        effect = flow.send(None)
        while True:
            try:
                result = perform(effect)
            except BaseException as error:  # noqa: BLE001 - the flow handles it
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        value: R = end.value
        return value


async def run_async(flow: Generator[E, Any, R], perform: Callable[[E], Awaitable[Any]]) -> R:
    """Run *flow* as `run` does, with an asynchronous *perform*."""
    try:
        effect = flow.send(None)
        while True:
            try:
                result = await perform(effect)
            except BaseException as error:  # noqa: BLE001 - the flow handles it
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        value: R = end.value
        return value
