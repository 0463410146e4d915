"""Measure the sends of a client that has one provider. With two, the migration counts them."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import Iterator

from twilio_fax_compat._core.attempts import TELNYX
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat.metrics import measure


@contextmanager
def measured(request: TwilioRequest, answers: list[TwilioResponse]) -> Iterator[None]:
    """Measure the send that *request* asks for, if it does; the block adds its answer to *answers*."""
    if request.attempt is not None or not _is_send(request):
        yield
        return
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
