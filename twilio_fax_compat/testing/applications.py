"""
Fax Applications, enough of them to send with.

Source: https://developers.telnyx.com/api-reference/fax-applications/create-a-fax-application.
"""

from __future__ import annotations

import builtins
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twilio_fax_compat.testing.bodies import Refusal, meta, page_of
from twilio_fax_compat.testing.clock import Clock, iso

FIRST_ID = 1293384261075731499


class Applications:
    """All Fax Applications by id; one is there from the beginning."""

    def __init__(self, clock: Clock, webhook_url: str | None) -> None:
        self.clock = clock
        self.by_id: dict[str, dict[str, Any]] = {}
        first = self.add(
            {
                "application_name": "emulator",
                "webhook_event_url": webhook_url or "",
                "outbound": {"outbound_voice_profile_id": "1293384261075731500"},
            }
        )
        self.first_id = str(first["id"])

    def add(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Make an application."""
        now = iso(self.clock.stamp())
        application = {
            "id": str(FIRST_ID + len(self.by_id)),
            "record_type": "fax_application",
            "application_name": fields["application_name"],
            "active": fields.get("active", True),
            "anchorsite_override": fields.get("anchorsite_override") or "Latency",
            "webhook_event_url": fields["webhook_event_url"],
            "webhook_event_failover_url": fields.get("webhook_event_failover_url") or "",
            "webhook_timeout_secs": fields.get("webhook_timeout_secs"),
            "inbound": {
                "sip_subdomain_receive_settings": "from_anyone",
                **(fields.get("inbound") or {}),
            },
            "outbound": {
                "outbound_voice_profile_id": "",
                **(fields.get("outbound") or {}),
            },
            "tags": fields.get("tags") or [],
            "created_at": now,
            "updated_at": now,
        }
        self.by_id[str(application["id"])] = application
        return application

    def routes(self) -> builtins.list[Route]:
        """Return the routes that serve them."""
        base = "/v2/fax_applications"
        return [
            Route(base, self.create, methods=["POST"]),
            Route(base, self.list, methods=["GET"]),
            Route(base + "/{application_id}", self.view, methods=["GET"]),
            Route(base + "/{application_id}", self.change, methods=["PATCH"]),
            Route(base + "/{application_id}", self.delete, methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Make one."""
        return _answer(self.add(await _fields(request)), 201)

    async def list(self, request: Request) -> Response:
        """Show a page of them, the newest first."""
        query = parse_qsl(request.url.query, keep_blank_values=True)
        number, size = page_of(query, 20, 250)
        fields = dict(query)
        wanted = list(self.by_id.values())[::-1]
        part = fields.get("filter[application_name][contains]")
        if part is not None:
            wanted = [one for one in wanted if part.lower() in one["application_name"].lower()]
        profile = fields.get("filter[outbound_voice_profile_id]")
        if profile is not None:
            wanted = [
                one for one in wanted if one["outbound"]["outbound_voice_profile_id"] == profile
            ]
        sort = fields.get("sort")
        if sort is not None:
            if sort.lstrip("-") not in ("created_at", "application_name", "active"):
                raise Refusal(422, "10032", "sort is by created_at, application_name or active")
            wanted.sort(key=lambda one: one[sort.lstrip("-")], reverse=sort.startswith("-"))
        start = (number - 1) * size
        body = {"data": wanted[start : start + size], "meta": meta(number, size, len(wanted))}
        return Response(json.dumps(body), media_type="application/json")

    async def view(self, request: Request) -> Response:
        """Show one."""
        return _answer(self._one(request))

    async def change(self, request: Request) -> Response:
        """Change one."""
        application = self._one(request)
        fields = await _fields(request)
        for name, value in fields.items():
            if name in ("inbound", "outbound") and isinstance(value, dict):
                application[name] = {**application[name], **value}
            elif name in application and name not in ("id", "record_type", "created_at"):
                application[name] = value
        application["updated_at"] = iso(self.clock.stamp())
        return _answer(application)

    async def delete(self, request: Request) -> Response:
        """Delete one and show it."""
        application = self._one(request)
        del self.by_id[application["id"]]
        return _answer(application)

    def _one(self, request: Request) -> dict[str, Any]:
        application = self.by_id.get(request.path_params["application_id"])
        if application is None:
            raise Refusal(404, "10005", "The requested resource or URL could not be found")
        return application


async def _fields(request: Request) -> dict[str, Any]:
    try:
        fields = json.loads(await request.body())
    except ValueError:
        raise Refusal(400, "10015", "The body is no JSON") from None
    for name in ("application_name", "webhook_event_url"):
        if not isinstance(fields, dict) or not fields.get(name):
            raise Refusal(422, "10004", f"The '{name}' parameter is required", f"/{name}")
    if not re.match(r"https?://[^/\s]+", str(fields["webhook_event_url"])):
        raise Refusal(422, "10003", "'webhook_event_url' is no URL", "/webhook_event_url")
    return dict(fields)


def _answer(application: dict[str, Any], status: int = 200) -> Response:
    body = json.dumps({"data": application})
    return Response(body, status, media_type="application/json")
