"""
Twilio's fax API, answered by Telnyx: one flow for each route.

Twilio's routes: https://www.twilio.com/docs/fax/api. Telnyx's:
https://developers.telnyx.com/api-reference/programmable-fax-commands/send-a-fax and its siblings.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Generator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from twilio_fax_compat._core.faxes import (
    fax_payload,
    link_expires,
    media_payload,
    stored_media_url,
)
from twilio_fax_compat._core.ids import fax_id, fax_sid
from twilio_fax_compat._core.messages import (
    JSON,
    NOTHING_KNOWN,
    Effect,
    Facts,
    Failure,
    Flow,
    Mint,
    Outcome,
    Pause,
    Recall,
    Remember,
    TelnyxRequest,
    TelnyxResponse,
    TwilioRequest,
    TwilioResponse,
    Warn,
)
from twilio_fax_compat._core.problems import (
    from_failure,
    from_telnyx,
    not_found,
    problem,
    refuses_state,
)
from twilio_fax_compat._core.reading import ask_for, error_of, read_fax, resource_of
from twilio_fax_compat._core.retries import RetryPolicy, Tried, repeated
from twilio_fax_compat._core.sending import Setup, create
from twilio_fax_compat._core.statuses import is_terminal
from twilio_fax_compat._core.times import parse_http_date

__all__ = ["RetryPolicy", "Setup", "exchange", "twilio_request"]

ROUTE = re.compile(r"/Faxes(?:/([^/]+)(?:/(Media)(?:/([^/]+))?)?)?/?")
"""The paths of Twilio's fax API: the groups are the SID, ``Media``, and the SID of that."""

LINK_MARGIN = timedelta(seconds=30)
"""A link that ends so soon is renewed at once, so that there is time to follow it."""

POLLS = (0.25, 0.5, 1.0)
"""Seconds between looks for what Telnyx has accepted but not yet done."""


def twilio_request(
    method: str,
    url: str,
    params: Mapping[str, object] | None = None,
    data: Mapping[str, object] | None = None,
) -> TwilioRequest:
    """Return the request that a call of Twilio's HTTP client (absolute *url*) stands for."""
    parts = urlsplit(url)
    fields: dict[str, object] = {}
    if method == "POST":
        fields.update(data or {})
    else:
        fields.update(parse_qsl(parts.query))
        fields.update(params or {})
    path = parts.path
    return TwilioRequest(method, path[3:] if path.startswith("/v1/") else path, fields)


def exchange(request: TwilioRequest, setup: Setup) -> Flow:
    """Answer a Twilio fax request by talking to Telnyx."""
    path, method = request.path, request.method.upper()
    route = ROUTE.fullmatch(path)
    if route is None:
        return not_found(path)
    sid, has_media, media = route.groups()
    if sid is None:
        if method == "POST":
            return (yield from create(request.fields, path, setup))
        if method != "GET":
            return _not_allowed(method)
        # A program that only sends has no need of it.
        from twilio_fax_compat._core.listing import list_faxes

        return (yield from list_faxes(request.fields, path, setup))
    fax = fax_id(unquote(sid))
    if fax is None:
        return not_found(path)
    if not has_media:
        if method == "GET":
            return (yield from fetch(fax, path, setup))
        if method == "POST":
            return (yield from update(fax, request.fields, path, setup))
        return (yield from delete(fax, path, setup)) if method == "DELETE" else _not_allowed(method)
    if media is None:
        if method != "GET":
            return _not_allowed(method)
        from twilio_fax_compat._core.listing import list_media

        return (yield from list_media(fax, request.fields, path, setup))
    if fax_id(unquote(media), "ME") != fax:
        return not_found(path)
    if method == "DELETE":
        return media_cannot_go_alone(fax)
    return (yield from fetch_media(fax, path, setup)) if method == "GET" else _not_allowed(method)


def fetch(fax_id: str, path: str, setup: Setup) -> Flow:
    """Return 200 and the fax, its media link renewed when that has expired."""
    # A link of the application's own is renewed when it is followed.
    read = _fax_with_live_link if setup.documents is None else read_fax
    fax = yield from read(fax_id, path, setup)
    if isinstance(fax, TwilioResponse):
        return fax
    return (yield from _told(fax_id, fax, setup))


