"""What a flow may ask its driver for, and the loop that runs a flow."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Generator, Sequence, TypeVar, Union

from attrs import frozen

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
    """Effect: tell the developer, once per process and *parameter*; answered with None."""

    parameter: str
    text: str


@frozen
class NewToken:
    """Effect: answered with a random text that nobody else has."""


@frozen
class Now:
    """Effect: answered with the time, an aware datetime in UTC."""


@frozen
class Remember:
    """Effect: keep *facts* about a fax; answered with None."""

    fax_id: str
    facts: Facts


@frozen
class Recall:
    """Effect: answered with a mapping from those *fax_ids* that are known to their `Facts`."""

    fax_ids: Sequence[str]


Effect = Union[TelnyxRequest, Pause, Warn, NewToken, Now, Remember, Recall]
Flow = Generator[Effect, Any, TwilioResponse]

E = TypeVar("E")
R = TypeVar("R")


def run(flow: Generator[E, Any, R], perform: Callable[[E], Any]) -> R:
    """
    Run *flow* to its end and return what it returns.

    *perform* carries out an effect and returns what answers it. What it raises is raised in the
    flow, at the effect, so that the flow can undo what it has begun.
    """
    try:
        effect = flow.send(None)
        while True:
            try:
                result = perform(effect)
            except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        value: R = end.value
        return value


async def run_async(flow: Generator[E, Any, R], perform: Callable[[E], Awaitable[Any]]) -> R:
    """Run *flow* as `run` does, with a *perform* that is awaited."""
    try:
        effect = flow.send(None)
        while True:
            try:
                result = await perform(effect)
            except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        value: R = end.value
        return value
