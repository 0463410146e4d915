"""
Answers Twilio requests from a vcrpy cassette, and never uses the network.

It behaves as vcrpy's record mode ``none`` does, whatever record mode the suite chose.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any, Mapping
from urllib.parse import urlencode

from attrs import define, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat.cassettes.bodies import CannotDecode
from twilio_fax_compat.cassettes.files import text_of
from twilio_fax_compat.http.response import Response


class NotRecorded(Exception):
    """No recording answers a request. The text names the request, with numbers masked."""


@define
class CassetteClient:
    """
    An HTTP client with the interface of Twilio's, which a vcrpy *cassette* answers.

    It never uses the network.
    """

    cassette: Any = field(repr=False)

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_rest: Any,
    ) -> Response:
        """Return the recorded answer. Raises NotRecorded."""
        from vcr.errors import UnhandledHTTPRequestError
        from vcr.request import Request

        query = _encoded(params)
        full = url + (("&" if "?" in url else "?") + query if query else "")
        body = _encoded(data).encode() if method.upper() == "POST" else None
        complete = dict(headers or {})
        if auth is not None:
            complete["Authorization"] = "Basic " + b64encode(":".join(auth).encode()).decode()
        request = Request(method.upper(), full, body, complete)
        try:
            answer = self.cassette.play_response(request)
        except UnhandledHTTPRequestError:
            raise NotRecorded(
                f"the cassette has no answer left for {shown(method, full)}"
            ) from None
        try:
            status, text = text_of(answer)
        except CannotDecode as error:
            request_text = shown(method, full)
            raise NotRecorded(
                f"the recorded answer to {request_text} cannot be read: {error}"
            ) from None
        return Response(status, text)


def shown(method: str, url: str) -> str:
    """Return the method and path of a Twilio request for an error, with numbers masked."""
    path, _, query = url.partition("?")
    path = re.sub(r"https?://[^/]+", "", path)
    return mask(f"{method.upper()} {path}") + (
        mask(f"?{query}".replace("%2B", "+")) if query else ""
    )


def _encoded(fields: Mapping[str, object] | None) -> str:
    return urlencode([(name, value) for name, value in (fields or {}).items() if value is not None])
