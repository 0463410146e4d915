"""
Two providers behind Twilio's fax API: which is asked, and what is made of the answers.

A fax goes out by one of them only. What the other may have sent already is not sent again, and what
either has is found under the same SIDs.
"""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any, Generator, Mapping, Union

from attrs import field, frozen

from twilio_fax_compat._core.ids import fax_id
from twilio_fax_compat._core.messages import (
    JSON,
    NOTHING_KNOWN,
    SEND_KEYS,
    Facts,
    Mint,
    Recall,
    TwilioRequest,
    TwilioResponse,
)
from twilio_fax_compat._core.orders import in_todays_order
from twilio_fax_compat._core.rollout import LEGACY, TELNYX, Decision
from twilio_fax_compat._core.tallies import (
    ACCEPTED,
    FALLBACK,
    UNSURE,
    create_tally,
    refused,
)

PIN_LIFETIME = timedelta(hours=24)
"""How long a fax that may have been sent stays with the provider that may have it."""

_ONE_FAX = re.compile(r"/Faxes/([^/]+)(/.*)?")
_UUID_SID = re.compile(r"FX[0-9a-f]{12}[1-8][0-9a-f]{3}[89ab][0-9a-f]{15}", re.IGNORECASE)
_FINAL = frozenset({"delivered", "received", "no-answer", "busy", "failed", "canceled"})


@frozen
class Ask:
    """
    Effect: a request to *provider*, answered with its `TwilioResponse`.

    What is raised instead says that no answer came.
    """

    provider: str
    request: TwilioRequest


@frozen
class Decide:
    """Effect: answered with the `Decision` about a create form."""

    fields: Mapping[str, object] = field(repr=False)


@frozen
class Rehearse:
    """Effect: note what Telnyx would have made of a create form; answered with None."""

    fields: Mapping[str, object] = field(repr=False)


@frozen
class Count:
    """Effect: add one to the counter *name*; answered with None."""

    name: str


@frozen
class Note:
    """Effect: keep *facts* if that can be done, now that the fax is sent; answered with None."""

    key: str
    facts: Facts


@frozen
class Tell:
    """Effect: warn the developer, and whoever reads the log, of *text*; answered with None."""

    text: str


RouteEffect = Union[Ask, Decide, Rehearse, Count, Note, Tell, Mint, Recall]
Route = Generator[RouteEffect, Any, TwilioResponse]