def update(fax_id: str, fields: Mapping[str, object], path: str, setup: Setup) -> Flow:
    """
    Cancel the fax and return 200 and what became of it.

    Telnyx only accepts a cancellation; what comes of it shows a little later, so a few looks are
    taken. Without ``Status`` it is a fetch, as at Twilio.
    """
    status = fields.get("Status")
    if status is None:
        return (yield from fetch(fax_id, path, setup))
    if status != "canceled":
        return problem(400, 20422, "status: the only status a fax can be given is 'canceled'")
    request = TelnyxRequest("POST", f"/faxes/{fax_id}/actions/cancel")
    tried: Tried = yield from repeated(request, setup.retry)
    outcome = tried.outcome
    if isinstance(outcome, Failure):
        if outcome.sent:
            yield Remember(fax_id, Facts(cancel_asked=True))
        return from_failure(outcome)
    accepted = 200 <= outcome.status < 300
    if not accepted and not (tried.unsure and refuses_state(outcome)):
        return from_telnyx(outcome, path)
    yield Remember(fax_id, Facts(cancel_asked=True))
    fax: JSON = {}
    for seconds in (0.0, *POLLS):
        if seconds:
            yield Pause(seconds)
        answer = yield from read_fax(fax_id, path, setup)
        if isinstance(answer, TwilioResponse):
            return answer
        fax = answer
        if is_terminal(fax.get("status")):
            break
    return (yield from _told(fax_id, fax, setup))


def delete(fax_id: str, path: str, setup: Setup) -> Flow:
    """Delete the fax and its media: 204."""
    tried = yield from repeated(TelnyxRequest("DELETE", f"/faxes/{fax_id}"), setup.retry)
    outcome = tried.outcome
    if isinstance(outcome, TelnyxResponse) and (
        200 <= outcome.status < 300 or (tried.unsure and outcome.status == 404)
    ):
        return TwilioResponse(204)
    return error_of(outcome, path)


def fetch_media(fax_id: str, path: str, setup: Setup) -> Flow:
    """Return 200 and the FaxMedia of a fax."""
    fax = yield from read_fax(fax_id, path, setup)
    if isinstance(fax, TwilioResponse):
        return fax
    media = media_payload(fax, setup.account_sid)
    return TwilioResponse(200, media) if media else not_found(path)


def media_cannot_go_alone(fax_id: str) -> TwilioResponse:
    """Return the refusal to delete media only, which Telnyx has no command for."""
    return problem(
        405,
        20004,
        "Telnyx cannot delete the media of a fax and keep the fax, so nothing was deleted: "
        f"client.fax.faxes('{fax_sid(fax_id)}').delete() deletes both",
    )


def _fax_with_live_link(
    fax_id: str, path: str, setup: Setup
) -> Generator[Effect, Any, JSON | TwilioResponse]:
    answer = yield from ask_for(fax_id, setup)
    fax = resource_of(answer)
    if fax is None:
        return error_of(answer, path)
    if not (yield from _has_expired(fax, answer)):
        return fax
    request = TelnyxRequest("POST", f"/faxes/{fax_id}/actions/refresh")
    tried = yield from repeated(request, setup.retry)
    renewed = isinstance(tried.outcome, TelnyxResponse) and 200 <= tried.outcome.status < 300
    for seconds in (0.0, *POLLS) if renewed else ():
        if seconds:
            yield Pause(seconds)
        answer = yield from ask_for(fax_id, setup)
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
        now = (yield Mint()).now
    return now + LINK_MARGIN >= end


def _told(fax_id: str, fax: JSON, setup: Setup) -> Flow:
    known = yield Recall((fax_id,))
    facts = known.get(fax_id, NOTHING_KNOWN)
    payload = fax_payload(fax, setup.account_sid, facts)
    if setup.documents is not None:
        payload = setup.documents.shown(payload, (yield Mint()).now)
    return TwilioResponse(200, payload)


def _not_allowed(method: str) -> TwilioResponse:
    return problem(405, 20004, f"{method} is not allowed here")
