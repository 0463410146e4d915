"""
Two providers behind Twilio's fax API: choose the provider for each request, and combine the answers.

Only one provider sends a fax. A fax that one may have sent is not sent by the other. Faxes of both
are found under their SIDs.
"""

from __future__ import annotations

import re
from typing import Any, Generator, Mapping, Sequence

from twilio_fax_compat._core.effects import Recall
from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX
from twilio_fax_compat._core.migration.effects import (
    Ask,
    Note,
    Providers,
    Route,
    RouteEffect,
    provided,
)
from twilio_fax_compat._core.translation.ids import fax_id

_ONE_FAX = re.compile(r"/Faxes/([^/]+)(/.*)?")
UUID_SID = re.compile(r"FX[0-9a-f]{12}[1-8][0-9a-f]{3}[89ab][0-9a-f]{15}", re.IGNORECASE)
"""The SIDs that may be Telnyx ids. One in eight of Twilio's looks the same."""
FINAL_STATUSES = frozenset({"delivered", "received", "no-answer", "busy", "failed", "canceled"})
"""Twilio's statuses that a fax keeps."""

_INCONCLUSIVE = frozenset({401, 402, 403, 405, 408, 429})
"""Statuses below 500 that do not show whether a provider has the fax."""


def route(request: TwilioRequest, providers: Providers) -> Route:
    """Answer a request of Twilio's fax API from one provider or both."""
    path = request.path.rstrip("/")
    if path == "/Faxes" and request.method == "POST":
        from twilio_fax_compat._core.migration.routed_create import send

        return (yield from send(request, providers))
    if path == "/Faxes" and request.method == "GET" and len(providers.names) > 1:
        from twilio_fax_compat._core.migration.merged_list import merged_page

        answer: TwilioResponse = yield from merged_page(request, providers)
        yield from _note_listed(answer)
        return answer
    match = _ONE_FAX.fullmatch(path)
    if match is None:
        answer = yield Ask(providers.names[0], request)
        return answer
    return (yield from _about_one(match.group(1), request, providers))


def providers_of(sid: str, owner: str | None, providers: Providers) -> tuple[str, ...]:
    """
    Return the providers that may have the fax *sid*, the more likely first.

    *owner* is the provider that the ledger names. Telnyx's ids are UUIDs, whose digits show version
    and variant (https://www.rfc-editor.org/rfc/rfc9562); one in eight of Twilio's SIDs looks the same.
    """
    if owner in providers.names:
        return (str(owner),)
    likely = (TELNYX, LEGACY) if UUID_SID.fullmatch(sid) else (LEGACY, TELNYX)
    return tuple(name for name in likely if name in providers.names)


def _about_one(sid: str, request: TwilioRequest, providers: Providers) -> Route:
    key = fax_id(sid)
    facts = NOTHING_KNOWN
    if key is not None and len(providers.names) > 1:
        facts = (yield Recall((key,))).get(key, NOTHING_KNOWN)
    order = providers_of(sid, facts.provider, providers)
    answers: list[TwilioResponse | Exception] = []
    for provider in order:
        try:
            answer: TwilioResponse = yield Ask(provider, request)
        except Exception as error:  # noqa: BLE001 - the other one may have the fax
            answers.append(error)
            continue
        if answer.status == 404 or _is_inconclusive(answer):
            answers.append(answer)
            continue
        return (yield from _noted(answer, provider, key, facts, is_surprise=bool(answers)))
    return _most_conclusive(answers)


def _note_listed(answer: TwilioResponse) -> Generator[RouteEffect, Any, None]:
    """Note the final statuses of the legacy provider's faxes that this client sent."""
    finished = {}
    for fax in (answer.payload or {}).get("faxes") or ():
        if getattr(fax, "provider", None) == LEGACY and fax.get("status") in FINAL_STATUSES:
            key = fax_id(fax.get("sid"))
            if key is not None:
                finished[key] = fax["status"]
    if not finished:
        return
    known: Mapping[str, Facts] = yield Recall(tuple(finished))
    for key, status in finished.items():
        facts = known.get(key, NOTHING_KNOWN)
        if facts.provider == LEGACY and facts.status != status:
            yield Note(key, Facts(provider=LEGACY, status=status))


def _is_inconclusive(answer: TwilioResponse) -> bool:
    return answer.status >= 500 or answer.status in _INCONCLUSIVE


def _most_conclusive(answers: Sequence[TwilioResponse | Exception]) -> TwilioResponse:
    """Return (or raise) the first answer other than 404, else the first."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
        if answer.status != 404:
            return answer
    first = answers[0]
    assert isinstance(first, TwilioResponse)
    return first


def _noted(
    answer: TwilioResponse, provider: str, key: str | None, facts: Facts, is_surprise: bool
) -> Route:
    payload = answer.payload
    if not 200 <= answer.status < 300 or not payload or "sid" not in payload or key is None:
        return answer
    status = payload.get("status")
    if provider == LEGACY and status in FINAL_STATUSES and facts.status != status:
        yield Note(key, Facts(provider=LEGACY, status=status))
    elif is_surprise:
        yield Note(key, Facts(provider=provider))
    if "fax_sid" not in payload:
        answer.payload = provided(payload, provider)
    return answer
