"""
The records of delivered and failed webhooks, as ``GET /v2/webhook_deliveries`` lists them.

Source: https://developers.telnyx.com/api-reference/webhooks/list-webhook-deliveries. The documents do not
say in which order records are listed and whether an event that is still tried again is among them: here
a record is listed when its event was delivered or its last attempt failed.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from threading import Lock
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import parse_qsl
from uuid import uuid4

import httpx
from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twilio_fax_compat.testing.bodies import meta, page_of
from twilio_fax_compat.testing.clock import iso
from twilio_fax_compat.testing.filters import read_moment
from twilio_fax_compat.testing.refusals import NOT_FOUND, Refusal

_LIMIT = 10 * 1024
"""Bytes of a response's body that a record keeps."""

_NOT_DELIVERED = 75000
"""Telnyx's error codes of attempts begin here; no list of them is published."""

_TIME_FILTER = re.compile(r"filter\[(started_at|finished_at)\]\[(gte|lte)\]")


@define(eq=False)
class WebhookDelivery:
    """All attempts to deliver one *event*, the ``data`` of a webhook. The newest attempt comes first."""

    event: Mapping[str, Any] = field(repr=False)
    id: str = field(factory=lambda: str(uuid4()))
    started: datetime | None = None
    finished: datetime | None = None
    attempts: list[dict[str, Any]] = field(factory=list, repr=False)

    @property
    def status(self) -> str:
        """Whether an attempt was successful: ``delivered`` or ``failed``."""
        states = [attempt["status"] for attempt in self.attempts]
        return "delivered" if "delivered" in states else "failed"

    def add_attempt(
        self,
        url: str,
        headers: Mapping[str, str],
        response: httpx.Response | None,
        started: datetime,
        finished: datetime,
    ) -> None:
        """Add an attempt. *response* is None if there was none."""
        http: dict[str, Any] = {"request": {"url": url, "headers": [*map(list, headers.items())]}}
        if response is not None:
            http["response"] = {
                "status": response.status_code,
                "headers": [list(pair) for pair in response.headers.items()],
                "body": response.content[:_LIMIT].decode("utf-8", "replace"),
            }
        is_good = response is not None and response.status_code == 200
        self.attempts.insert(
            0,
            {
                "status": "delivered" if is_good else "failed",
                "started_at": iso(started),
                "finished_at": iso(finished),
                "errors": [] if is_good else [_NOT_DELIVERED],
                "http": http,
            },
        )
        self.started = self.started or started
        self.finished = finished

    def as_resource(self, user_id: str) -> dict[str, Any]:
        """Return the record as Telnyx's resource."""
        return {
            "id": self.id,
            "record_type": "webhook_delivery",
            "user_id": user_id,
            "status": self.status,
            "started_at": self.started and iso(self.started),
            "finished_at": self.finished and iso(self.finished),
            "webhook": self.event,
            "attempts": self.attempts,
        }


class WebhookDeliveries:
    """All records, and the routes that list them. *now* returns the virtual time."""

    def __init__(
        self,
        now: Callable[[], datetime],
        page_size_default: int,
        page_size_max: int,
        newest_first: bool,
    ) -> None:
        self.now = now
        self.user_id = ""
        self._page_sizes = page_size_default, page_size_max
        self._newest_first = newest_first
        self._records: list[WebhookDelivery] = []
        self._lock = Lock()

    def add(self, record: WebhookDelivery) -> None:
        """Add a finished record."""
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Remove all records."""
        with self._lock:
            self._records.clear()

    def routes(self) -> list[Route]:
        """Return the routes that serve the records."""
        base = "/v2/webhook_deliveries"
        return [
            Route(base, self.list_page, methods=["GET"]),
            Route(base + "/{record_id}", self.view, methods=["GET"]),
        ]

    async def list_page(self, request: Request) -> Response:
        """Return a page of records."""
        query = parse_qsl(request.url.query, keep_blank_values=True)
        number, size = page_of(dict(query), *self._page_sizes)
        conditions = _conditions(query)
        records = [record for record in self._all() if all(fits(record) for fits in conditions)]
        start = (number - 1) * size
        page = [record.as_resource(self.user_id) for record in records[start : start + size]]
        return _answer({"data": page, "meta": meta(number, size, len(records))})

    async def view(self, request: Request) -> Response:
        """Return a record."""
        for record in self._all():
            if record.id == request.path_params["record_id"]:
                return _answer({"data": record.as_resource(self.user_id)})
        raise Refusal(404, "10005", NOT_FOUND)

    def _all(self) -> Sequence[WebhookDelivery]:
        with self._lock:
            return self._records[::-1] if self._newest_first else list(self._records)


Condition = Callable[[WebhookDelivery], bool]


def _conditions(query: Sequence[tuple[str, str]]) -> list[Condition]:
    return [_condition(name, value) for name, value in query if not name.startswith("page[")]


def _condition(name: str, value: str) -> Condition:
    if name == "filter[status][eq]":
        if value not in ("delivered", "failed"):
            raise Refusal(422, "10031", f"{name} must be delivered or failed", parameter=name)
        return lambda record: record.status == value
    if name == "filter[event_type]":
        return lambda record: record.event["event_type"] in value.split(",")
    if name == "filter[webhook][contains]":
        return lambda record: value in json.dumps(record.event)
    if name == "filter[attempts][contains]":
        return lambda record: value in json.dumps(record.attempts)
    match = _TIME_FILTER.fullmatch(name)
    if match is None:
        raise Refusal(422, "10031", f"There is no filter {name}", parameter=name)
    subject, operator = match.groups()
    bound = read_moment(name, value)

    def is_within(record: WebhookDelivery) -> bool:
        moment = record.started if subject == "started_at" else record.finished
        if moment is None:
            return False
        return moment >= bound if operator == "gte" else moment <= bound

    return is_within


def _answer(body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body), media_type="application/json")
