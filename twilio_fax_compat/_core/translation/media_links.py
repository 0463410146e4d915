"""
Signed links to the documents of faxes on the application's own host.

Twilio's links opened for two hours (https://www.twilio.com/docs/fax/api/fax-media-resource). Telnyx's
open for ten minutes and can be renewed. Our link holds the fax SID, an expiry time and a signature.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from hashlib import sha256
from typing import Any, Mapping
from urllib.parse import quote, urlsplit

from attrs import field, frozen

from twilio_fax_compat._core.translation.ids import fax_id, fax_sid

PATH = "/twilio-fax-media"
LIFETIME = 7200
"""Seconds for which a link opens, as at Twilio."""

_PURPOSE = b"twilio_fax_compat media link"


def media_key(auth_token: str) -> bytes:
    """Return the key that signs links, derived from Twilio's auth token."""
    return hmac.new(auth_token.encode(), _PURPOSE, sha256).digest()


@frozen(kw_only=True)
class MediaLinks:
    """
    Makes and verifies links below *path* that open for *lifetime* seconds.

    *path* begins at the root of the application, and *prefix* is the public path of that root.
    *account_sid* is the account whose auth token makes the *key*, and is part of each link. Without it,
    that is the default account of the middleware. *origin* is the host that serves the documents, if
    it is not the host that gets the callbacks.
    """

    key: bytes = field(repr=False)
    path: str = PATH
    lifetime: int = LIFETIME
    account_sid: str | None = None
    prefix: str = ""
    origin: str = ""

    def link(self, origin: str, telnyx_id: str, now: datetime) -> str:
        """Return the link to a fax's document on *origin* (``https://app.example.com``)."""
        sid, end = fax_sid(telnyx_id) or "", str(int(now.timestamp()) + self.lifetime)
        account = f"&account={quote(self.account_sid)}" if self.account_sid else ""
        signature = self._signature(sid, end, self.account_sid)
        base = origin.rstrip("/") + self.prefix + self.path
        return f"{base}/{sid}?expires={end}{account}&signature={signature}"

    def fax_of(self, path: str, query: Mapping[str, str], now: datetime) -> str | None:
        """Return the Telnyx id of a link's fax, or None if the link is forged or has expired."""
        sid = path[len(self.path) + 1 :]
        end, signature = query.get("expires", ""), query.get("signature", "")
        if not path.startswith(self.path + "/") or not re.fullmatch(r"[0-9]{1,12}", end):
            return None
        right = self._signature(sid, end, query.get("account"))
        if not hmac.compare_digest(signature.encode(), right.encode()):
            return None
        return fax_id(sid) if now.timestamp() < int(end) else None

    def _signature(self, sid: str, end: str, account_sid: str | None) -> str:
        text = f"{sid}\n{end}" + (f"\n{account_sid}" if account_sid else "")
        return hmac.new(self.key, text.encode(), sha256).hexdigest()


@frozen(kw_only=True)
class Documents:
    """Replaces ``media_url`` by *links* of the application at *origin*."""

    links: MediaLinks
    origin: str

    def shown(self, payload: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Return a Twilio fax *payload* with its ``media_url``, if any, replaced by a link."""
        fax = fax_id(payload.get("sid"))
        if fax is None or not payload.get("media_url"):
            return dict(payload)
        return {**payload, "media_url": self.links.link(self.origin, fax, now)}


def read_documents(url: str, auth_token: str, account_sid: str | None = None) -> Documents | None:
    """
    Return the documents of the application at *url*, or None if it is not an http or https URL.

    A path in *url* is the one below which the application serves documents; the default is `PATH`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        return None
    links = MediaLinks(
        key=media_key(auth_token), path=parts.path.rstrip("/") or PATH, account_sid=account_sid
    )
    return Documents(links=links, origin=f"{parts.scheme}://{parts.netloc}")
