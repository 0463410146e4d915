"""
Telnyx's fax API over HTTP.

Operations: https://developers.telnyx.com/api-reference/programmable-fax-commands/send-a-fax and the
pages beside it; https://developers.telnyx.com/api-reference/fax-applications/list-all-fax-applications.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import format_datetime
from typing import Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twilio_fax_compat.testing import documents
from twilio_fax_compat.testing.applications import Applications
from twilio_fax_compat.testing.bodies import (
    fax_from,
    meta,
    page_of,
    preview_format_from,
    read_body,
    url,
)
from twilio_fax_compat.testing.fax import Fax
from twilio_fax_compat.testing.filters import filters_of
from twilio_fax_compat.testing.lifecycle import Machine
from twilio_fax_compat.testing.refusals import NOT_FOUND, Refusal


class Api:
    """
    The endpoints of the faxes of *machine*. Each takes Starlette's request and returns a response.

    *further_routes* are served, too. *pages*: the number of pages of each document. *link_key*: the secret
    that signs links.
    """

    def __init__(
        self,
        machine: Machine,
        further_routes: Sequence[Route],
        applications: Applications,
        link_key: bytes,
        pages: int,
        page_size_default: int,
        page_size_max: int,
        newest_first: bool,
    ) -> None:
        self.machine = machine
        self.applications = applications
        self.link_key = link_key
        self.pages = pages
        self.page_size_default = page_size_default
        self.page_size_max = page_size_max
        self.newest_first = newest_first
        self.documents: dict[str, bytes] = {}
        self.app = Starlette(
            routes=[
                Route("/v2/faxes", self.create, methods=["POST"]),
                Route("/v2/faxes", self.list, methods=["GET"]),
                Route("/v2/faxes/{fax_id}", self.view, methods=["GET"]),
                Route("/v2/faxes/{fax_id}", self.delete, methods=["DELETE"]),
                Route("/v2/faxes/{fax_id}/actions/cancel", self.cancel, methods=["POST"]),
                Route("/v2/faxes/{fax_id}/actions/refresh", self.refresh, methods=["POST"]),
                *further_routes,
                Route("/media/{fax_id}/{name}", self.media, methods=["GET"]),
            ],
            exception_handlers={Refusal: refused, 404: no_such_path, 405: no_such_path},
        )

    async def create(self, request: Request) -> Response:
        """Accept a fax."""
        body = await read_body(request)
        resource = fax_from(body, self.applications.by_id)
        application = self.applications.by_id[resource["connection_id"]]
        resource["webhook_url"] = url(body, "webhook_url") or application["webhook_event_url"]
        resource["webhook_failover_url"] = application["webhook_event_failover_url"] or ""
        fax = self.machine.add(resource, self.pages, preview_format=preview_format_from(body))
        contents = body.get("contents")
        if isinstance(contents, bytes):
            self.documents[fax.id] = contents
        return answer(b'{"data": %s}' % fax.as_json(), 202)

    async def view(self, request: Request) -> Response:
        """Return a fax."""
        fax = self._fax(request)
        resource = fax.as_json()
        self.machine.was_read([fax])
        return answer(b'{"data": %s}' % resource)

    async def list(self, request: Request) -> Response:
        """Return a page of faxes."""
        query = parse_qsl(request.url.query, keep_blank_values=True)
        number, size = page_of(dict(query), self.page_size_default, self.page_size_max)
        matching = self.machine.find(*filters_of(query))
        total = len(matching)
        start = (number - 1) * size
        if self.newest_first:
            page = matching[max(0, total - start - size) : max(0, total - start)][::-1]
        else:
            page = matching[start : start + size]
        data = b", ".join([fax.as_json() for fax in page])
        self.machine.was_read(page)
        footer = json.dumps(meta(number, size, total)).encode()
        return answer(b'{"data": [%s], "meta": %s}' % (data, footer))

    async def delete(self, request: Request) -> Response:
        """Delete a fax and its media."""
        fax = self._fax(request)
        self.machine.remove(fax.id)
        self.documents.pop(fax.id, None)
        return Response(status_code=204)

    async def cancel(self, request: Request) -> Response:
        """Accept the cancellation of an outbound fax."""
        fax = self._fax(request)
        if fax.is_inbound:
            raise Refusal(422, "90081", "An inbound fax cannot be cancelled")
        if not self.machine.cancel(fax):
            raise Refusal(422, "90080", f"A fax that is {fax.status} cannot be cancelled")
        return answer(b'{"data": {"result": "ok"}}', 202)

    async def refresh(self, request: Request) -> Response:
        """Renew the links to a fax's media."""
        self.machine.renew_links(self._fax(request))
        return answer(b'{"data": {"result": "ok"}}')

    async def media(self, request: Request) -> Response:
        """Serve a document, or S3's 403 if the link is not valid."""
        path, query = request.url.path, dict(parse_qsl(request.url.query))
        objection = documents.objection(path, query, self.link_key, self.machine.clock.now())
        fax = self.machine.get(request.path_params["fax_id"])
        if objection is None and fax is None:
            # S3 does not reveal whether a key exists.
            objection = documents.s3_error("AccessDenied", "Access Denied")
        if objection is not None or fax is None:
            return Response(objection, 403, media_type="application/xml")
        if path.endswith(".tiff"):
            return Response(documents.tiff(fax.pages), media_type="image/tiff")
        return Response(self.document(fax), media_type="application/pdf")

    def document(self, fax: Fax) -> bytes:
        """Return the document of a fax."""
        document = self.documents.get(fax.id)
        return documents.pdf(fax.pages) if document is None else document

    def _fax(self, request: Request) -> Fax:
        fax = self.machine.get(request.path_params["fax_id"])
        if fax is None:
            raise Refusal(404, "10005", NOT_FOUND)
        return fax


def answer(body: bytes, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(body, status, media_type="application/json")


def error_answer(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with Telnyx's error body."""
    body = json.dumps(refusal.body()).encode()
    return Response(body, refusal.status, headers, media_type="application/json")


async def refused(_request: Request, refusal: Exception) -> Response:
    """Return the response of a Refusal."""
    assert isinstance(refusal, Refusal)
    return error_answer(refusal)


async def no_such_path(_request: Request, _error: Exception) -> Response:
    """Return the response for an unknown path or method."""
    return error_answer(Refusal(404, "10005", NOT_FOUND))


def http_date(now: datetime) -> str:
    """Return *now* as a ``Date`` header."""
    return format_datetime(now.replace(microsecond=0), usegmt=True)
