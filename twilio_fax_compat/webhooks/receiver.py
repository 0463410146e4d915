"""Settings, verification and delivery steps of both middlewares."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from typing import Any, Collection, Mapping, Sequence
from urllib.parse import urlsplit

from attrs import evolve, field, frozen
from nacl.signing import VerifyKey

from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.translation.media_links import MediaLinks
from twilio_fax_compat._core.webhooks.delivery import (
    AGAIN,
    DONE,
    deliver_from_inbox,
    receive,
)
from twilio_fax_compat._core.webhooks.effects import Step, Talk
from twilio_fax_compat._core.webhooks.events import FaxEvent, event_name, read_event
from twilio_fax_compat._core.webhooks.public_url import (
    FORWARDED_HEADERS,
    PublicUrl,
    ServerRequest,
    find_public_url,
    read_public_url,
)
from twilio_fax_compat._core.webhooks.twilio_requests import CallbackSettings
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import InboxEntry, Ledger, LedgerUnavailable, MemoryLedger
from twilio_fax_compat.ledger._opening import chosen_ledger
from twilio_fax_compat.metrics import measure
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.webhooks.accounts import Accounts, AuthTokens
from twilio_fax_compat.webhooks.leases import LeaseKeeper
from twilio_fax_compat.webhooks.media import Media, MediaServer
from twilio_fax_compat.webhooks.steps import carry_out_step
from twilio_fax_compat.webhooks.verification import TOLERANCE, read_public_key, why_not_verified

logger = logging.getLogger("twilio_fax_compat.webhooks")

PUBLIC_URL = "TWILIO_FAX_COMPAT_PUBLIC_URL"

_FAX_EVENT = re.compile(rb'"event_type"\s*:\s*"fax\.')


@frozen
class PassThrough:
    """A request that is not a fax event. The application handles it."""


@frozen(kw_only=True)
class Receiver:
    """
    The complete and checked settings of a middleware.

    A signature is right if one of *keys* verifies it. *max_body* is in bytes, *tolerance* in seconds.
    *public_url* and *forwarded_headers* are those of `find_public_url`.
    """

    rules: CallbackSettings
    accounts: Accounts
    keys: Sequence[VerifyKey] = field(repr=False)
    ledger: Ledger = field(repr=False)
    media: MediaServer | None = None
    keeper: LeaseKeeper = field(factory=LeaseKeeper, repr=False)
    application: str = ""
    has_inbox: bool = False
    max_body: int = 1024 * 1024
    tolerance: float = TOLERANCE
    public_url: str | None = None
    forwarded_headers: Collection[str] = FORWARDED_HEADERS

    @classmethod
    def of(
        cls,
        *,
        auth_token: AuthTokens | None,
        account_sid: str | None,
        public_key: str | Sequence[str] | None,
        ledger: Ledger | str | None,
        forward: str,
        max_body: int,
        media: Media | TelnyxSettings | bool,
        inbox: bool,
        incoming_method: str,
        number_accounts: Mapping[str, str],
        application: str | None,
        public_url: str | None,
        forwarded_headers: Collection[str],
        environ: Mapping[str, str] | None,
    ) -> Receiver:
        """
        Return the receiver for a middleware's arguments. *environ* has what they leave out.

        Raises TwilioException that names the setting which is missing or wrong.
        """
        environ = os.environ if environ is None else environ
        if auth_token is not None and not auth_token and not isinstance(auth_token, str):
            raise TwilioException(
                "auth_token has no tokens: add the token of each account, or leave auth_token out to "
                "use TWILIO_AUTH_TOKEN"
            )
        tokens = auth_token or environ.get("TWILIO_AUTH_TOKEN")
        required = {
            "TWILIO_AUTH_TOKEN": tokens,
            "TWILIO_ACCOUNT_SID": account_sid or environ.get("TWILIO_ACCOUNT_SID"),
            "TELNYX_PUBLIC_KEY": public_key or environ.get("TELNYX_PUBLIC_KEY"),
        }
        missing = [name for name, value in required.items() if not value]
        if missing:
            raise TwilioException(
                "webhook settings are missing: set {} in the environment or pass {}".format(
                    " and ".join(missing),
                    ", ".join(name.lower().partition("_")[2] for name in missing),
                )
            )
        if forward not in ("final", "all"):
            raise TwilioException(f"forward must be 'final' or 'all', not {forward!r}")
        if incoming_method not in ("GET", "POST"):
            raise TwilioException(
                f"incoming_method must be 'GET' or 'POST', not {incoming_method!r}"
            )
        accounts = Accounts(str(required["TWILIO_ACCOUNT_SID"]), tokens or "", number_accounts)
        default_token = accounts.default_token
        public_url = public_url or environ.get(PUBLIC_URL) or None
        if public_url is not None:
            public_url = _checked_public_url(public_url)
        chosen = _opened_ledger(ledger, environ)
        if inbox and isinstance(chosen, MemoryLedger):
            raise TwilioException(
                "inbox=True needs a ledger on disk or in a database: set "
                "TWILIO_FAX_COMPAT_LEDGER to sqlite:////path/of/fax.db or a PostgreSQL URL"
            )
        server = links = None
        if media:
            options = media if isinstance(media, Media) else Media()
            if isinstance(media, TelnyxSettings):
                options = Media(telnyx=media)
            links = MediaLinks(
                key=accounts.media_key() if default_token else b"",
                path=options.path,
                lifetime=options.lifetime,
            )
            server = _media_server(links, options, environ, accounts)
        texts = public_key or environ.get("TELNYX_PUBLIC_KEY") or ()
        if isinstance(texts, str):
            texts = texts.split(",")
        return cls(
            rules=CallbackSettings(
                account_sid=accounts.account_sid,
                auth_token=default_token,
                forwards_all=forward == "all",
                links=links,
                keeps_documents=server is not None and server.keeps_documents,
                incoming_method=incoming_method,
                number_accounts=accounts.numbers,
            ),
            accounts=accounts,
            keys=[read_public_key(text) for text in texts],
            ledger=chosen,
            media=server,
            has_inbox=inbox,
            max_body=max_body,
            application=application or accounts.application,
            public_url=public_url,
            forwarded_headers=_checked_forwarded_headers(forwarded_headers),
        )

    def read(self, headers: Mapping[str, str], body: bytes) -> FaxEvent | PassThrough | int:
        """
        Return the verified event of a webhook, `PassThrough`, or the HTTP status to answer with.

        *headers* have lower-case names, *body* is raw.
        """
        if len(body) > self.max_body:
            if not _FAX_EVENT.search(body):
                return PassThrough()
            return _refused(400, f"too long: it has more than {self.max_body} bytes (max_body)")
        try:
            data = json.loads(body.decode())
        except (ValueError, RecursionError):
            return PassThrough()
        if not (event_name(data) or "").startswith("fax."):
            return PassThrough()
        event = read_event(data)
        why = why_not_verified(headers, body, self.keys, time.time(), self.tolerance)
        if why is not None:
            return _refused(401, why, event)
        if event is None:
            logger.info("a fax event of an unknown type was ignored")
            return DONE
        return event

    def public_url_of(self, request: ServerRequest, called: str | None) -> PublicUrl:
        """Return the public URL of *request*, for which the event says that Telnyx *called* a URL."""
        return find_public_url(request, called, self.public_url, self.forwarded_headers)

    def link_path(self, path: str) -> str | None:
        """Return `MediaServer.link_path` for a request, or None if no documents are served."""
        if self.media is None:
            return None
        return self.media.link_path(path, urlsplit(self.public_url or "").path)

    def carry_out(self, step: Step) -> Any:
        """Perform a step that does not call the wrapped application; return its result."""
        return carry_out_step(step, self.ledger, self.media, self.keeper, self.accounts)

    def store(self, event: FaxEvent, body: bytes, url: str, kept: Mapping[str, str]) -> int:
        """Put an event into the inbox and return the HTTP status for Telnyx."""
        try:
            self.ledger.put(InboxEntry(event.id, body, kept, url, application=self.application))
        except LedgerUnavailable as error:
            return unavailable(event, error)
        return DONE

    def begin(self, event: FaxEvent, url: PublicUrl) -> Talk:
        """Return the steps that deliver an event which just arrived."""
        return receive(event, url.url, self._rules_at(url))

    def resume(self, entry: InboxEntry, url: PublicUrl) -> Talk:
        """Return the steps that deliver an event from the inbox."""
        event = event_of(entry)
        return deliver_from_inbox(event, url.url, self._rules_at(url), entry.attempts)

    def _rules_at(self, url: PublicUrl) -> CallbackSettings:
        rules, links = self.rules, self.rules.links
        if url.root != rules.root:
            rules = evolve(rules, root=url.root)
        if links is None or links.prefix == url.prefix:
            return rules
        return evolve(rules, links=evolve(links, prefix=url.prefix))


def event_of(entry: InboxEntry) -> FaxEvent:
    """Return the event of an inbox entry."""
    event = read_event(json.loads(entry.body))
    assert event is not None  # only such events are stored
    return event


def unavailable(event: FaxEvent, error: LedgerUnavailable) -> int:
    """Log that the ledger cannot be reached, and return the HTTP status for Telnyx."""
    measure("webhooks_refused", reason="the ledger cannot be reached")
    logger.warning(
        "the webhook about %s cannot be handled, and Telnyx is asked to deliver it again: "
        "the ledger cannot be reached: %s",
        fax_sid(event.fax_id),
        error,
    )
    return AGAIN


def _media_server(
    links: MediaLinks, media: Media, environ: Mapping[str, str], accounts: Accounts
) -> MediaServer:
    try:
        return MediaServer(links, media, media.telnyx.completed(environ), accounts)
    except ValueError as error:
        raise TwilioException(
            "Media(store=...) must be a URL that fsspec supports, such as file:///var/faxes"
        ) from error


def _opened_ledger(ledger: Ledger | str | None, environ: Mapping[str, str]) -> Ledger:
    """Return the ledger of a middleware. Raises TwilioException if one named by a URL does not open."""
    chosen = chosen_ledger(ledger, environ)
    if chosen is not ledger:
        try:
            chosen.check()
        except LedgerUnavailable as error:
            raise TwilioException(
                f"the ledger cannot be opened: {error}. Check TWILIO_FAX_COMPAT_LEDGER or ledger="
            ) from error
    return chosen


def _checked_public_url(text: str) -> str:
    url = read_public_url(text)
    if url is None:
        raise TwilioException(
            f"{PUBLIC_URL} (public_url=) must be the http or https URL of the application's root, "
            "without credentials, query and fragment, such as https://app.example.com"
        )
    return url


def _checked_forwarded_headers(names: Collection[str]) -> Collection[str]:
    lower = frozenset([names] if isinstance(names, str) else (name.lower() for name in names))
    unknown = sorted(lower - set(FORWARDED_HEADERS))
    if unknown:
        raise TwilioException(
            "forwarded_headers may have {}, not {}".format(
                ", ".join(FORWARDED_HEADERS), ", ".join(unknown)
            )
        )
    return lower


def _refused(status: int, why: str, event: FaxEvent | None = None) -> int:
    measure("webhooks_refused", reason=why.partition(":")[0])
    about = f" about {fax_sid(event.fax_id)}" if event is not None else ""
    logger.warning("a fax webhook%s was refused with status %d: %s", about, status, why)
    return status
