"""The faxes of one account, their statuses and their media."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterator
from urllib.parse import urlencode

import attr

OUTBOUND = ("queued", "processing", "sending", "delivered")
INBOUND = ("receiving", "received")
FINAL = frozenset({"delivered", "received", "no-answer", "busy", "failed", "canceled"})

# https://www.twilio.com/docs/api/errors, the pages of 34002 to 34108.
EXPLAINED = {
    "busy": (34002, "Callee busy"),
    "no-answer": (34003, "Callee did not answer"),
    "failed": (34004, "Error during fax transmission"),
}
LINK_LIFETIME = timedelta(hours=2)


def new_sid(prefix: str) -> str:
    """Return a new SID: *prefix* and 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex


def stamp(moment: datetime) -> str:
    """Return a time in the format of Twilio's fax API: ISO 8601, whole seconds, Z."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def signature(token: str, url: str, params: dict[str, str]) -> str:
    """Return X-Twilio-Signature: https://www.twilio.com/docs/usage/webhooks/webhooks-security."""
    text = url.partition("#")[0] + "".join(name + params[name] for name in sorted(params))
    return b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@attr.define
class Fax:
    """A fax: its resource, and what Twilio knew beyond it."""

    resource: dict[str, Any]
    number: int
    original_media_url: str | None = None
    status_callback: str | None = None
    store_media: bool = True
    pages: int = 1
    media: dict[str, Any] | None = None
    error: tuple[int, str] | None = None

    @property
    def sid(self) -> str:
        return str(self.resource["sid"])

    @property
    def status(self) -> str:
        return str(self.resource["status"])

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class Faxes:
    """All faxes of one account. *now* returns the time; links start with *origin* and *media_origin*."""

    def __init__(
        self, account_sid: str, now: Callable[[], datetime], origin: str, media_origin: str
    ) -> None:
        self.account_sid = account_sid
        self.origin, self.media_origin = origin, media_origin
        self.documents: dict[str, bytes] = {}
        self._now = now
        self._by_sid: dict[str, Fax] = {}
        self._numbers: dict[str, int] = {}

    def __iter__(self) -> Iterator[Fax]:
        return iter(list(self._by_sid.values()))

    def get(self, sid: str) -> Fax | None:
        return self._by_sid.get(sid)

    def add(
        self,
        from_: str | None,
        to: str,
        direction: str = "outbound",
        sid: str | None = None,
        quality: str = "fine",
        **attributes: Any,
    ) -> Fax:
        """Add a fax in its first status."""
        sid = sid or new_sid("FX")
        url = f"{self.origin}/v1/Faxes/{sid}"
        moment = stamp(self._now())
        resource = {
            "sid": sid,
            "account_sid": self.account_sid,
            "api_version": "v1",
            "direction": direction,
            "status": (OUTBOUND if direction == "outbound" else INBOUND)[0],
            "from": from_,
            "to": to,
            "quality": quality,
            "media_sid": None,
            "media_url": None,
            "num_pages": None,
            "duration": None,
            "price": None,
            "price_unit": None,
            "date_created": moment,
            "date_updated": moment,
            "links": {"media": url + "/Media"},
            "url": url,
        }
        self._numbers[sid] = len(self._numbers)
        fax = self._by_sid[sid] = Fax(resource, self._numbers[sid], **attributes)
        return fax

    def change(self, fax: Fax, status: str, error: tuple[int, str] | None = None) -> None:
        """Give a fax another status, and the fields that Twilio knew from then on."""
        fax.resource.update(status=status, date_updated=stamp(self._now()))
        if status in ("sending", "delivered", "received"):
            fax.resource["num_pages"] = fax.pages
            self._keep_media(fax)
        if status in ("delivered", "received"):
            price = f"-{0.007 * fax.pages:.4f}"
            fax.resource.update(duration=30 * fax.pages, price=price, price_unit="USD")
        fax.error = error or EXPLAINED.get(status)

    def shown(self, fax: Fax) -> dict[str, Any]:
        """Return the resource as in an answer, with a fresh link to the media."""
        resource = dict(fax.resource)
        if fax.media is not None:
            resource["media_url"] = self.media_link(fax)
        return resource

    def media_link(self, fax: Fax) -> str:
        assert fax.media is not None
        path = f"/{self.account_sid}/{fax.media['sid']}"
        expires = int((self._now() + LINK_LIFETIME).timestamp())
        signed = hashlib.sha256(f"{path}{expires}".encode()).hexdigest()[:40]
        return f"{self.media_origin}{path}?" + urlencode({"Expires": expires, "Signature": signed})

    def remove(self, fax: Fax) -> None:
        del self._by_sid[fax.sid]

    def remove_media(self, fax: Fax) -> None:
        fax.media = None
        fax.resource.update(media_sid=None, media_url=None)

    def newest_first(self) -> list[Fax]:
        return sorted(self._by_sid.values(), key=lambda fax: fax.number, reverse=True)

    def number_of(self, sid: str) -> int | None:
        """Return the place of a fax in the order of creation, even of a deleted fax."""
        return self._numbers.get(sid)

    def _keep_media(self, fax: Fax) -> None:
        if not fax.store_media or fax.media is not None:
            return
        sid, moment = new_sid("ME"), stamp(self._now())
        fax.media = {
            "sid": sid,
            "account_sid": self.account_sid,
            "fax_sid": fax.sid,
            "content_type": "application/pdf",
            "date_created": moment,
            "date_updated": moment,
            "url": f"{fax.resource['url']}/Media/{sid}",
        }
        fax.resource["media_sid"] = sid


def pdf(pages: int) -> bytes:
    """Return a small, complete PDF with *pages* empty pages."""
    kids = " ".join(f"{number + 3} 0 R" for number in range(pages))
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
        *[b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>"] * pages,
    ]
    text, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(text))
        text += b"%d 0 obj%s endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    tail = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(text))
    return text + head + table + tail


def is_number(text: str) -> bool:
    return re.fullmatch(r"\+[1-9]\d{1,14}", text) is not None
