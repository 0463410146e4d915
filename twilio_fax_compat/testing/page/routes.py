"""Serves the pages, and does what their buttons say."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from datetime import datetime
from ipaddress import ip_address
from typing import Any, AsyncIterator, Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from twilio_fax_compat.testing import faults
from twilio_fax_compat.testing.page.html import PAGE_SIZE, Entry, View, as_text, fax_page, list_page

_BETWEEN_LOOKS = 0.2
_LONGEST = 25.0
"""Seconds after which a stream of changes ends. A browser opens it again."""

_MOST = 20 * 1024 * 1024
"""The largest PDF that may be uploaded, in bytes."""

_INJECTED: Mapping[str, Callable[[Any], object]] = {
    "answer_lost": lambda emulator: emulator.inject(
        faults.answer_lost(), method="POST", path="/v2/faxes"
    ),
    "error_503": lambda emulator: emulator.inject(faults.error(503)),
    "rate_limited": lambda emulator: emulator.inject(faults.rate_limited()),
    "webhook_lost": lambda emulator: emulator.inject(faults.lost()),
    "webhook_duplicated": lambda emulator: emulator.inject(faults.duplicated()),
}


class Page:
    """The pages of *emulator*, as an ASGI application."""

    def __init__(self, emulator: Any) -> None:
        """Take a `TelnyxEmulator`, which imports this module."""
        self.emulator = emulator
        self.token = secrets.token_urlsafe(24)
        fax = "/page/faxes/{fax_id}"
        self.app = Starlette(
            routes=[
                Route("/", self._list, methods=["GET"]),
                Route("/page/changes", self._changes, methods=["GET"]),
                Route(fax, self._fax, methods=["GET"]),
                Route(fax + "/document", self._document, methods=["GET"]),
                Route(fax + "/{action}", self._act_on_one, methods=["POST"]),
                Route("/page/{action}", self._act_on_all, methods=["POST"]),
            ]
        )

    @staticmethod
    def is_page(path: str) -> bool:
        """Return whether *path* is one of the page's, and not of Telnyx's API."""
        return path == "/" or path.startswith("/page/")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request, if it was made to this machine by its own name or address."""
        request = Request(scope)
        if not _is_own_host(request.url.hostname or ""):
            # Another name that leads here is an attack by DNS: its pages could read ours.
            await Response("wrong Host", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _list(self, request: Request) -> Response:
        faxes = self.emulator.faxes[::-1]
        number = request.query_params.get("page", "1")
        page = (
            max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 7 else 1
        )
        start = (page - 1) * PAGE_SIZE
        return self._page(
            request,
            lambda view: list_page(view, faxes[start : start + PAGE_SIZE], page, len(faxes)),
        )

    async def _fax(self, request: Request) -> Response:
        name = request.path_params["fax_id"]
        try:
            fax = self.emulator.fax(name)
        except KeyError:
            return Response("unknown fax", 404)
        return self._page(request, lambda view: fax_page(view, fax, self._timeline(name, view)))

    async def _document(self, request: Request) -> Response:
        try:
            document = self.emulator.document(request.path_params["fax_id"])
        except KeyError:
            return Response("unknown fax", 404)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
        return Response(document, headers=headers, media_type="application/pdf")

    async def _changes(self, _request: Request) -> Response:
        async def changes() -> AsyncIterator[bytes]:
            last, passed = self._state(), 0.0
            yield b": begins\n\n"
            while passed < _LONGEST:
                await asyncio.sleep(_BETWEEN_LOOKS)
                passed += _BETWEEN_LOOKS
                state = self._state()
                if state != last:
                    last = state
                    yield b"data: changed\n\n"

        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(changes(), headers=headers, media_type="text/event-stream")

    async def _act_on_all(self, request: Request) -> Response:
        form = await self._form(request)
        if isinstance(form, Response):
            return form
        action, emulator = request.path_params["action"], self.emulator
        if action == "hold":
            emulator.hold()
        elif action == "release":
            emulator.release()
        elif action == "advance" and _is_count(form.get("seconds")):
            emulator.advance(int(form["seconds"]))
        elif action == "fault" and form.get("fault") in _INJECTED:
            _INJECTED[form["fault"]](emulator)
        elif action == "receive":
            document = form.get("document")
            emulator.receive(
                str(form.get("from") or ""), str(form.get("to") or ""), document=document or None
            )
        else:
            return Response("unknown action", 400)
        return self._back(form, "/")

    async def _act_on_one(self, request: Request) -> Response:
        form = await self._form(request)
        if isinstance(form, Response):
            return form
        name, action = request.path_params["fax_id"], request.path_params["action"]
        emulator = self.emulator
        try:
            if action == "step":
                emulator.step(name)
            elif action == "complete":
                emulator.deliver(name)
            elif action == "fail":
                emulator.fail(name, str(form.get("reason") or ""))
            elif action == "redeliver":
                emulator.redeliver(name)
            else:
                return Response("unknown action", 400)
        except KeyError:
            return Response("unknown fax", 404)
        except ValueError as error:
            return Response(str(error), 400)
        return self._back(form, f"/page/faxes/{name}")

    async def _form(self, request: Request) -> dict[str, Any] | Response:
        """Return the fields of a form of this page, with uploads as bytes; else an error."""
        async with request.form() as form:
            token = form.get("token")
            if not isinstance(token, str) or not hmac.compare_digest(
                token.encode("utf-8", "surrogatepass"), self.token.encode()
            ):
                return Response("this form is not of this page: reload it", 403)
            fields: dict[str, Any] = {}
            for name, value in form.items():
                if isinstance(value, str):
                    fields[name] = value
                    continue
                content = await value.read(_MOST + 1)
                if len(content) > _MOST:
                    return Response("the PDF is too long", 413)
                if content and not content.startswith(b"%PDF-"):
                    return Response("the document is not a PDF", 400)
                fields[name] = content
            return fields

    def _page(self, request: Request, made: Callable[[View], str]) -> Response:
        nonce = secrets.token_urlsafe(16)
        view = View(
            self.emulator.now,
            self.emulator.is_holding,
            request.query_params.get("numbers") == "shown",
            self.token,
            nonce,
        )
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; object-src 'self'; frame-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return Response(made(view), headers=headers, media_type="text/html")

    def _back(self, form: Mapping[str, Any], path: str) -> Response:
        query = "?numbers=shown" if form.get("numbers") == "shown" else ""
        return RedirectResponse(path + query, 303)

    def _state(self) -> tuple[object, ...]:
        emulator = self.emulator
        faxes = emulator.faxes
        journal = emulator.journal
        return (
            len(emulator.events),
            len(emulator.deliveries),
            journal[-1] if journal else None,
            tuple(fax["status"] for fax in faxes[-PAGE_SIZE:]),
            len(faxes),
            emulator.is_holding,
        )

    def _timeline(self, name: str, view: View) -> list[Entry]:
        entries = []
        for exchange in self.emulator.journal:
            is_create = exchange.path == "/v2/faxes" and name.encode() in exchange.answer[:200]
            if name in exchange.path or (is_create and exchange.method == "POST"):
                answer = "no answer" if exchange.status is None else str(exchange.status)
                details = []
                if exchange.body:
                    details.append(("request", view.text(as_text(exchange.body))))
                if exchange.answer and not exchange.path.startswith("/media"):
                    details.append(("answer", view.text(as_text(exchange.answer))))
                title = f"{exchange.method} {exchange.path} -> {answer}"
                entries.append(Entry(exchange.at, "request", title, details))
        entries += [
            Entry(_moment(event["occurred_at"]), "status", event["event_type"])
            for event in self.emulator.events
            if event["payload"].get("fax_id") == name
        ]
        for delivery in self.emulator.deliveries:
            if delivery.event["payload"].get("fax_id") == name:
                answer = delivery.error or str(delivery.status)
                signed = "\n".join(f"{key}: {value}" for key, value in delivery.headers.items())
                entries.append(
                    Entry(
                        delivery.at,
                        "webhook",
                        f"{delivery.event['event_type']} to {view.text(delivery.url)} -> {answer}",
                        (
                            ("signed headers", signed),
                            ("event", view.text(as_text(delivery.body))),
                            ("answer", view.text(delivery.answer or answer)),
                        ),
                    )
                )
        return sorted(entries, key=lambda entry: (entry.at is None, entry.at))


def _is_count(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _is_own_host(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
