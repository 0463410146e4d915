"""Measure the sends of a client that has one provider. With two, the migration counts them."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import Iterator

from twilio_fax_compat._core.attempts import TELNYX
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat.metrics import is_heard, measure


def is_measured(request: TwilioRequest) -> bool:
    """Return whether somebody listens, and *request* is a send that nobody else measures."""
    return is_heard() and request.attempt is None and _is_send(request)


@contextmanager
def measured(answers: list[TwilioResponse]) -> Iterator[None]:
    """Measure the send of the block, which adds its answer to *answers*."""
    begun = monotonic()
    try:
        yield
    finally:
        measure("send_seconds", monotonic() - begun)
        outcome, code = _outcome(answers)
        measure("sends", provider=TELNYX, outcome=outcome, code=code)


def measure_counted(provider: str, outcome: str) -> None:
    """Measure a send that a move counts under *outcome*, as in its counters."""
    name, _, code = outcome.partition(":")
    measure("sends", provider=provider, outcome=name, code=code)


def _is_send(request: TwilioRequest) -> bool:
    return request.method == "POST" and request.path.rstrip("/") == "/Faxes"


def _outcome(answers: list[TwilioResponse]) -> tuple[str, str]:
    if not answers:
        return "raised", ""
    (answer,) = answers
    if answer.status < 300:
        return "accepted", ""
    payload = answer.payload or {}
    if (payload.get("details") or {}).get("may_have_been_sent"):
        return "unsure", ""
    return "refused", str(payload.get("code") or "")
