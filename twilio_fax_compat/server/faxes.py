"""Twilio's fax REST API as an ASGI application: https://www.twilio.com/docs/fax/api."""

from __future__ import annotations

import logging
import traceback
from time import monotonic
from typing import Awaitable, Callable, Mapping

from attrs import define, evolve, field

from twilio_fax_compat._core.fax_api.routes import ROUTE
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.accounts import AccountTable
from twilio_fax_compat.server.answers import (
    Receive,
    Scope,
    Send,
    http_problem,
    respond,
    unauthenticated,
)
from twilio_fax_compat.server.apis import TelnyxApi, Urls
from twilio_fax_compat.server.callbacks import Callbacks
from twilio_fax_compat.server.creates import Create, Creates
from twilio_fax_compat.server.forms import Gone, form_fields, query_fields, read_body
from twilio_fax_compat.server.held_call import HeldCall
from twilio_fax_compat.server.origins import VERSION, Origins
from twilio_fax_compat.server.protocol import CONNECTION
from twilio_fax_compat.server.routed import RoutedApi

logger = logging.getLogger("twilio_fax_compat.server")

Reply = Callable[..., Awaitable[None]]

Answered = Callable[[str, str, int, float, TwilioResponse], None]
"""Called with a request's route, method, status and seconds, and its answer."""


@define(eq=False)
class FaxesEndpoint:
    """
    Answers the requests of Twilio's fax API for the accounts in *table*.

    *apis* are by account SID. *max_body* is in bytes, *read_timeout* in seconds.
    """

    table: AccountTable
    apis: Mapping[str, TelnyxApi | RoutedApi]
    creates: Creates
    callbacks: Callbacks
    origins: Origins
    max_body: int
    read_timeout: float
    answered: Answered
    _challenge: TwilioResponse = field(factory=unauthenticated)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began = monotonic()
        path = _path_below_version(scope)
        route = _route_of(path)
        last: list[TwilioResponse] = []

        async def reply(answer: TwilioResponse, *, close: bool = False) -> None:
            last.append(answer)
            await respond(scope, send, answer, close=close)

        try:
            await self._serve(scope, receive, reply, path)
        except Gone:
            return
        except Exception:
            logger.error("a request failed: %s", mask(traceback.format_exc()))  # noqa: TRY400
            if last:
                raise
            await reply(http_problem(500))
        finally:
            if last:
                seconds = monotonic() - began
                self.answered(route, scope["method"], last[-1].status, seconds, last[-1])

    async def _serve(self, scope: Scope, receive: Receive, reply: Reply, path: str) -> None:
        account = self.table.authenticated(_authorization(scope))
        if account is None:
            # What an unknown client wants to send is not read.
            await reply(self._challenge, close=scope["method"] not in ("GET", "DELETE"))
            return
        method = scope["method"]
        if method == "POST":
            body = await read_body(scope, receive, self.max_body, self.read_timeout)
            if isinstance(body, TwilioResponse):
                await reply(body, close=True)
                return
            fields = form_fields(scope, body)
        else:
            fields = query_fields(scope)
        if isinstance(fields, TwilioResponse):
            await reply(fields)
            return
        api, api_url = self.apis[account.sid], self.origins.api_url(scope)
        origin = api_url[: -len(VERSION)]
        urls = Urls(api_url, documents=self.callbacks.documents(account, origin))
        request = TwilioRequest(method, path, fields)
        if method == "POST" and path.rstrip("/") == "/Faxes":
            refusal = self.callbacks.refusal(account, fields)
            if refusal is not None:
                await reply(refusal)
                return
            urls = evolve(urls, webhook_url=self.callbacks.webhook_url(account, fields, origin))
            create = Create(request, api, account.sid, urls, connection=scope.get(CONNECTION))
            await self.creates.answer(create, receive, reply)
            return
        call = HeldCall(self.creates.threads.ledger)
        try:
            answer = await api.answer(request, urls, call)
        except TwilioException as error:
            logger.error("%s", mask(str(error)))  # noqa: TRY400
            answer = http_problem(500)
        await reply(answer)


def _path_below_version(scope: Scope) -> str:
    path: str = scope["path"]
    root = scope.get("root_path") or ""
    if root and path.startswith(root):
        path = path[len(root) :]
    return path[len(VERSION) :] if path.startswith(VERSION + "/") else path


def _route_of(path: str) -> str:
    """Return the route of a path for logs and metrics, without its SIDs."""
    match = ROUTE.fullmatch(path)
    if match is None:
        return "other"
    sid, has_media, media = match.groups()
    return "/Faxes" + "/{sid}" * bool(sid) + "/Media" * bool(has_media) + "/{sid}" * bool(media)


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value, "latin-1")
    return None
