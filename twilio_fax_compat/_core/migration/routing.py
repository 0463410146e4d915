"""
Two providers behind Twilio's fax API: which is asked, and what is made of the answers.

A fax goes out by one of them only. What the other may have sent already is not sent again, and what
either has is found under the same SIDs.
"""

from __future__ import annotations

import re
from typing import Sequence

from twilio_fax_compat._core.effects import Recall
from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX
from twilio_fax_compat._core.migration.effects import Ask, Note, Providers, Route, provided
from twilio_fax_compat._core.translation.ids import fax_id

_ONE_FAX = re.compile(r"/Faxes/([^/]+)(/.*)?")
_UUID_SID = re.compile(r"FX[0-9a-f]{12}[1-8][0-9a-f]{3}[89ab][0-9a-f]{15}", re.IGNORECASE)
_FINAL = frozenset({"delivered", "received", "no-answer", "busy", "failed", "canceled"})

_SAYS_NOTHING = frozenset({401, 402, 403, 405, 408, 429})
"""Statuses below 500 that do not tell whether a provider has the fax that it was asked about."""


def route(request: TwilioRequest, providers: Providers) -> Route:
    """Answer a request of Twilio's fax API by one provider or both."""
    path = request.path.rstrip("/")
    if path == "/Faxes" and request.method == "POST":
        from twilio_fax_compat._core.migration.routed_create import send

        return (yield from send(request, providers))
    if path == "/Faxes" and request.method == "GET" and len(providers.names) > 1:
        from twilio_fax_compat._core.migration.merged_list import merged_page

        return (yield from merged_page(request, providers))
    one = _ONE_FAX.fullmatch(path)
    if one is None:
        answer: TwilioResponse = yield Ask(providers.names[0], request)
        return answer
    return (yield from _about_one(one.group(1), request, providers))


def providers_of(sid: str, known: str | None, providers: Providers) -> tuple[str, ...]:
    """
    Return who may have the fax *sid*, the likelier first; *known* is who has it.

    Telnyx's ids are UUIDs, whose digits tell their version and variant
    (https://www.rfc-editor.org/rfc/rfc9562); of Twilio's SIDs one in eight looks so.
    """
    if known in providers.names:
        return (str(known),)
    likely = (TELNYX, LEGACY) if _UUID_SID.fullmatch(sid) else (LEGACY, TELNYX)
    return tuple(name for name in likely if name in providers.names)


def _about_one(sid: str, request: TwilioRequest, providers: Providers) -> Route:
    key = fax_id(sid)
    known = NOTHING_KNOWN
    if key is not None and len(providers.names) > 1:
        known = (yield Recall((key,))).get(key, NOTHING_KNOWN)
    order = providers_of(sid, known.provider, providers)
    answers: list[TwilioResponse | Exception] = []
    for provider in order:
        try:
            found: TwilioResponse = yield Ask(provider, request)
        except Exception as error:  # noqa: BLE001 - the other one may have the fax
            answers.append(error)
            continue
        if found.status == 404 or _says_nothing(found):
            answers.append(found)
            continue
        return (yield from _found(found, provider, key, known, is_surprise=bool(answers)))
    return _most_telling(answers)


def _says_nothing(answer: TwilioResponse) -> bool:
    return answer.status >= 500 or answer.status in _SAYS_NOTHING


def _most_telling(answers: Sequence[TwilioResponse | Exception]) -> TwilioResponse:
    """Return or raise the first that is more than that there is no such fax, else the first."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
        if answer.status != 404:
            return answer
    first = answers[0]
    assert isinstance(first, TwilioResponse)
    return first


def _found(
    answer: TwilioResponse, provider: str, key: str | None, known: Facts, is_surprise: bool
) -> Route:
    payload = answer.payload
    if not 200 <= answer.status < 300 or not payload or "sid" not in payload or key is None:
        return answer
    status = payload.get("status")
    if provider == LEGACY and status in _FINAL and known.status != status:
        yield Note(key, Facts(provider=LEGACY, status=status))
    elif is_surprise:
        yield Note(key, Facts(provider=provider))
    if "fax_sid" not in payload:
        answer.payload = provided(payload, provider)
    return answer
