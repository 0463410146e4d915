"""
Twilio's fax API, answered by Telnyx: one flow for each route.

Twilio's routes: https://www.twilio.com/docs/fax/api. Telnyx's:
https://developers.telnyx.com/api-reference/programmable-fax-commands/send-a-fax and its siblings.
"""

from __future__ import annotations

import re
from typing import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from twilio_fax_compat._core.effects import Flow
from twilio_fax_compat._core.fax_api.create import create
from twilio_fax_compat._core.fax_api.fetch import (
    fetch,
)
from twilio_fax_compat._core.fax_api.media import fetch_media, media_cannot_go_alone
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.fax_api.update import delete, update
from twilio_fax_compat._core.messages import (
    TwilioRequest,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.errors import (
    not_found,
    problem,
)
from twilio_fax_compat._core.translation.ids import fax_id
from twilio_fax_compat._core.translation.wire_values import wire_fields

__all__ = ["FlowSettings", "RetryPolicy", "answer_request", "twilio_request"]

ROUTE = re.compile(r"/Faxes(?:/([^/]+)(?:/(Media)(?:/([^/]+))?)?)?/?")
"""The paths of Twilio's fax API: the groups are the SID, ``Media``, and the SID of that."""


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
        fields.update(wire_fields(data))
    else:
        fields.update(parse_qsl(parts.query))
        fields.update(wire_fields(params))
    path = parts.path
    return TwilioRequest(method, path[3:] if path.startswith("/v1/") else path, fields)


def answer_request(request: TwilioRequest, settings: FlowSettings) -> Flow:
    """Answer a Twilio fax request by talking to Telnyx."""
    path, method = request.path, request.method.upper()
    route = ROUTE.fullmatch(path)
    if route is None:
        return not_found(path)
    sid, has_media, media = route.groups()
    if sid is None:
        if method == "POST":
            return (yield from create(request.fields, path, settings, request.attempt))
        if method != "GET":
            return _not_allowed(method)
        # Imported here: a program that only sends does not need it.
        from twilio_fax_compat._core.fax_api.lists import list_faxes

        return (yield from list_faxes(request.fields, path, settings))
    fax = fax_id(unquote(sid))
    if fax is None:
        return not_found(path)
    if not has_media:
        if method == "GET":
            return (yield from fetch(fax, path, settings))
        if method == "POST":
            return (yield from update(fax, request.fields, path, settings))
        return (
            (yield from delete(fax, path, settings)) if method == "DELETE" else _not_allowed(method)
        )
    if media is None:
        if method != "GET":
            return _not_allowed(method)
        from twilio_fax_compat._core.fax_api.media import list_media

        return (yield from list_media(fax, request.fields, path, settings))
    if fax_id(unquote(media), "ME") != fax:
        return not_found(path)
    if method == "DELETE":
        return media_cannot_go_alone(fax)
    return (
        (yield from fetch_media(fax, path, settings)) if method == "GET" else _not_allowed(method)
    )


def _not_allowed(method: str) -> TwilioResponse:
    return problem(405, 20004, f"{method} is not allowed here")
