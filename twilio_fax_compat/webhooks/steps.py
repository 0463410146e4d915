"""Perform the effects of a delivery that do not call the wrapped application."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import Any, Iterator

import httpx

from twilio_fax_compat._core.webhooks.effects import (
    AppAnswer,
    CallApp,
    Claim,
    Download,
    FindToken,
    Finish,
    Keep,
    LogWarning,
    Postpone,
    Release,
    Settle,
    Step,
)
from twilio_fax_compat._telnyx.driver import carry_out
from twilio_fax_compat._telnyx.logs import no_logs
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.metrics import measure
from twilio_fax_compat.webhooks.accounts import Accounts
from twilio_fax_compat.webhooks.download import CANNOT_BE_READ, downloaded
from twilio_fax_compat.webhooks.inbox import entry_key
from twilio_fax_compat.webhooks.leases import LeaseKeeper
from twilio_fax_compat.webhooks.media import MediaServer

logger = logging.getLogger("twilio_fax_compat.webhooks")

ANSWER_TIMEOUT = 15.0
"""Seconds for which an application on another host may take to answer, as at Twilio."""

_DECODED = ("gzip", "deflate")
"""The encodings of a body that httpx always decodes."""


def carry_out_step(
    step: Step, ledger: Ledger, media: MediaServer | None, keeper: LeaseKeeper, accounts: Accounts
) -> Any:
    """Perform *step* and return its result. What it locks is prolonged by *keeper*."""
    if isinstance(step, FindToken):
        return accounts.token_of(step.account_sid)
    if isinstance(step, Claim):
        return _claim(step, ledger, keeper)
    if isinstance(step, Settle):
        keeper.drop(step.event_id)
        return ledger.settle(step.event_id)
    if isinstance(step, Release):
        keeper.drop(step.event_id)
        return ledger.release(step.event_id)
    if isinstance(step, Finish):
        keeper.drop(entry_key(step.event_id))
        return ledger.finish(step.event_id)
    if isinstance(step, Postpone):
        keeper.drop(entry_key(step.event_id))
        return ledger.postpone(
            step.event_id, step.seconds, count_attempt=step.count_attempt, reason=step.reason
        )
    if isinstance(step, LogWarning):
        code = "" if step.code is None else f"{step.code}: "
        return logger.warning("%s%s: %s", code, step.fax_sid, step.text)
    if isinstance(step, Download):
        return media.download(step.fax_id, step.url) if media else downloaded(step.url)
    if isinstance(step, Keep):
        return media is not None and media.keep(step.fax_id, step.url)
    if isinstance(step, CallApp):
        with counted_answer() as answers:
            answers.append(_call_elsewhere(step))
        return answers[0]
    return carry_out(step, ledger)


@contextmanager
def counted_answer() -> Iterator[list[AppAnswer]]:
    """Count the answer of an application, which the block appends to the list that it gets."""
    answers: list[AppAnswer] = []
    try:
        yield answers
    finally:
        measure("callbacks", status=str(answers[0].status) if answers else "raised")


def _claim(claim: Claim, ledger: Ledger, keeper: LeaseKeeper) -> str:
    answer = ledger.claim(claim.event_id, keeper.lease)
    if answer == "new":
        prolong = partial(ledger.prolong, claim.event_id)
        keeper.hold(claim.event_id, prolong, claim.fax_sid, claim.watched)
    return answer


def _call_elsewhere(call: CallApp) -> AppAnswer:
    try:
        with no_logs(), httpx.Client(timeout=ANSWER_TIMEOUT) as client:
            response = client.request(
                call.method,
                call.url,
                headers={**call.headers, "Accept-Encoding": ", ".join(_DECODED)},
                content=call.body,
            )
    except CANNOT_BE_READ as error:
        return AppAnswer(0, error=type(error).__name__)
    headers = response.headers
    if {name.strip().lower() for name in headers.get("content-encoding", "").split(",")} <= set(
        _DECODED
    ):
        headers.pop("content-encoding", None)
    return AppAnswer.of(response.status_code, headers.items(), response.content)
