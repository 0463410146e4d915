"""Serves the documents of faxes at links on the application's own host."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from time import monotonic
from typing import Iterator, List, Tuple
from urllib.parse import parse_qsl

from attrs import evolve, field, frozen, validators

from twilio_fax_compat._core.fax_api.fetch import fetch
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat._core.messages import (
    Failure,
    Outcome,
    Send,
    TelnyxRequest,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.translation.media_links import LIFETIME, PATH, MediaLinks
from twilio_fax_compat._telnyx.driver import drive
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.webhooks.accounts import Accounts
from twilio_fax_compat.webhooks.download import downloaded, opened

logger = logging.getLogger("twilio_fax_compat.webhooks")

LINK_DEADLINE = 8.0
"""Seconds after which a link asks Telnyx nothing more. Whoever opens it can open it again."""

LINK_TIMEOUT, LINK_CONNECT_TIMEOUT = 4.0, 2.0

Headers = List[Tuple[str, str]]
_ALWAYS = [
    ("Cache-Control", "private, no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]


@frozen(kw_only=True)
class Media:
    """
    How documents are served, and whether they are stored.

    *telnyx* are the settings for requests to Telnyx, as for the client. Links lie below *path*,
    which begins at the root of the application, and open for *lifetime* seconds. A link redirects to
    Telnyx's own link; with *streams* True it sends the document itself. *store* is an fsspec URL, such
    as ``file:///var/faxes`` or ``s3://bucket/faxes``: documents of received faxes are stored there on
    arrival, and served from there.
    """

    telnyx: TelnyxSettings = field(factory=TelnyxSettings)
    streams: bool = False
    store: str | None = field(default=None, repr=False)
    lifetime: int = field(default=LIFETIME, validator=validators.gt(0))
    path: str = field(default=PATH, validator=validators.matches_re(r"(/[\w.~-]+)+"))


@frozen
class MediaAnswer:
    """An HTTP response: *status*, *headers*, and the *pieces* of its body."""

    status: int
    headers: Headers = field(repr=False)
    pieces: Iterator[bytes] = field(factory=lambda: iter(()), repr=False)


class MediaServer:
    """Answers requests for documents at signed *links*."""

    def __init__(
        self, links: MediaLinks, media: Media, settings: TelnyxSettings, accounts: Accounts
    ) -> None:
        """Take complete *settings*. Raises the errors of `Storage`."""
        self._links = links
        self._accounts = accounts
        self._streams = media.streams
        self._send = sender(settings)
        self._setup = FlowSettings(
            account_sid=None, connection_id=settings.connection_id or "", retry=settings.retry
        )
        # A link that does not open can be opened again, so it neither retries nor waits for long.
        self._link_send = sender(
            evolve(
                settings,
                connect_timeout=min(settings.connect_timeout, LINK_CONNECT_TIMEOUT),
                timeout=min(settings.timeout, LINK_TIMEOUT),
            )
        )
        self._link_setup = evolve(self._setup, retry=RetryPolicy(attempts=1, rate_limit_wait=0.0))
        self._storage = None
        if media.store is not None:
            from twilio_fax_compat.webhooks.storage import Storage

            self._storage = Storage(media.store)

    @property
    def keeps_documents(self) -> bool:
        """Whether documents are stored on arrival."""
        return self._storage is not None

    def link_path(self, path: str, prefix: str = "") -> str | None:
        """
        Return the path of a link, below the root of the application, or None if it is not a link.

        *path* is that of the request, below the root. A gateway may have left *prefix*, the path of
        the public URL, in place.
        """
        below = self._links.path + "/"
        if path.startswith(below):
            return path
        if prefix and path.startswith(prefix + below):
            return path[len(prefix) :]
        return None

    def answer(self, method: str, path: str, query: str) -> MediaAnswer:
        """
        Return the answer to a request for *path*, from `link_path`, and *query*.

        The status is 200 with the document, 302 to Telnyx's link, 403 for a link that is forged or
        has expired, 404 for a fax without a document, or 502 if Telnyx or the storage fails.
        """
        if method not in ("GET", "HEAD"):
            return _empty(405, ("Allow", "GET, HEAD"))
        parameters = dict(parse_qsl(query))
        try:
            key = self._accounts.media_key(parameters.get("account"))
        except Exception as error:  # noqa: BLE001 - a function of the application
            logger.warning(
                "a link to a document was refused: the function auth_token raised %s",
                type(error).__name__,
            )
            return _empty(403)
        links = evolve(self._links, key=key)
        fax = links.fax_of(path, parameters, datetime.now(timezone.utc))
        if fax is None:
            return _empty(403)
        try:
            stored = self._storage.find(fax_sid(fax) or "") if self._storage else None
        except OSError as error:
            logger.warning(
                "the stored document of %s cannot be read: %s", fax_sid(fax), type(error).__name__
            )
            return _empty(502)
        if stored is not None:
            return _document(method, fax, *stored)
        url = self._fresh_link(fax, _until(self._link_send, LINK_DEADLINE), self._link_setup)
        if isinstance(url, int):
            return _empty(url)
        if not self._streams:
            return _empty(302, ("Location", url))
        pieces = opened(url, LINK_TIMEOUT)
        return _empty(502) if pieces is None else _document(method, fax, pieces.size, pieces)

    def keep(self, fax: str, url: str) -> bool:
        """Store the document of a fax, from *url* or a fresh link. Return whether it is stored."""
        if self._storage is None:
            return False
        document = self.download(fax, url)
        if document is None:
            return False
        try:
            self._storage.put(fax_sid(fax) or "", document)
        except OSError as error:
            logger.warning(
                "the storage of fax documents cannot be written: %s", type(error).__name__
            )
            return False
        return True

    def download(self, fax: str, url: str) -> bytes | None:
        """Return the document of a fax from *url* or, if that fails, from a fresh link."""
        document = downloaded(url)
        if document is None:
            fresh = self._fresh_link(fax, self._send, self._setup)
            document = downloaded(fresh) if isinstance(fresh, str) else None
        return document

    def _fresh_link(self, fax: str, send: Send, settings: FlowSettings) -> str | int:
        answer: TwilioResponse = drive(fetch(fax, "", settings), send, MemoryLedger())
        if answer.status != 200:
            return 404 if answer.status == 404 else 502
        return (answer.payload or {}).get("media_url") or 404


def _until(send: Send, seconds: float) -> Send:
    """Return *send*, which sends nothing any more when *seconds* have passed."""
    end = monotonic() + seconds

    def send_in_time(request: TelnyxRequest) -> Outcome:
        return send(request) if monotonic() < end else Failure(False, "no time left", True, None)

    return send_in_time


def _empty(status: int, *headers: tuple[str, str]) -> MediaAnswer:
    return MediaAnswer(status, [*headers, *_ALWAYS, ("Content-Length", "0")])


def _document(method: str, fax: str, size: int | None, pieces: Iterator[bytes]) -> MediaAnswer:
    headers = [
        ("Content-Type", "application/pdf"),
        ("Content-Disposition", f'inline; filename="{fax_sid(fax)}.pdf"'),
        *_ALWAYS,
    ]
    if size is not None:
        headers.append(("Content-Length", str(size)))
    if method == "HEAD":
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
        pieces = iter(())
    return MediaAnswer(200, headers, pieces)
