"""Telnyx's webhooks and links to documents, as routes of the server, and the programs' callbacks."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Callable, Mapping, Sequence, TypeVar
from urllib.parse import urlsplit

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from twilio_fax_compat._core.messages import TwilioResponse
from twilio_fax_compat._core.translation.create_form import URL_LIMIT
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.media_links import PATH, Documents, MediaLinks, media_key
from twilio_fax_compat._core.webhooks.delivery import AGAIN, DONE
from twilio_fax_compat._core.webhooks.events import FaxEvent, facts_of
from twilio_fax_compat._core.webhooks.twilio_requests import CallbackSettings
from twilio_fax_compat.ledger import InboxEntry, Ledger, LedgerUnavailable, MemoryLedger
from twilio_fax_compat.server.accounts import Account
from twilio_fax_compat.server.addresses import is_allowed_host
from twilio_fax_compat.server.callback_http import CallbackHttp
from twilio_fax_compat.server.config import ServerConfig
from twilio_fax_compat.server.forms import Gone, read_body
from twilio_fax_compat.server.origins import VERSION, Origins
from twilio_fax_compat.server.relay import ACCOUNT, APPLICATION, ORIGIN, Owner, Relay
from twilio_fax_compat.server.sealed_urls import SealedUrls
from twilio_fax_compat.webhooks.accounts import Accounts
from twilio_fax_compat.webhooks.media import LINK_DEADLINE, Media, MediaAnswer, MediaServer
from twilio_fax_compat.webhooks.receiver import PassThrough, Receiver, unavailable
from twilio_fax_compat.webhooks.verification import read_public_key

logger = logging.getLogger("twilio_fax_compat.server")

T = TypeVar("T")

WEBHOOKS = "/telnyx"
"""The path of Telnyx's webhooks: ``/telnyx/AC...`` is the webhook URL of the account's Fax Application."""

MAX_EVENT = 1024 * 1024
"""The longest event of Telnyx, in bytes."""

_LINKS, _EVENTS = 16, 8


@define(eq=False)
class Callbacks:
    """Receives Telnyx's events and calls the programs' URLs, from `start` to `stop`."""

    config: ServerConfig
    ledger: Ledger
    _owners: dict[str, Owner] = field(factory=dict, init=False)
    _seals: dict[str, SealedUrls] = field(factory=dict, init=False, repr=False)
    _relay: Relay = field(init=False)
    _origins: Origins = field(init=False)
    _events: ThreadPoolExecutor = field(init=False, repr=False)
    _links: ThreadPoolExecutor = field(init=False, repr=False)
    _warned: set[str] = field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        tokens = {account.sid: account.auth_token for account in self.config.accounts}
        self._origins = Origins(self.config.public_url, self.config.trusted_proxies)
        for account in self.config.accounts:
            self._seals[account.sid] = SealedUrls([account.auth_token])
            if account.has_telnyx:
                accounts = Accounts(account.sid, tokens)
                self._owners[account.sid] = Owner(
                    account=account, receiver=_receiver_of(account, accounts, self.ledger)
                )
        http = CallbackHttp(allows_private=self.config.private_callbacks)
        self._relay = Relay(self.ledger, self._owners, http)
        self._events = ThreadPoolExecutor(_EVENTS, "fax-events")
        self._links = ThreadPoolExecutor(_LINKS, "fax-links")

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes of Telnyx's webhooks and of links to documents."""
        return (
            Route(WEBHOOKS, self._webhook, methods=["POST"]),
            Route(WEBHOOKS + "/{sid}", self._webhook, methods=["POST"]),
            Route(WEBHOOKS + "/{sid}/{sealed}", self._webhook, methods=["POST"]),
            Route(PATH + "/{fax}", self._document, methods=["GET", "HEAD"]),
        )

    async def start(self) -> None:
        """Begin to deliver."""
        for owner in self._owners.values():
            if not owner.receiver.keys:
                logger.warning(
                    "callbacks of the account %s are off: set TELNYX_PUBLIC_KEY (telnyx_public_key), which "
                    "verifies Telnyx's events",
                    owner.account.sid,
                )
        if isinstance(self.ledger, MemoryLedger):
            logger.warning(
                "callbacks that wait are lost when this process ends: set --ledger to a file or a database"
            )
        self._relay.workers.start()

    async def stop(self) -> None:
        """Finish the deliveries in hand."""
        await asyncio.get_running_loop().run_in_executor(None, self._relay.workers.stop, 20.0)
        self._relay.http.close()
        for pool in (self._events, self._links):
            pool.shutdown(wait=False)

    def refusal(self, account: Account, fields: Mapping[str, object]) -> TwilioResponse | None:
        """
        Return the error of a create form whose ``StatusCallback`` this server cannot or may not call.

        Its code is Twilio's 21609 (https://www.twilio.com/docs/api/errors/21609). None for any other form.
        """
        url = fields.get("StatusCallback")
        if not isinstance(url, str) or not url:
            return None
        why = None
        owner = self._owners.get(account.sid)
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return None  # the create says what is wrong with it
        if host and not is_allowed_host(host, account.callback_hosts):
            why = "its host is not one of the account's callback_hosts"
        elif owner is not None and not owner.receiver.keys:
            why = "this server makes no callbacks: set TELNYX_PUBLIC_KEY there"
        elif len(self._seals[account.sid].seal(url)) > URL_LIMIT - 300:
            why = "it is too long for this server: use at most 1200 characters"
        return problem(400, 21609, f"StatusCallback cannot be called: {why}") if why else None

    def webhook_url(
        self, account: Account, fields: Mapping[str, object], origin: str
    ) -> str | None:
        """
        Return where Telnyx sends the events of a fax, or None for a fax without ``StatusCallback``.

        *fields* are the create form of *account*, by Twilio's names, and *origin* is the public address
        of this server, as ``https://fax.example.com``. Called before the fax is sent.
        """
        url = fields.get("StatusCallback")
        if not isinstance(url, str) or not url:
            return None
        return f"{self._base(origin)}{WEBHOOKS}/{account.sid}/{self._seals[account.sid].seal(url)}"

    def documents(self, account: Account, origin: str) -> Documents | None:
        """Return what makes each ``media_url`` of *account* a link on this server, at *origin*."""
        owner = self._owners.get(account.sid)
        if owner is None or owner.receiver.rules.links is None:
            return None
        return Documents(links=owner.receiver.rules.links, origin=self._base(origin))

    def _base(self, origin: str) -> str:
        """Return the address at which the Internet finds this server, for a client that called *origin*."""
        return self.config.public_url or origin

    async def _webhook(self, request: Request) -> Response:
        sid = request.path_params.get("sid") or self.config.accounts[0].sid
        owner = self._owners.get(sid)
        if owner is None:
            return Response(status_code=404)
        try:
            body = await read_body(
                request.scope, request.receive, MAX_EVENT, self.config.read_timeout
            )
        except Gone:
            return Response(status_code=400)
        if isinstance(body, TwilioResponse):
            return Response(status_code=body.status)
        sealed = request.path_params.get("sealed")
        headers = {name.lower(): value for name, value in request.headers.items()}
        origin = self._base(self._origins.api_url(request.scope)[: -len(VERSION)])
        take = partial(self._take, owner, sealed, headers, body, origin)
        return Response(status_code=await _in(self._events, take))

    def _take(
        self,
        owner: Owner,
        sealed: str | None,
        headers: Mapping[str, str],
        body: bytes,
        origin: str,
    ) -> int:
        """Verify and store an event, and return the HTTP status for Telnyx."""
        event = owner.receiver.read(headers, body)
        if isinstance(event, PassThrough):
            return DONE
        if isinstance(event, int):
            return event
        if event.is_inbound:
            owner, target = self._answering(owner, event)
        elif sealed is None:
            target = None
        else:
            target = self._seals[owner.account.sid].opened(sealed)
            if target is None:
                logger.error(
                    "the callback URL of a fax cannot be read: was the auth token of %s changed? Telnyx is "
                    "asked to deliver the event again",
                    owner.account.sid,
                )
                return AGAIN
        try:
            if target is None:
                if event.is_final:
                    self.ledger.remember(event.fax_id, facts_of(event))
                return DONE
            kept = {ACCOUNT: owner.account.sid, ORIGIN: origin}
            self.ledger.put(InboxEntry(event.id, body, kept, target, application=APPLICATION))
        except LedgerUnavailable as error:
            return unavailable(event, error)
        self._relay.workers.wake()
        return DONE

    def _answering(self, owner: Owner, event: FaxEvent) -> tuple[Owner, str | None]:
        """Return the account that owns the number of an incoming fax, and the URL that answers for it."""
        number = event.payload.get("to")
        number = number if isinstance(number, str) else ""
        for other in (owner, *self._owners.values()):
            is_same = other.account.telnyx.connection_id == owner.account.telnyx.connection_id
            if is_same and number in other.account.incoming_urls:
                return other, other.account.incoming_urls[number]
        target = owner.account.incoming_url(number)
        if target is None and owner.account.sid not in self._warned:
            self._warned.add(owner.account.sid)
            logger.warning(
                "a fax arrived for the account %s, and no URL answers for its number: set --incoming-url or "
                "incoming_urls",
                owner.account.sid,
            )
        return owner, target

    async def _document(self, request: Request) -> Response:
        query = request.scope.get("query_string", b"").decode("latin-1")
        sid = request.query_params.get("account") or self.config.accounts[0].sid
        owner = self._owners.get(sid)
        if owner is None or owner.receiver.media is None:
            return Response(status_code=403)
        path = f"{PATH}/{request.path_params['fax']}"
        work = partial(owner.receiver.media.answer, request.method, path, query)
        try:
            answer: MediaAnswer = await asyncio.wait_for(_in(self._links, work), LINK_DEADLINE + 2)
        except (asyncio.TimeoutError, TimeoutError):
            return Response(status_code=504)
        response = StreamingResponse(answer.pieces, answer.status)
        response.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers
        ]
        return response


async def _in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run *work* in a thread of *pool*."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def _receiver_of(account: Account, accounts: Accounts, ledger: Ledger) -> Receiver:
    links = MediaLinks(key=media_key(account.auth_token), account_sid=account.sid)
    keys: list[Any] = [
        read_public_key(text) for text in (account.telnyx.public_key or "").split(",") if text
    ]
    return Receiver(
        rules=CallbackSettings(
            account_sid=account.sid,
            auth_token=account.auth_token,
            links=links,
            incoming_method=account.incoming_method,
        ),
        accounts=accounts,
        keys=keys,
        ledger=ledger,
        media=MediaServer(links, Media(telnyx=account.telnyx), account.telnyx, accounts),
        application=APPLICATION,
        has_inbox=True,
        max_body=MAX_EVENT,
    )
