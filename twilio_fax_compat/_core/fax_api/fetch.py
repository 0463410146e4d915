"""Fetch one fax, with a media link that opens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Generator

from twilio_fax_compat._core.effects import Effect, Flow, Now, Pause, Recall, Warn
from twilio_fax_compat._core.facts import NOTHING_KNOWN
from twilio_fax_compat._core.fax_api.reading import ask_for, error_of, read_fax, resource_of
from twilio_fax_compat._core.fax_api.retries import repeated
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import (
    JSON,
    Outcome,
    TelnyxRequest,
    TelnyxResponse,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.faxes import (
    fax_payload,
    link_expires,
    stored_media_url,
)
from twilio_fax_compat._core.translation.times import parse_http_date

LINK_MARGIN = timedelta(seconds=30)
"""A link that expires within this time is renewed at once, so that there is time to open it."""


POLLS = (0.25, 0.5, 1.0)
"""Seconds between requests for the result of a command that Telnyx has accepted."""


def fetch(fax_id: str, path: str, settings: FlowSettings) -> Flow:
    """Return 200 and the fax, its media link renewed when that has expired."""
    # A link on the application's own host is renewed when it is opened.
    read = _fax_with_live_link if settings.documents is None else read_fax
    fax = yield from read(fax_id, path, settings)
    if isinstance(fax, TwilioResponse):
        return fax
    return (yield from _shown_fax(fax_id, fax, settings))


def _fax_with_live_link(
    fax_id: str, path: str, settings: FlowSettings
) -> Generator[Effect, Any, JSON | TwilioResponse]:
    answer = yield from ask_for(fax_id, settings)
    fax = resource_of(answer)
    if fax is None:
        return error_of(answer, path)
    if not (yield from _has_expired(fax, answer)):
        return fax
    request = TelnyxRequest("POST", f"/faxes/{fax_id}/actions/refresh")
    tried = yield from repeated(request, settings.retry)
    renewed = isinstance(tried.outcome, TelnyxResponse) and 200 <= tried.outcome.status < 300
    for seconds in (0.0, *POLLS) if renewed else ():
        if seconds:
            yield Pause(seconds)
        answer = yield from ask_for(fax_id, settings)
        fresh = resource_of(answer)
        if fresh is None:
            return error_of(answer, path)
        fax = fresh
        if not (yield from _has_expired(fax, answer)):
            return fax
    yield Warn(
        "media_url",
        "media_url: Telnyx did not renew the expired link of a fax, so it does not open: save "
        "the document within ten minutes of its arrival",
    )
    return fax


def _has_expired(fax: JSON, answer: Outcome) -> Generator[Effect, Any, bool]:
    url = stored_media_url(fax)
    end = link_expires(url) if url else None
    if end is None:
        return False
    headers = answer.headers if isinstance(answer, TelnyxResponse) else {}
    # The server's clock signed the link; ours may be wrong.
    now = parse_http_date(headers.get("date"))
    if now is None:
        now = yield Now()
    return now + LINK_MARGIN >= end


def _shown_fax(fax_id: str, fax: JSON, settings: FlowSettings) -> Flow:
    facts_by_id = yield Recall((fax_id,))
    facts = facts_by_id.get(fax_id, NOTHING_KNOWN)
    payload = fax_payload(fax, settings.account_sid, facts, settings.api_url)
    if settings.documents is not None:
        payload = settings.documents.shown(payload, (yield Now()))
    return TwilioResponse(200, payload)