@frozen(kw_only=True)
class Providers:
    """
    Who can be asked, and how.

    *has_telnyx* and *has_legacy* tell whether each is there, *salt* keeps the keys of sends apart,
    *falls_back* gives what Telnyx certainly did not send to the legacy provider, *is_partial* leaves
    a provider that is down out of lists.
    """

    has_telnyx: bool = True
    has_legacy: bool = True
    falls_back: bool = False
    is_partial: bool = False
    salt: str = field(default="", repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are there."""
        there = ((TELNYX, self.has_telnyx), (LEGACY, self.has_legacy))
        return tuple(name for name, is_there in there if is_there)


def route(request: TwilioRequest, providers: Providers) -> Route:
    """Answer a request of Twilio's fax API by one provider or both."""
    path = request.path.rstrip("/")
    if path == "/Faxes" and request.method == "POST":
        return (yield from send(request, providers))
    if path == "/Faxes" and request.method == "GET" and len(providers.names) > 1:
        from twilio_fax_compat._core.merging import merged_page

        return (yield from merged_page(request, providers))
    one = _ONE_FAX.fullmatch(path)
    if one is None:
        answer: TwilioResponse = yield Ask(providers.names[0], request)
        return answer
    return (yield from _about_one(one.group(1), request, providers))


def send(request: TwilioRequest, providers: Providers) -> Route:
    """Send the fax that a create form asks for, by one provider."""
    decision: Decision = yield Decide(request.fields)
    key = send_key(request.fields, providers.salt)
    pinned = yield from _pinned(key)
    provider = decision.provider
    if pinned in providers.names and decision.stage != "complete":
        provider = str(pinned)
    answer = yield from _ask_to_send(provider, request, key)
    if decision.stage == "shadow":
        yield Rehearse(request.fields)
    if _may_have_been_sent(answer, provider):
        yield from _unsure(key, provider)
        return answer
    if answer.status < 300:
        yield from _accepted(answer, provider, key if pinned else None)
        return answer
    can_fall_back = (
        providers.falls_back
        and providers.has_legacy
        and decision.stage != "complete"
        and not pinned
    )
    if provider == TELNYX and can_fall_back and _was_surely_not_sent(answer):
        yield Count(create_tally(TELNYX, FALLBACK))
        answer = yield from _ask_to_send(LEGACY, request, key)
        if _may_have_been_sent(answer, LEGACY):
            yield from _unsure(key, LEGACY)
            return answer
        if answer.status < 300:
            yield from _accepted(answer, LEGACY, None)
            return answer
        provider = LEGACY
    yield Count(create_tally(provider, refused((answer.payload or {}).get("code"))))
    return answer


def _ask_to_send(provider: str, request: TwilioRequest, key: str) -> Route:
    try:
        answer: TwilioResponse = yield Ask(provider, request)
    except GeneratorExit:
        raise
    except BaseException:
        yield from _unsure(key, provider)
        raise
    return answer


def send_key(fields: Mapping[str, object], salt: str) -> str:
    """Return what stands for a send in the ledger: equal for equal forms of one account."""
    form = in_todays_order(fields)
    told = sorted((name, str(value)) for name, value in form.items() if value is not None)
    return SEND_KEYS + sha256(repr((salt, told)).encode("utf-8", "surrogatepass")).hexdigest()


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


def provided(payload: JSON, provider: str) -> Provided:
    """Return a fax's *payload* that knows its provider."""
    result = Provided(payload)
    result.provider = provider
    return result


class Provided(dict):  # type: ignore[type-arg]
    """A payload whose *provider* is known."""

    provider: str


def _about_one(sid: str, request: TwilioRequest, providers: Providers) -> Route:
    key = fax_id(sid)
    known = NOTHING_KNOWN
    if key is not None and len(providers.names) > 1:
        known = (yield Recall((key,))).get(key, NOTHING_KNOWN)
    answer: TwilioResponse | None = None
    for provider in providers_of(sid, known.provider, providers):
        found: TwilioResponse = yield Ask(provider, request)
        if found.status != 404:
            return (yield from _found(found, provider, key, known))
        answer = answer or found
    assert answer is not None  # somebody is there
    return answer


def _found(answer: TwilioResponse, provider: str, key: str | None, known: Facts) -> Route:
    payload = answer.payload
    if not 200 <= answer.status < 300 or not payload or "sid" not in payload or key is None:
        return answer
    status = payload.get("status")
    if provider == LEGACY and status in _FINAL and known.status != status:
        yield Note(key, Facts(provider=LEGACY, status=status))
    if "fax_sid" not in payload:
        answer.payload = provided(payload, provider)
    return answer


def _accepted(
    answer: TwilioResponse, provider: str, pin: str | None
) -> Generator[RouteEffect, Any, None]:
    payload = answer.payload or {}
    key = fax_id(payload.get("sid"))
    if key is not None:
        yield Note(key, Facts(provider=provider))
    if pin is not None:
        yield Note(pin, Facts(provider=provider, action={"until": "0"}))
    yield Count(create_tally(provider, ACCEPTED))
    answer.payload = provided(payload, provider)


def _unsure(key: str, provider: str) -> Generator[RouteEffect, Any, None]:
    until = (yield Mint()).now + PIN_LIFETIME
    yield Note(key, Facts(provider=provider, action={"until": str(int(until.timestamp()))}))
    yield Count(create_tally(provider, UNSURE))


def _pinned(key: str) -> Generator[RouteEffect, Any, str | None]:
    facts = (yield Recall((key,))).get(key)
    if facts is None or facts.action is None:
        return None
    now = (yield Mint()).now.timestamp()
    return facts.provider if int(facts.action.get("until", "0")) > now else None


def _may_have_been_sent(answer: TwilioResponse, provider: str) -> bool:
    if provider == TELNYX:
        return bool(_details(answer).get("may_have_been_sent"))
    # Twilio's API says no more than that it failed.
    return answer.status >= 500 or answer.status == 408


def _was_surely_not_sent(answer: TwilioResponse) -> bool:
    return 400 <= answer.status < 500 or _details(answer).get("sent") is False


def _details(answer: TwilioResponse) -> Mapping[str, Any]:
    details = (answer.payload or {}).get("details")
    return details if isinstance(details, dict) else {}
