"""The eight operations of Twilio's fax API as functions from a request to an answer."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from datetime import datetime
from typing import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import attr

from tests.fakes.twilio.faxes import Fax, Faxes, is_number, pdf, stamp

PAGE_SIZE, PAGE_SIZE_MAX = 50, 1000
FILTERS = ("From", "To", "DateCreatedOnOrBefore", "DateCreatedAfter")
MORE_INFO = "https://www.twilio.com/docs/errors/{}"


@attr.frozen
class Request:
    """A request as it was received. *target* is the path with the query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def credentials(self) -> tuple[str, str] | None:
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return None
        user, _, password = b64decode(text).decode().partition(":")
        return user, password


@attr.frozen
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "application/json;charset=utf-8"


class RefusedError(Exception):
    """An error in Twilio's format."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    @property
    def answer(self) -> Answer:
        error = {
            "code": self.code,
            "message": str(self),
            "more_info": MORE_INFO.format(self.code),
            "status": self.status,
        }
        return _json(self.status, error)


class Api:
    """Answers requests about *faxes*. *announce* is called with each fax whose status changed."""

    def __init__(
        self,
        faxes: Faxes,
        credentials: tuple[str, str],
        announce: Callable[[Fax], None],
        looked: Callable[[Fax], None],
    ) -> None:
        self._faxes, self._credentials = faxes, credentials
        self._announce, self._looked = announce, looked

    def answer(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except RefusedError as refused:
            return refused.answer

    def _answer(self, request: Request) -> Answer:
        media = re.fullmatch(r"/AC\w+/(ME\w+)", request.path)
        if media:
            return self._document(media[1])
        if request.credentials != self._credentials:
            raise RefusedError(401, 20003, "Authenticate")
        for pattern, operations in self._routes():
            match = re.fullmatch(pattern, request.path)
            if match:
                operation = operations.get(request.method)
                if operation is None:
                    raise RefusedError(405, 20004, "Method not allowed")
                return operation(request, *match.groups())
        raise _not_found(request.path)

    def _routes(self) -> list[tuple[str, dict[str, Callable[..., Answer]]]]:
        one, media = r"/v1/Faxes/([^/]+)", r"/v1/Faxes/([^/]+)/Media"
        return [
            (r"/v1/Faxes", {"GET": self._list, "POST": self._create}),
            (one, {"GET": self._fetch, "POST": self._update, "DELETE": self._delete}),
            (media, {"GET": self._list_media}),
            (media + "/([^/]+)", {"GET": self._fetch_media, "DELETE": self._delete_media}),
        ]

    def _create(self, request: Request) -> Answer:
        form = request.form
        _check_order(form)
        fax = self._faxes.add(
            form.get("From"),
            form["To"],
            quality=form.get("Quality", "fine"),
            original_media_url=form["MediaUrl"],
            status_callback=form.get("StatusCallback"),
            store_media=form.get("StoreMedia", "true").lower() != "false",
        )
        shown = self._faxes.shown(fax)
        self._announce(fax)
        return _json(201, shown)

    def _list(self, request: Request) -> Answer:
        query = request.query
        chosen = _chosen(self._faxes.newest_first(), query)
        size = _page_size(query)
        start, page = self._start(chosen, query, size), int(query.get("Page", 0))
        shown = chosen[start : start + size]
        filters = [(name, query[name]) for name in FILTERS if name in query]
        base = f"{self._faxes.origin}/v1/Faxes?"

        def link(page: int, *token: tuple[str, str]) -> str:
            return base + urlencode([*filters, ("PageSize", size), ("Page", page), *token])

        has_next, has_previous = start + size < len(chosen), start > 0 and bool(shown)
        meta = {
            "key": "faxes",
            "page": page,
            "page_size": size,
            "first_page_url": link(0),
            "previous_page_url": link(max(page - 1, 0), ("PageToken", f"PB{shown[0].sid}"))
            if has_previous
            else None,
            "next_page_url": link(page + 1, ("PageToken", f"PA{shown[-1].sid}"))
            if has_next
            else None,
            "url": link(page, *[("PageToken", query["PageToken"])] if "PageToken" in query else []),
        }
        return _json(200, {"faxes": [self._faxes.shown(fax) for fax in shown], "meta": meta})

    def _start(self, chosen: list[Fax], query: dict[str, str], size: int) -> int:
        token = query.get("PageToken", "")
        if not token:
            return int(query.get("Page", 0)) * size
        anchor = self._faxes.number_of(token[2:])
        if anchor is None or token[:2] not in ("PA", "PB"):
            raise RefusedError(400, 20001, "Invalid PageToken")
        if token.startswith("PA"):
            return sum(fax.number >= anchor for fax in chosen)
        return max(sum(fax.number > anchor for fax in chosen) - size, 0)

    def _fetch(self, request: Request, sid: str) -> Answer:
        fax = self._known(sid)
        self._looked(fax)
        return _json(200, self._faxes.shown(fax))

    def _update(self, request: Request, sid: str) -> Answer:
        fax = self._known(sid)
        status = request.form.get("Status")
        if status not in (None, "canceled"):
            raise RefusedError(400, 20001, "Invalid Status: only canceled can be set")
        if status and fax.is_final:
            raise RefusedError(409, 20409, f"Fax {sid} is {fax.status}: it cannot be canceled")
        if status:
            self._faxes.change(fax, "canceled")
            self._announce(fax)
        return _json(200, self._faxes.shown(fax))

    def _delete(self, request: Request, sid: str) -> Answer:
        self._faxes.remove(self._known(sid))
        return Answer(204)

    def _list_media(self, request: Request, sid: str) -> Answer:
        fax = self._known(sid)
        size = _page_size(request.query)
        url = f"{fax.resource['url']}/Media?" + urlencode({"PageSize": size, "Page": 0})
        meta = {
            "key": "media",
            "page": 0,
            "page_size": size,
            "first_page_url": url,
            "previous_page_url": None,
            "next_page_url": None,
            "url": url,
        }
        return _json(200, {"media": [fax.media] if fax.media else [], "meta": meta})

    def _fetch_media(self, request: Request, sid: str, media_sid: str) -> Answer:
        return _json(200, self._with_media(sid, media_sid).media)

    def _delete_media(self, request: Request, sid: str, media_sid: str) -> Answer:
        self._faxes.remove_media(self._with_media(sid, media_sid))
        return Answer(204)

    def _document(self, media_sid: str) -> Answer:
        for fax in self._faxes:
            if fax.media and fax.media["sid"] == media_sid:
                document = self._faxes.documents.get(fax.sid) or pdf(fax.pages)
                return Answer(200, document, "application/pdf")
        return Answer(404, b"", "text/plain")

    def _known(self, sid: str) -> Fax:
        fax = self._faxes.get(sid)
        if fax is None:
            raise _not_found(f"/v1/Faxes/{sid}")
        return fax

    def _with_media(self, sid: str, media_sid: str) -> Fax:
        fax = self._known(sid)
        if fax.media is None or fax.media["sid"] != media_sid:
            raise _not_found(f"/v1/Faxes/{sid}/Media/{media_sid}")
        return fax


def _check_order(form: dict[str, str]) -> None:
    to, url = form.get("To", ""), form.get("MediaUrl", "")
    if not to:
        raise RefusedError(400, 21201, "No 'To' number is specified")
    if not is_number(to) and not to.startswith("sip:"):
        raise RefusedError(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if is_number(to) and not form.get("From"):
        raise RefusedError(400, 21213, "A 'From' number is required")
    if is_number(to) and not is_number(form["From"]):
        raise RefusedError(400, 21212, "The 'From' number is not a valid phone number.")
    if not _is_url(url):
        raise RefusedError(400, 21620, "Invalid media URL(s)")
    if not _is_url(form.get("StatusCallback", "https://a.example")):
        raise RefusedError(400, 21609, "Invalid StatusCallback")
    if form.get("Quality", "fine") not in ("standard", "fine", "superfine"):
        raise RefusedError(400, 20001, "Invalid Quality")
    if not form.get("Ttl", "1").isdigit():
        raise RefusedError(400, 20001, "Invalid Ttl")


def _chosen(faxes: list[Fax], query: dict[str, str]) -> list[Fax]:
    after = _moment(query["DateCreatedAfter"]) if "DateCreatedAfter" in query else ""
    before = _moment(query.get("DateCreatedOnOrBefore", "9999-12-31"))
    return [
        fax
        for fax in faxes
        if after < fax.resource["date_created"] <= before
        and fax.resource["from"] == query.get("From", fax.resource["from"])
        and fax.resource["to"] == query.get("To", fax.resource["to"])
    ]


def _moment(text: str) -> str:
    for form in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d%z"):
        try:
            return stamp(datetime.strptime(text.rstrip("Z") + "+0000", form))
        except ValueError:
            continue
    raise RefusedError(400, 20001, "Invalid date")


def _page_size(query: dict[str, str]) -> int:
    size = query.get("PageSize", str(PAGE_SIZE))
    if not size.isdigit() or size == "0":
        raise RefusedError(400, 20001, "Invalid PageSize")
    return min(int(size), PAGE_SIZE_MAX)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _not_found(path: str) -> RefusedError:
    path = re.sub("^/v1", "", path)
    return RefusedError(404, 20404, f"The requested resource {path} was not found")


def _json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode())
