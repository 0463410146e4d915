"""
Maps the identifiers of a recorded Twilio account to those of the client.

Fax SIDs are the same on both sides. The client has its own media SIDs and page tokens, so the
interactions of one recording share a `RecordedAccount`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import define, field, frozen

from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.translation.ids import fax_id


@frozen
class Recorded:
    """A recorded Twilio response. *payload* is the body if it is a JSON object, else None."""

    status: int
    payload: JSON | None = field(default=None, repr=False)

    def meta(self, name: str) -> object:
        """Return the value of *name* in the ``meta`` of a list."""
        return meta_of(self.payload).get(name)


def meta_of(payload: JSON | None) -> JSON:
    """Return the ``meta`` of a Twilio list."""
    meta = (payload or {}).get("meta")
    return meta if isinstance(meta, dict) else {}


def records_of(payload: JSON | None, key: str) -> list[Any] | None:
    """Return the records of a Twilio list, or None. They are under ``meta.key``, or else *key*."""
    records = (payload or {}).get(str(meta_of(payload).get("key", key)))
    return records if isinstance(records, list) else None


def resources_in(payload: JSON | None, key: str) -> list[JSON]:
    """Return those records of a Twilio list that are objects."""
    return [record for record in records_of(payload, key) or () if isinstance(record, dict)]


@define
class RecordedAccount:
    """What the interactions so far contain, by Telnyx's fax id."""

    faxes: dict[str, JSON] = field(factory=dict, repr=False)
    documents: dict[str, str] = field(factory=dict, repr=False)
    media: dict[str, str] = field(factory=dict, repr=False)
    _shim_pages: dict[str, str] = field(factory=dict, repr=False)
    _recorded_pages: dict[str, str] = field(factory=dict, repr=False)
    _rests: dict[str, Recorded] = field(factory=dict, repr=False)

    def shim_url(self, url: str) -> str:
        """Return the URL that the client requests where the recording has *url*."""
        page = self._shim_pages.get(_key(url))
        if page is not None and "PageToken=" in url:
            return page
        begin, slash, sid = url.rpartition("/Media/")
        own = "ME" + begin.rpartition("/")[2][2:]
        is_other = slash and fax_id(sid, "ME") and fax_id(own, "ME")
        return begin + slash + own if is_other else url

    def recorded_url(self, url: str) -> str:
        """Return the recorded URL for the *url* that the client requests."""
        page = self._recorded_pages.get(_key(url))
        if page is not None:
            return page
        parts = urlsplit(url)
        pieces = parts.path.split("/")
        for index, piece in enumerate(pieces):
            fax = fax_id(piece)
            if fax in self.faxes:
                pieces[index] = self.faxes[fax]["sid"]
            elif fax_id(piece, "ME") in self.media:
                pieces[index] = self.media[str(fax_id(piece, "ME"))]
        return parts._replace(path="/".join(pieces)).geturl()

    def rest_at(self, url: str) -> Recorded | None:
        """Return the rest of a recorded page that Telnyx splits, for the client's *url*, or None."""
        return self._rests.get(_key(url))

    def learn(self, request: TwilioRequest, recorded: Recorded, response: TwilioResponse) -> None:
        """Add the faxes, media and pages of a *request*, its *recorded* and its new *response*."""
        payload = recorded.payload
        if payload is None or recorded.status >= 300:
            return
        for fax in [payload, *resources_in(payload, "faxes")]:
            self._learn_fax(fax)
        for media in [payload, *resources_in(payload, "media")]:
            fax_of_media = fax_id(media.get("fax_sid"))
            if fax_of_media:
                self.media[fax_of_media] = str(media.get("sid"))
        created = fax_id(payload.get("sid"))
        if created and "MediaUrl" in request.fields:
            self.documents[created] = str(request.fields["MediaUrl"])
        self._learn_pages(recorded, response.payload or {})

    def _learn_fax(self, payload: JSON) -> None:
        fax = fax_id(payload.get("sid"))
        if fax:
            self.faxes[fax] = payload
            if payload.get("media_sid"):
                self.media[fax] = str(payload["media_sid"])

    def _learn_pages(self, recorded: Recorded, returned: JSON) -> None:
        here = meta_of(returned)
        then, now = resources_in(recorded.payload, "faxes"), resources_in(returned, "faxes")
        following = here.get("next_page_url")
        is_cut = following and len(now) < len(then)
        if is_cut:
            meta = {**meta_of(recorded.payload), "previous_page_url": here.get("url")}
            rest = {"faxes": then[len(now) :], "meta": {**meta, "key": "faxes"}}
            self._rests[_key(str(following))] = Recorded(200, rest)
        for name in ("url", "previous_page_url", "next_page_url"):
            ours, theirs = here.get(name), recorded.meta(name)
            if ours and isinstance(theirs, str) and not (is_cut and name == "next_page_url"):
                self._shim_pages[_key(theirs)] = ours
                self._recorded_pages[_key(ours)] = theirs


def _key(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + "?" + urlencode(sorted(parse_qsl(parts.query)))
