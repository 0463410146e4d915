"""
Fax Applications: as much of them as sending needs.

Source: https://developers.telnyx.com/api-reference/fax-applications/create-a-fax-application.
"""

from __future__ import annotations

import json
import re
from typing import Any, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twilio_fax_compat.testing.bodies import flag, json_object, meta, one_of, page_of, url, whole
from twilio_fax_compat.testing.clock import Clock, iso
from twilio_fax_compat.testing.refusals import NOT_FOUND, Refusal

FIRST_ID = 1293384261075731499
"""Ids are larger than 2**53, as Telnyx's are, so that a client that reads them as floats fails."""

SITES = (
    "Latency",
    "Chicago, IL",
    "Ashburn, VA",
    "San Jose, CA",
    "Sydney, Australia",
    "Amsterdam, Netherlands",
    "London, UK",
    "Toronto, Canada",
    "Vancouver, Canada",
    "Frankfurt, Germany",
)

_DEFAULTS: Mapping[str, Any] = {
    "active": True,
    "anchorsite_override": "Latency",
    "webhook_event_failover_url": "",
    "webhook_timeout_secs": None,
    "tags": (),
}
_INBOUND = {"sip_subdomain_receive_settings": "from_anyone"}
_OUTBOUND = {"outbound_voice_profile_id": ""}
_SORTS = ("created_at", "application_name", "active")


class Applications:
    """All Fax Applications by id. The first exists from the start."""

    def __init__(self, clock: Clock, webhook_url: str | None) -> None:
        self.clock = clock
        self.by_id: dict[str, dict[str, Any]] = {}
        self._next_id = FIRST_ID
        self.first = self.add(
            {
                "application_name": "emulator",
                "webhook_event_url": webhook_url or "",
                "outbound": {"outbound_voice_profile_id": "1293384261075731500"},
            }
        )

    def add(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Create an application from checked *fields* and return it."""
        now = iso(self.clock.stamp())
        application: dict[str, Any] = {
            "id": str(self._next_id),
            "record_type": "fax_application",
            "application_name": fields["application_name"],
            "webhook_event_url": fields["webhook_event_url"],
            **{name: fields.get(name, default) for name, default in _DEFAULTS.items()},
            "inbound": {**_INBOUND, **fields.get("inbound", {})},
            "outbound": {**_OUTBOUND, **fields.get("outbound", {})},
            "created_at": now,
            "updated_at": now,
        }
        self._next_id += 1
        self.by_id[application["id"]] = application
        return application

    def routes(self) -> list[Route]:
        """Return the routes that serve the applications."""
        base = "/v2/fax_applications"
        return [
            Route(base, self.create, methods=["POST"]),
            Route(base, self.show_page, methods=["GET"]),
            Route(base + "/{application_id}", self.view, methods=["GET"]),
            Route(base + "/{application_id}", self.change, methods=["PATCH"]),
            Route(base + "/{application_id}", self.delete, methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Create an application."""
        return _answer(self.add(_checked(await request.body())), 201)

    async def show_page(self, request: Request) -> Response:
        """Return a page of applications, newest first."""
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        try:
            number, size = page_of(query, 20, 250)
            wanted = self._matching(query)
        except Refusal as refusal:
            # The published OpenAPI file has no 422 for this operation.
            refusal.status = 400
            raise
        start = (number - 1) * size
        body = {"data": wanted[start : start + size], "meta": meta(number, size, len(wanted))}
        return Response(json.dumps(body), media_type="application/json")

    async def view(self, request: Request) -> Response:
        """Return an application."""
        return _answer(self._application(request))

    async def change(self, request: Request) -> Response:
        """Change an application and return it."""
        application = self._application(request)
        for name, value in _checked(await request.body()).items():
            if name in ("inbound", "outbound"):
                application[name] = {**application[name], **value}
            elif name in _DEFAULTS or name in ("application_name", "webhook_event_url"):
                application[name] = value
        application["updated_at"] = iso(self.clock.stamp())
        return _answer(application)

    async def delete(self, request: Request) -> Response:
        """Delete an application and return it."""
        application = self._application(request)
        del self.by_id[application["id"]]
        return _answer(application)

    def _matching(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        wanted = list(self.by_id.values())[::-1]
        for name in query:
            if name.startswith("filter") and name not in (
                "filter[application_name][contains]",
                "filter[outbound_voice_profile_id]",
            ):
                raise Refusal(400, "10031", f"There is no filter {name}", parameter=name)
        part = query.get("filter[application_name][contains]")
        if part is not None:
            if len(part) < 3:
                name = "filter[application_name][contains]"
                raise Refusal(
                    400, "10031", f"{name} needs at least three characters", parameter=name
                )
            wanted = [app for app in wanted if part.lower() in app["application_name"].lower()]
        profile = query.get("filter[outbound_voice_profile_id]")
        if profile is not None:
            wanted = [
                app for app in wanted if app["outbound"]["outbound_voice_profile_id"] == profile
            ]
        sort = query.get("sort")
        if sort is not None:
            if not re.fullmatch("-?({})".format("|".join(_SORTS)), sort):
                raise Refusal(
                    400, "10032", f"sort must be one of {', '.join(_SORTS)}", parameter="sort"
                )
            wanted.sort(key=lambda app: app[sort.lstrip("-")], reverse=sort.startswith("-"))
        return wanted

    def _application(self, request: Request) -> dict[str, Any]:
        application = self.by_id.get(request.path_params["application_id"])
        if application is None:
            raise Refusal(404, "10005", NOT_FOUND)
        return application


def _checked(raw: bytes) -> dict[str, Any]:
    fields = json_object(raw)
    for name in ("application_name", "webhook_event_url"):
        if not fields.get(name):
            raise Refusal(422, "10004", f"The '{name}' parameter is required", f"/{name}")
    url(fields, "webhook_event_url")
    if fields.get("webhook_event_failover_url"):
        url(fields, "webhook_event_failover_url")
    one_of(fields, "anchorsite_override", SITES, "Latency")
    whole(fields, "webhook_timeout_secs", 0, 30)
    flag(fields, "active", True)
    for name in ("inbound", "outbound"):
        if not isinstance(fields.get(name, {}), dict):
            raise Refusal(422, "10026", f"'{name}' must be an object", f"/{name}")
    return fields


def _answer(application: Mapping[str, Any], status: int = 200) -> Response:
    body = json.dumps({"data": application})
    return Response(body, status, media_type="application/json")
