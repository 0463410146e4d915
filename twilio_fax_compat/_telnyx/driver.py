"""Performs a flow's effects with the network, the clock, warnings and the ledger."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from random import random
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from twilio_fax_compat._core.effects import (
    BeginSend,
    Effect,
    Elapsed,
    EndSend,
    Flow,
    KeepSend,
    LeaveSend,
    NewToken,
    Now,
    Pause,
    Recall,
    Remember,
    Warn,
    run,
)
from twilio_fax_compat._core.messages import (
    Outcome,
    Send,
    TelnyxRequest,
    TelnyxResponse,
    TwilioResponse,
)
from twilio_fax_compat._telnyx import client_facts
from twilio_fax_compat._telnyx.developer_warnings import warn_once
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.ledger.remembered_sends import carry_out_send, leave_open
from twilio_fax_compat.metrics import measure

if TYPE_CHECKING:
    from twilio_fax_compat._core.attempts import Attempt


def drive(flow: Flow, send: Send, ledger: Ledger) -> TwilioResponse:
    """Run *flow* to its end and return what it returns."""
    call = Call(ledger)

    def perform(effect: Effect) -> Any:
        if not isinstance(effect, TelnyxRequest):
            return call.carry_out(effect)
        try:
            outcome = send(effect)
        except TwilioException:
            if effect.method == "POST":
                call.nothing_left()
            raise
        call.note(effect, outcome)
        return outcome

    with call:
        return run(flow, perform)


class Call:
    """
    One flow's run: its time, and the sends that it has begun.

    As a context manager, it settles the sends that are open when the flow ends or is broken off. *loop* is
    the event loop that it runs on, if any.
    """

    def __init__(self, ledger: Ledger, loop: Any = None) -> None:
        self.ledger = ledger
        self.loop = loop
        self._begun = monotonic()
        self._opened: list[Attempt] = []
        self._may_be_sent = False

    def carry_out(self, effect: Effect) -> Any:
        """Perform an effect other than a request, and return its result."""
        if isinstance(effect, Elapsed):
            return monotonic() - self._begun
        if isinstance(effect, (BeginSend, KeepSend, LeaveSend, EndSend)):
            return carry_out_send(effect, self.ledger, self._opened, self.loop)
        return carry_out_for_client(effect, self.ledger)

    def note(self, request: TelnyxRequest, outcome: Outcome) -> None:
        """Note what became of *request*."""
        if request.method != "POST":
            return
        if isinstance(outcome, TelnyxResponse):
            self.note_status(outcome.status)
        elif outcome.sent:
            self._may_be_sent = True

    def note_status(self, status: int) -> None:
        """Note the *status* of the answer to a send. Any but a refusal may be of a fax that was sent."""
        if not 400 <= status < 500 or status == 408:
            self._may_be_sent = True

    @property
    def is_open(self) -> bool:
        """Whether a send of this call is not settled."""
        return any(attempt.is_open for attempt in self._opened)

    def nothing_left(self) -> None:
        """Note that a wrong setting stopped the last POST before it left. An earlier one may be out."""
        for attempt in self._opened:
            attempt.has_not_left()

    def __enter__(self) -> Call:
        return self

    def __exit__(self, kind: object = None, *_error: object) -> None:
        if kind is not None:
            # The program does not get the fax, so its next equal create must look for it: a signal, a
            # time limit or a cancelled task came after the provider's answer.
            for attempt in self._opened:
                if self._may_be_sent or attempt.is_retry:
                    attempt.may_be_out = attempt.is_open = True
        leave_open(self._opened, self.ledger)


def carry_out_for_client(effect: Effect, ledger: Ledger) -> Any:
    """Perform an effect as `carry_out` does, but answer without a ledger that cannot be reached."""
    if isinstance(effect, Recall):
        return client_facts.recall(ledger, effect.fax_ids)
    if isinstance(effect, Remember):
        return client_facts.remember(ledger, effect.fax_id, effect.facts)
    if isinstance(effect, Pause):
        measure("waited_seconds", effect.seconds)
    return carry_out(effect, ledger)


def carry_out(effect: Effect, ledger: Ledger) -> Any:
    """Perform an effect other than a request, and return its result; LedgerUnavailable is raised."""
    if isinstance(effect, Now):
        return datetime.now(timezone.utc)
    if isinstance(effect, NewToken):
        return os.urandom(16).hex()
    if isinstance(effect, Recall):
        return ledger.recall(effect.fax_ids)
    if isinstance(effect, Remember):
        return ledger.remember(effect.fax_id, effect.facts)
    if isinstance(effect, Pause):
        return sleep(effect.seconds + effect.jitter * random())
    if isinstance(effect, Warn):
        return warn_once(effect)
    raise TypeError(type(effect).__name__)
