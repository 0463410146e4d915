"""Serves links to documents by leading on to Telnyx's own, freshly renewed."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import parse_qsl

from twilio_fax_compat._core.exchange import Setup, fetch
from twilio_fax_compat._core.media_links import MediaLinks
from twilio_fax_compat._drive import drive
from twilio_fax_compat._http import sender
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.settings import TelnyxSettings

_ALWAYS = [
    ("Cache-Control", "private, no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Length", "0"),
]


class MediaServer:
    """Answers requests for the documents of faxes, by *links* that it signed."""

    def __init__(self, links: MediaLinks, settings: TelnyxSettings) -> None:
        """Take complete *settings*."""
        self.prefix = links.path + "/"
        self._links = links
        self._send = sender(settings)
        self._setup = Setup(
            account_sid=None, connection_id=settings.connection_id or "", retry=settings.retry
        )

    def answer(self, path: str, query: str) -> tuple[int, list[tuple[str, str]]]:
        """
        Return the status and headers that answer a GET of *path* and *query*.

        302 leads to the document; 403 is for a link that is not ours or has ended, 404 for a fax
        that has no document (any more), 502 when Telnyx cannot be asked.
        """
        fax = self._links.fax_of(path, dict(parse_qsl(query)), datetime.now(timezone.utc))
        if fax is None:
            return 403, _ALWAYS
        answer = drive(fetch(fax, path, self._setup), self._send, MemoryLedger())
        if answer.status == 404:
            return 404, _ALWAYS
        if answer.status != 200:
            return 502, _ALWAYS
        url = (answer.payload or {}).get("media_url")
        return (302, [("Location", url), *_ALWAYS]) if url else (404, _ALWAYS)
