"""Perform the effects of a delivery that do not call the wrapped application."""

from __future__ import annotations

import logging
from typing import Any

import httpx

from twilio_fax_compat._core.webhooks.effects import (
    AppAnswer,
    CallApp,
    Claim,
    Download,
    Finish,
    Keep,
    LogWarning,
    Postpone,
    Release,
    Settle,
    Step,
)
from twilio_fax_compat._telnyx.driver import carry_out
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.webhooks.download import downloaded
from twilio_fax_compat.webhooks.inbox import LEASE
from twilio_fax_compat.webhooks.media import MediaServer

logger = logging.getLogger("twilio_fax_compat.webhooks")


def carry_out_step(step: Step, ledger: Ledger, media: MediaServer | None) -> Any:
    """Perform *step* and return its result."""
    if isinstance(step, Claim):
        return ledger.claim(step.event_id, LEASE)
    if isinstance(step, Settle):
        return ledger.settle(step.event_id)
    if isinstance(step, Release):
        return ledger.release(step.event_id)
    if isinstance(step, Finish):
        return ledger.finish(step.event_id)
    if isinstance(step, Postpone):
        return ledger.postpone(step.event_id, step.seconds, count_attempt=step.count_attempt)
    if isinstance(step, LogWarning):
        code = "" if step.code is None else f"{step.code}: "
        return logger.warning("%s%s", code, step.text)
    if isinstance(step, Download):
        return media.download(step.fax_id, step.url) if media else downloaded(step.url)
    if isinstance(step, Keep):
        return media is not None and media.keep(step.fax_id, step.url)
    if isinstance(step, CallApp):
        return _call_elsewhere(step)
    return carry_out(step, ledger)


def _call_elsewhere(call: CallApp) -> AppAnswer:
    try:
        with httpx.Client(timeout=15) as client:
            response = client.request(
                call.method, call.url, headers=dict(call.headers), content=call.body
            )
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        logger.warning(
            "11205: the URL of the action could not be reached: %s", type(error).__name__
        )
        return AppAnswer(0)
    return AppAnswer(response.status_code, response.headers.get("content-type"), response.content)
