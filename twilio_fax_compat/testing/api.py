"""
Telnyx's fax API over HTTP.

Operations: https://developers.telnyx.com/api-reference/programmable-fax-commands/send-a-fax and its
siblings; https://developers.telnyx.com/api-reference/fax-applications/list-all-fax-applications.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Dict, List, Mapping, Sequence, Union
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twilio_fax_compat.testing import documents
from twilio_fax_compat.testing.applications import Applications
from twilio_fax_compat.testing.bodies import Refusal, fax_from, meta, page_of
from twilio_fax_compat.testing.machine import Fax, Machine

Json = Union[Dict[str, Any], List[Any]]

_CANCELLABLE = ("queued", "media.processed", "originated", "sending")
_FILTER = re.compile(r"filter\[([a-z_]+)\]\[([a-z]+)\]")


class Api:
    """The endpoints over a *machine*; each takes Starlette's request and returns a response."""

    def __init__(
        self,
        machine: Machine,
        applications: Applications,
        link_key: bytes,
        pages: int,
        list_lag: float,
        page_size_default: int,
        page_size_max: int,
        newest_first: bool,
        store: dict[str, bytes],
    ) -> None:
        self.machine = machine
        self.applications = applications
        self.link_key = link_key
        self.pages = pages
        self.list_lag = list_lag
        self.page_size_default = page_size_default
        self.page_size_max = page_size_max
        self.newest_first = newest_first
        self.store = store
        self.app = Starlette(
            routes=[
                Route("/v2/faxes", self.create, methods=["POST"]),
                Route("/v2/faxes", self.list, methods=["GET"]),
                Route("/v2/faxes/{fax_id}", self.view, methods=["GET"]),
                Route("/v2/faxes/{fax_id}", self.delete, methods=["DELETE"]),
                Route("/v2/faxes/{fax_id}/actions/cancel", self.cancel, methods=["POST"]),
                Route("/v2/faxes/{fax_id}/actions/refresh", self.refresh, methods=["POST"]),
                *applications.routes(),
                Route("/media/{fax_id}/{name}", self.media, methods=["GET"]),
            ],
            exception_handlers={Refusal: refused, 404: no_such_path, 405: no_such_path},
        )

    async def create(self, request: Request) -> Response:
        """Accept a fax."""
        body = await read_body(request)
        resource = fax_from(body, self.applications.by_id)
        application = self.applications.by_id[resource["connection_id"]]
        resource["webhook_url"] = body.get("webhook_url") or application["webhook_event_url"]
        resource["webhook_failover_url"] = application["webhook_event_failover_url"] or ""
        contents = body.get("contents")
        fax = self.machine.add(resource, self.pages, self.list_lag)
        if isinstance(contents, bytes):
            self.store[fax.id] = contents
        return answer(b'{"data": %s}' % fax.as_json(), 202)

    async def view(self, request: Request) -> Response:
        """Show a fax."""
        return answer(b'{"data": %s}' % self._fax(request).as_json())

    async def list(self, request: Request) -> Response:
        """Show a page of faxes."""
        query = parse_qsl(request.url.query, keep_blank_values=True)
        number, size = page_of(query, self.page_size_default, self.page_size_max)
        faxes = self._matching(query)
        total = len(faxes)
        start = (number - 1) * size
        if self.newest_first:
            chosen = list(faxes[max(0, total - start - size) : max(0, total - start)])[::-1]
        else:
            chosen = list(faxes[start : start + size])
        data = b", ".join([fax.as_json() for fax in chosen])
        footer = json.dumps(meta(number, size, total)).encode()
        return answer(b'{"data": [%s], "meta": %s}' % (data, footer))

    async def delete(self, request: Request) -> Response:
        """Delete a fax and its media."""
        fax = self._fax(request)
        self.machine.remove(fax.id)
        self.store.pop(fax.id, None)
        return Response(status_code=204)

    async def cancel(self, request: Request) -> Response:
        """Accept the cancellation of an outbound fax."""
        fax = self._fax(request)
        if fax.is_inbound:
            raise Refusal(422, "90081", "An inbound fax cannot be cancelled")
        if fax.status not in _CANCELLABLE:
            raise Refusal(422, "90080", f"A fax that is {fax.status} cannot be cancelled")
        self.machine.cancel(fax)
        return answer(b'{"data": {"result": "ok"}}', 202)

    async def refresh(self, request: Request) -> Response:
        """Renew the links of a fax's media."""
        fax = self._fax(request)
        for name in ("media_url",) if fax.is_inbound else ("stored_media_url",):
            if fax.resource.get(name):
                fax.change(**{name: self.machine.link(fax)})
        return answer(b'{"data": {"result": "ok"}}')

    async def media(self, request: Request) -> Response:
        """Serve a document to whoever has a link that opens."""
        fax = self.machine.get(request.path_params["fax_id"])
        query = dict(parse_qsl(request.url.query))
        if fax is None or not documents.opens(
            request.url.path, query, self.link_key, self.machine.clock.now()
        ):
            text = '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
            return Response(text, 403, media_type="application/xml")
        return Response(self.document(fax), media_type="application/pdf")

    def document(self, fax: Fax) -> bytes:
        """Return the document of a fax."""
        if fax.id not in self.store:
            self.store[fax.id] = documents.pdf(fax.pages)
        return self.store[fax.id]

    def _fax(self, request: Request) -> Fax:
        fax = self.machine.get(request.path_params["fax_id"])
        if fax is None:
            raise Refusal(404, "10005", "The requested resource or URL could not be found")
        return fax

    def _matching(self, query: Sequence[tuple[str, str]]) -> Sequence[Fax]:
        bounds: dict[str, datetime] = {}
        equal: dict[str, str] = {}
        for name, value in query:
            match = _FILTER.fullmatch(name)
            if match is None:
                if name.startswith("filter"):
                    raise Refusal(422, "10031", f"There is no {name}")
                continue
            subject, operator = match.groups()
            if subject == "created_at" and operator in _BOUNDS:
                bounds[_BOUNDS[operator]] = moment(value)
            elif subject in ("from", "to", "direction") and operator == "eq":
                equal[subject] = value
            else:
                raise Refusal(422, "10031", f"There is no {name}")
        faxes = self.machine.between(**bounds)
        if equal:
            wanted = list(equal.items())
            faxes = [
                fax for fax in faxes if all(fax.resource[name] == value for name, value in wanted)
            ]
        if self.list_lag:
            from time import monotonic

            now = monotonic()
            faxes = [fax for fax in faxes if fax.visible_from <= now]
        return faxes


