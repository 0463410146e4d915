"""
Send a fax through one of two providers.

A fax that one provider may have sent is not sent through the other: the send is pinned to its provider.
"""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any, Generator, Mapping

from attrs import frozen

from twilio_fax_compat._core.effects import Now, Recall
from twilio_fax_compat._core.facts import SEND_KEYS, Facts
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.counters import (
    ACCEPTED,
    FALLBACK,
    UNSURE,
    create_counter,
    refused,
)
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX, Decision
from twilio_fax_compat._core.migration.effects import (
    NAMES,
    Ask,
    Count,
    Decide,
    DryRun,
    Note,
    Providers,
    Route,
    RouteEffect,
    provided,
)
from twilio_fax_compat._core.translation.create_form import reorder_legacy_arguments
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.ids import fax_id

_SIGNATURE = re.compile(r"x-(amz|goog)-.*|signature|sig")
_SIGNED_WITH = re.compile(
    r"awsaccesskeyid|googleaccessid|expires|policy|key-pair-id"
    r"|s[vsrpte]|srt|spr|sip|sk(oid|tid|[tesv])"
)
"""
The other query parameters of a signed URL, in lower case.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html,
https://cloud.google.com/storage/docs/authentication/signatures and
https://learn.microsoft.com/rest/api/storageservices/create-service-sas.
"""

PIN_LIFETIME = timedelta(hours=24)
"""How long a fax that may have been sent stays with its provider."""


def send(request: TwilioRequest, providers: Providers) -> Route:
    """Send the fax of a create form through one provider."""
    decision: Decision = yield Decide(request.fields)
    key = send_key(request.fields, providers.salt)
    pinned = yield from _pinned(key)
    provider = pinned or decision.provider
    is_complete = decision.stage == "complete"
    if pinned is not None and (pinned not in providers.names or (pinned == LEGACY and is_complete)):
        return _out_of_reach(pinned)
    attempt = Attempt(request, key, providers.outlasts and not pinned, bool(pinned))
    answer = yield from attempt.by(provider)
    if decision.stage == "shadow":
        yield DryRun(request.fields)
    can_fall_back = providers.falls_back and providers.has_legacy and not is_complete and not pinned
    if provider == TELNYX and can_fall_back and _was_surely_not_sent(answer):
        yield Count(create_counter(TELNYX, FALLBACK))
        provider = LEGACY
        answer = yield from attempt.by(provider)
    if answer.status >= 300 and not _may_have_been_sent(answer, provider):
        if attempt.is_pinned_ahead:
            yield from _unpin(key, provider)
        yield Count(create_counter(provider, refused((answer.payload or {}).get("code"))))
    return answer


@frozen
class Attempt:
    """
    One send on its way, *key* standing for it in the ledger.

    *is_pinned_ahead*: it is pinned before it is tried, in case this process does not see its end.
    *was_pinned*: an earlier one of the same form may have been sent.
    """

    request: TwilioRequest
    key: str
    is_pinned_ahead: bool
    was_pinned: bool

    def by(self, provider: str) -> Route:
        """Return the answer of *provider*, and note its result."""
        if self.is_pinned_ahead:
            yield from _pin(self.key, provider)
        try:
            answer: TwilioResponse = yield Ask(provider, self.request)
        except GeneratorExit:
            raise
        except BaseException:
            yield from _unsure(self.key, provider)
            raise
        if _may_have_been_sent(answer, provider):
            yield from _unsure(self.key, provider)
        elif answer.status < 300:
            yield from _accepted(answer, provider)
            if self.is_pinned_ahead or self.was_pinned:
                yield from _unpin(self.key, provider)
        return answer


def _out_of_reach(provider: str) -> TwilioResponse:
    hours = int(PIN_LIFETIME.total_seconds() // 3600)
    return problem(
        409,
        20409,
        f"{NAMES[provider]} may have sent this fax within the last {hours} hours and cannot be asked "
        "to send it again, at this stage or with these settings: nothing was sent now, so that it "
        "does not go out twice. Look for it there first",
        {"may_have_been_sent": True, "provider": NAMES[provider]},
    )


def send_key(fields: Mapping[str, object], salt: str) -> str:
    """
    Return the key of a send in the ledger: equal for equal forms of one account.

    A media URL that was signed again counts as the same URL.
    """
    form = dict(reorder_legacy_arguments(fields))
    if isinstance(form.get("MediaUrl"), str):
        form["MediaUrl"] = _unsigned(str(form["MediaUrl"]))
    pairs = sorted((name, str(value)) for name, value in form.items() if value is not None)
    return SEND_KEYS + sha256(repr((salt, pairs)).encode("utf-8", "surrogatepass")).hexdigest()


def _unsigned(url: str) -> str:
    address, mark, query = url.partition("?")
    if not mark:
        return url
    pairs = [pair.partition("=") for pair in query.split("&")]
    names = {name.lower() for name, _, _ in pairs}
    if not any(_SIGNATURE.fullmatch(name) for name in names):
        return url
    return address + mark + "&".join("".join(pair) for pair in pairs if not _signs(pair[0].lower()))


def _signs(name: str) -> bool:
    return bool(_SIGNATURE.fullmatch(name) or _SIGNED_WITH.fullmatch(name))


def _accepted(answer: TwilioResponse, provider: str) -> Generator[RouteEffect, Any, None]:
    payload = answer.payload or {}
    key = fax_id(payload.get("sid"))
    if key is not None:
        yield Note(key, Facts(provider=provider))
    yield Count(create_counter(provider, ACCEPTED))
    answer.payload = provided(payload, provider)


def _unsure(key: str, provider: str) -> Generator[RouteEffect, Any, None]:
    yield from _pin(key, provider)
    yield Count(create_counter(provider, UNSURE))


def _pin(key: str, provider: str) -> Generator[RouteEffect, Any, None]:
    until = (yield Now()) + PIN_LIFETIME
    yield Note(key, Facts(provider=provider, action={"until": str(int(until.timestamp()))}))


def _unpin(key: str, provider: str) -> Generator[RouteEffect, Any, None]:
    yield Note(key, Facts(provider=provider, action={"until": "0"}))


def _pinned(key: str) -> Generator[RouteEffect, Any, str | None]:
    facts = (yield Recall((key,))).get(key)
    if facts is None or facts.action is None:
        return None
    now = (yield Now()).timestamp()
    return facts.provider if int(facts.action.get("until", "0")) > now else None


def _may_have_been_sent(answer: TwilioResponse, provider: str) -> bool:
    if provider == TELNYX:
        return bool(_details(answer).get("may_have_been_sent"))
    # Twilio's API does not say whether it accepted the fax.
    return answer.status >= 500 or answer.status == 408


def _was_surely_not_sent(answer: TwilioResponse) -> bool:
    return 400 <= answer.status < 500 or _details(answer).get("sent") is False


def _details(answer: TwilioResponse) -> Mapping[str, Any]:
    details = (answer.payload or {}).get("details")
    return details if isinstance(details, dict) else {}
