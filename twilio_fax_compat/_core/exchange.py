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
from twilio_fax_compat._core.paging import is_last_page, read_listing
from twilio_fax_compat._core.problems import (
    from_failure,
    from_telnyx,
    not_found,
    problem,
    refuses_state,
    telnyx_errors,
)
from twilio_fax_compat._core.retries import RetryPolicy, Tried, repeated
from twilio_fax_compat._core.sending import Setup, create, readable_list
from twilio_fax_compat._core.statuses import is_terminal
from twilio_fax_compat._core.times import parse_http_date

__all__ = ["RetryPolicy", "Setup", "exchange", "twilio_request"]

_ROUTE = re.compile(r"/Faxes(?:/([^/]+)(?:/(Media)(?:/([^/]+))?)?)?/?")

LINK_MARGIN = timedelta(seconds=30)
"""A link that ends so soon is renewed at once, so that there is time to follow it."""

POLLS = (0.25, 0.5, 1.0)
"""Seconds between looks for what Telnyx has accepted but not yet done."""

_NOTHING_KNOWN = Facts()


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
    route = _ROUTE.fullmatch(path)
    if route is None:
        return not_found(path)
    sid, has_media, media = route.groups()
    if sid is None:
        flows = {"GET": list_faxes, "POST": create}
        flow = flows.get(method)
        return (yield from flow(request.fields, path, setup)) if flow else _not_allowed(method)
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
        return (yield from list_media(fax, request.fields, path, setup))
    if fax_id(unquote(media), "ME") != fax:
        return not_found(path)
    if method == "DELETE":
        return media_cannot_go_alone(fax)
    return (yield from fetch_media(fax, path, setup)) if method == "GET" else _not_allowed(method)


def fetch(fax_id: str, path: str, setup: Setup) -> Flow:
    """Return 200 and the fax, its media link renewed when that has expired."""
    fax = yield from _fax_with_live_link(fax_id, path, setup)
    if isinstance(fax, TwilioResponse):
        return fax
    return (yield from _told(fax_id, fax, setup))


def list_faxes(fields: Mapping[str, object], path: str, setup: Setup) -> Flow:
    """Return 200 and one page of faxes in Twilio's envelope, with one Telnyx request as a rule."""
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    while True:
        request = listing.request()
        tried = yield from repeated(request, setup.retry)
        page = readable_list(tried.outcome)
        if page is None:
            return _error(tried.outcome, path)
        faxes = page[0]
        if listing.was_overtaken(faxes):
            continue
        assert isinstance(tried.outcome, TelnyxResponse)
        is_last = is_last_page(tried.outcome.json() or {}, len(faxes), listing.telnyx_page_size)
        unseen = listing.unseen(faxes)
        if unseen or is_last or not faxes:
            break
        listing.turn()
    handed_out = unseen[: listing.page_size]
    following = None
    if handed_out and (len(unseen) > len(handed_out) or not is_last):
        following = listing.after(faxes, handed_out)
    known = yield Recall([str(fax.get("id")) for fax in handed_out])
    payloads = [
        fax_payload(fax, setup.account_sid, known.get(fax.get("id"), _NOTHING_KNOWN))
        for fax in handed_out
    ]
    return TwilioResponse(200, listing.envelope(payloads, following, path, "faxes"))


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
        answer = yield from _fax(fax_id, path, setup)
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
    return _error(outcome, path)


def list_media(fax_id: str, fields: Mapping[str, object], path: str, setup: Setup) -> Flow:
    """Return 200 and a page with the one FaxMedia of a fax, or none."""
    listing = read_listing(fields)
    if isinstance(listing, TwilioResponse):
        return listing
    fax = yield from _fax(fax_id, path, setup)
    if isinstance(fax, TwilioResponse):
        return fax
    media = None if listing.page_number else media_payload(fax, setup.account_sid)
    return TwilioResponse(200, listing.envelope([media] if media else [], None, path, "media"))


def fetch_media(fax_id: str, path: str, setup: Setup) -> Flow:
    """Return 200 and the FaxMedia of a fax."""
    fax = yield from _fax(fax_id, path, setup)
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


def _fax(fax_id: str, path: str, setup: Setup) -> Generator[Effect, Any, JSON | TwilioResponse]:
    answer = yield from _answer(fax_id, setup)
    fax = _resource(answer)
    return _error(answer, path) if fax is None else fax


def _fax_with_live_link(
    fax_id: str, path: str, setup: Setup
) -> Generator[Effect, Any, JSON | TwilioResponse]:
    answer = yield from _answer(fax_id, setup)
    fax = _resource(answer)
    if fax is None:
        return _error(answer, path)
    if not (yield from _has_expired(fax, answer)):
        return fax
    request = TelnyxRequest("POST", f"/faxes/{fax_id}/actions/refresh")
    tried = yield from repeated(request, setup.retry)
    renewed = isinstance(tried.outcome, TelnyxResponse) and 200 <= tried.outcome.status < 300
    for seconds in (0.0, *POLLS) if renewed else ():
        if seconds:
            yield Pause(seconds)
        answer = yield from _answer(fax_id, setup)
        fresh = _resource(answer)
        if fresh is None:
            return _error(answer, path)
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
    facts = known.get(fax_id, _NOTHING_KNOWN)
    return TwilioResponse(200, fax_payload(fax, setup.account_sid, facts))


def _answer(fax_id: str, setup: Setup) -> Generator[Effect, Any, Outcome]:
    tried: Tried = yield from repeated(TelnyxRequest("GET", f"/faxes/{fax_id}"), setup.retry)
    return tried.outcome


def _resource(outcome: Outcome) -> JSON | None:
    if isinstance(outcome, Failure) or not 200 <= outcome.status < 300:
        return None
    fax = (outcome.json() or {}).get("data")
    return fax if isinstance(fax, dict) else None


def _error(outcome: Outcome, path: str) -> TwilioResponse:
    if isinstance(outcome, Failure):
        return from_failure(outcome)
    if 200 <= outcome.status < 400:
        return problem(
            502,
            20500,
            f"Telnyx answered HTTP {outcome.status} without anything to read",
            {"errors": telnyx_errors(outcome), "telnyx_status": outcome.status},
        )
    return from_telnyx(outcome, path)


def _not_allowed(method: str) -> TwilioResponse:
    return problem(405, 20004, f"{method} is not allowed here")
