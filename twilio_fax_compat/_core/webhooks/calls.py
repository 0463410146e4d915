"""
Call an application as Twilio did: follow its redirects, and explain an answer that is not 2xx.

Twilio's codes, which its debugger showed: https://www.twilio.com/docs/api/errors, of which 11200 is a
failed request, 11205 a failed connection, 11215 too many redirects, and 11216 a redirect that cannot be
followed.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import Any, Generator, Mapping
from urllib.parse import unquote_plus, urldefrag, urljoin, urlsplit

from attrs import evolve, field, frozen

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp, LogWarning, Step
from twilio_fax_compat._core.webhooks.events import FaxEvent
from twilio_fax_compat._core.webhooks.multipart import encode_multipart
from twilio_fax_compat._core.webhooks.public_url import origin_of, percent_encoded
from twilio_fax_compat._core.webhooks.twilio_requests import (
    CallbackSettings,
    _call,
    _headers,
)

HTTP_FAILED, NO_CONNECTION, TOO_MANY_REDIRECTS, BAD_REDIRECT = 11200, 11205, 11215, 11216

KEEPING_METHOD = frozenset({307, 308})
REDIRECTS = frozenset({301, 302, 303}) | KEEPING_METHOD
"""The redirects that are followed. Those that do not keep the method become a GET without a form."""

MAX_REDIRECTS = 5

IDEMPOTENCY = "I-Twilio-Idempotency-Token"

_NOT_FOUND = "is the path of the URL right, on the Fax Application or in status_callback?"
_FORBIDDEN = (
    "is the auth token of the middleware (TWILIO_AUTH_TOKEN) the one with which the application "
    "validates signatures, and does the application see the URL that Telnyx calls?"
)
HINTS: Mapping[int, str] = {
    400: "does the handler accept Twilio's form?",
    401: _FORBIDDEN,
    403: _FORBIDDEN,
    404: _NOT_FOUND,
    405: "does the handler accept this method?",
    410: _NOT_FOUND,
    415: "does the handler accept Twilio's form?",
    422: "does the handler accept Twilio's form?",
}
"""The question to ask first if an application answers with that status."""


@frozen
class Delivery:
    """
    One attempt to deliver *event*, which Telnyx sent to *url*.

    *attempt* counts from 1. Only the first failure of an event is logged in detail. *troubles* are the
    texts of what went wrong in this attempt, whether it is logged or not.
    """

    event: FaxEvent
    url: str = field(repr=False)
    rules: CallbackSettings
    attempt: int = 1
    troubles: list[str] = field(factory=list, repr=False, eq=False)

    @property
    def fax_sid(self) -> str:
        """Return the Twilio SID of the fax."""
        return fax_sid(self.event.fax_id) or ""

    def warn(self, text: str, code: int | None = None) -> LogWarning:
        """Return the effect that logs *text* about the fax."""
        self.troubles.append(text)
        return LogWarning(self.fax_sid, text, code)


@frozen
class Reply:
    """
    The last *answer* of an application, and the *url* that gave it.

    The *url* does not have the fields of the fax that a GET request adds to the query.
    """

    answer: AppAnswer
    url: str = field(repr=False)


def call_app(
    delivery: Delivery,
    method: str,
    url: str,
    fields: Mapping[str, str],
    document: bytes | None = None,
) -> Generator[Step, Any, Reply]:
    """
    Send Twilio's request to *url*, follow redirects, and log an answer that is not 2xx.

    *document* is posted as the file ``Media`` beside *fields*.
    """
    call = _request(delivery, method, url, fields, document)
    token = idempotency_token(delivery.event.id, url)
    seen = {(call.method, call.url)}
    while True:
        headers = {**call.headers, IDEMPOTENCY: token}
        answer: AppAnswer = yield evolve(call, headers=headers)
        if answer.status not in REDIRECTS:
            if not answer.is_good:
                yield from _log(delivery, call, *_explained(answer, call))
            return Reply(answer, _without_fields(call.url, url, fields))
        target = _target(answer, call)
        if target is None:
            yield from _log(
                delivery,
                call,
                f"answered HTTP {answer.status} without a Location that is an http or https URL",
                BAD_REDIRECT,
            )
            return Reply(answer, _without_fields(call.url, url, fields))
        if answer.status in KEEPING_METHOD and call.method == "POST":
            call = _request(delivery, "POST", target, fields, document)
        else:
            call = evolve(
                call,
                method="GET",
                url=target,
                headers=_headers(target, {}, delivery.rules),
                body=b"",
                is_own=_is_own(delivery, target),
            )
        if (call.method, call.url) in seen or len(seen) > MAX_REDIRECTS:
            yield from _log(
                delivery, call, "was redirected too often, or in a loop", TOO_MANY_REDIRECTS
            )
            return Reply(answer, _without_fields(call.url, url, fields))
        seen.add((call.method, call.url))


def idempotency_token(event_id: str, url: str) -> str:
    """
    Return the ``I-Twilio-Idempotency-Token`` of the request to *url* about an event.

    It is the same for a repeat of the request (https://www.twilio.com/docs/usage/webhooks).
    """
    digits = sha256(f"{event_id}\n{url}".encode("utf-8", "surrogatepass")).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def _request(
    delivery: Delivery, method: str, url: str, fields: Mapping[str, str], document: bytes | None
) -> CallApp:
    is_own = _is_own(delivery, url)
    if document is None:
        return evolve(_call(method, url, fields, delivery.rules), is_own=is_own)
    kind, body = encode_multipart(fields, "Media", "fax.pdf", "application/pdf", document)
    return CallApp("POST", url, _headers(url, fields, delivery.rules, kind), body, is_own)


def _without_fields(called: str, url: str, fields: Mapping[str, str]) -> str:
    """
    Return *called* without the parameters *fields*, which have the numbers of the fax.

    A redirect may have copied them. Those in *url*, the URL before they were added, stay.
    """
    parts, kept = urlsplit(called), urlsplit(url).query.split("&")
    pairs = [
        pair for pair in parts.query.split("&") if pair in kept or not _is_one_of(fields, pair)
    ]
    return parts._replace(query="&".join(pairs)).geturl()


def _is_one_of(fields: Mapping[str, str], pair: str) -> bool:
    name, _, value = pair.partition("=")
    return name in fields and unquote_plus(value) == fields[name]


def _is_own(delivery: Delivery, url: str) -> bool:
    path, root = urlsplit(url).path, delivery.rules.root
    is_below = not root or path == root or path.startswith(root + "/")
    return is_below and origin_of(url) == origin_of(delivery.url)


def _target(answer: AppAnswer, call: CallApp) -> str | None:
    location = answer.location or ""
    # Headers are decoded as Latin-1, but URLs are written in UTF-8.
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        target = percent_encoded(urldefrag(urljoin(call.url, location)).url)
        parts = urlsplit(target)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return target if answer.location and is_usable else None


def _explained(answer: AppAnswer, call: CallApp) -> tuple[str, int]:
    if answer.status == 0:
        why = f" ({answer.error})" if answer.error else ""
        return "gave no answer" + why, HTTP_FAILED if call.is_own else NO_CONNECTION
    hint = HINTS.get(answer.status)
    return f"answered HTTP {answer.status}" + (f": {hint}" if hint else ""), HTTP_FAILED


def _log(delivery: Delivery, call: CallApp, what: str, code: int) -> Generator[Step, Any, None]:
    parts = urlsplit(call.url)
    path = mask(parts.path or "/")
    host = parts.netloc.rpartition("@")[2]
    place = path if call.is_own else f"{parts.scheme}://{host}{path}"
    warning = delivery.warn(f"{call.method} {place} {what}", code)
    if delivery.attempt == 1:
        yield warning