_BOUNDS: Mapping[str, str] = {"gt": "after", "gte": "since", "lt": "before", "lte": "until"}


def moment(text: str) -> datetime:
    """Return the moment of a filter. Raises Refusal."""
    match = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?)?(Z|[+ -]\d\d:?\d\d)?", text
    )
    if match is None:
        raise Refusal(422, "10031", "created_at is compared with an ISO 8601 date-time")
    date, time, fraction, zone = match.groups()
    offset = "+0000" if zone in (None, "Z") else zone.replace(":", "").replace(" ", "+")
    whole = "{}T{}.{}{}".format(date, time or "00:00:00", (fraction or "0").ljust(6, "0"), offset)
    try:
        return datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError:
        raise Refusal(422, "10031", "created_at is compared with a real date") from None


async def read_body(request: Request) -> dict[str, Any]:
    """
    Return the fields of a JSON, form or multipart body. Raises Refusal.

    Telnyx's guides post forms, and once JSON under cURL's default content type.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        fields: dict[str, Any] = {}
        async with request.form() as form:
            for name, value in form.multi_items():
                fields[name] = await value.read() if isinstance(value, UploadFile) else value
        return fields
    raw = await request.body()
    if kind == "application/x-www-form-urlencoded" and not raw.lstrip().startswith(b"{"):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal(400, "10015", "The body is no JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "10015", "The body is no JSON object")
    return body


def answer(body: bytes, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(body, status, media_type="application/json")


def error_answer(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with Telnyx's error body."""
    body = json.dumps(refusal.body()).encode()
    return Response(body, refusal.status, headers, media_type="application/json")


async def refused(_request: Request, refusal: Exception) -> Response:
    """Answer a Refusal."""
    assert isinstance(refusal, Refusal)
    return error_answer(refusal)


async def no_such_path(_request: Request, _error: Exception) -> Response:
    """Answer what is not there."""
    return error_answer(Refusal(404, "10005", "The requested resource or URL could not be found"))


def http_date(now: datetime) -> str:
    """Return *now* as a ``Date`` header."""
    return format_datetime(now.replace(microsecond=0), usegmt=True)
