"""The legacy provider over HTTP: any server with Twilio's fax REST API."""

from __future__ import annotations

import logging
import re
from typing import Any, Mapping
from urllib.parse import quote, urlencode, urlsplit

import httpx
from attrs import define, field

from twilio_fax_compat._core.messages import JSON, TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.provider_list import NEXT
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL

logger = logging.getLogger("twilio_fax_compat.migration")

VERSION = "/v1"


@define(eq=False)
class LegacyHttp:
    """
    Forwards requests of Twilio's fax API to *base_url*, which has no version at its end.

    *auth* are Twilio's credentials of the account, *client* makes the requests, and *api_url* is the
    base of the URLs in answers, in place of the provider's.
    """

    base_url: str
    auth: tuple[str, str] = field(repr=False)
    client: httpx.Client = field(repr=False)
    api_url: str = DEFAULT_API_URL

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        """Return the provider's answer. Raises httpx.HTTPError if none came."""
        fields: dict[str, Any] = {
            name: _text(value) for name, value in request.fields.items() if value is not None
        }
        url = self.base_url + VERSION + request.path
        data = query = None
        if request.method == "POST":
            data = fields
        elif NEXT in fields:
            # Anybody may have written a page URL that comes back in ours: its host is not called.
            below = _below_version(str(fields[NEXT]))
            if below is None:
                return problem(400, 20001, f"{NEXT} is not a page of the legacy provider")
            url = self.base_url + VERSION + below
        elif fields:
            query = fields
        response = self.client.request(
            request.method,
            url,
            data=data,
            params=query,
            auth=self.auth,
            headers={"Accept": "application/json", "Accept-Charset": "utf-8"},
            follow_redirects=False,
        )
        return self._read(response, request)

    def _read(self, response: httpx.Response, request: TwilioRequest) -> TwilioResponse:
        status = response.status_code
        if status == 204:
            return TwilioResponse(204)
        try:
            payload = response.json()
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            text = f"The legacy provider answered HTTP {status} without JSON"
            return problem(status if status >= 400 else 502, 20500, text)
        if status >= 400:
            return _problem(status, payload)
        if not 200 <= status < 300:
            return problem(502, 20500, f"The legacy provider answered HTTP {status}")
        return TwilioResponse(status, self._with_own_urls(payload, request))

    def _with_own_urls(self, payload: JSON, request: TwilioRequest) -> JSON:
        """Return *payload* with our own URLs: clients follow page URLs with their credentials."""
        for key in ("faxes", "media"):
            if isinstance(payload.get(key), list):
                for item in payload[key]:
                    if isinstance(item, dict):
                        self._set_urls(item)
                self._set_pages(payload, request)
        if "sid" in payload:
            self._set_urls(payload)
        return payload

    def _set_urls(self, item: JSON) -> None:
        sid, fax = item.get("sid"), item.get("fax_sid")
        if fax:
            item["url"] = f"{self.api_url}/Faxes/{fax}/Media/{sid}"
        elif sid:
            item["url"] = f"{self.api_url}/Faxes/{sid}"
            item["links"] = {"media": f"{self.api_url}/Faxes/{sid}/Media"}

    def _set_pages(self, payload: JSON, request: TwilioRequest) -> None:
        meta = payload.get("meta")
        for name, url in (meta or {}).items():
            if not name.endswith("url") or not isinstance(url, str):
                continue
            assert isinstance(meta, dict)
            query = urlencode({NEXT: url}, quote_via=quote, safe="")
            meta[name] = f"{self.api_url}{request.path}?{query}"


def _below_version(url: str) -> str | None:
    """Return the path below the version, and the query, of a page URL; None if it is not one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = parts.path.partition(VERSION)[2]
    is_page = path == "/Faxes" or (path.startswith("/Faxes/") and path.endswith("/Media"))
    if not is_page or ".." in path or not re.fullmatch(r"[\x21-\x7e]*", parts.query):
        return None
    return path + ("?" + parts.query if parts.query else "")


def _problem(status: int, payload: Mapping[str, Any]) -> TwilioResponse:
    code, details = payload.get("code"), payload.get("details")
    answer = problem(
        status,
        code if isinstance(code, int) and not isinstance(code, bool) else status,
        str(payload.get("message") or f"HTTP {status}"),
        details if isinstance(details, dict) else None,
    )
    if isinstance(payload.get("more_info"), str) and answer.payload is not None:
        answer.payload["more_info"] = payload["more_info"]
    return answer


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, (str, list)) else str(value)
