"""
What a suite itself put in Twilio's place, below the client: then Telnyx is not asked.

An ``http_client`` of the suite's own and stubs of HTTP answer in Twilio's words, so they are asked in
Twilio's words.
"""

from __future__ import annotations

import http.client
import sys
from typing import Any

from attrs import frozen

from twilio_fax_compat.http.http_client import TwilioHttpClient, is_untouched
from twilio_fax_compat.http.response import Response

_REQUESTS = (
    ("requests.sessions", "Session", ("request", "send", "get_adapter")),
    ("requests.adapters", "HTTPAdapter", ("send",)),
)
"""Where ``responses``, ``requests_mock`` and hand-made patches take hold of requests."""


A_CASSETTE = "a vcrpy cassette"


@frozen
class Double:
    """
    What answers in Twilio's place: *name* is for the report, *client* what is to be asked.

    *is_recording* says that it holds answers of Twilio's HTTP API, rather than being code.
    """

    name: str
    client: Any
    is_recording: bool = False


def double_for(http_client: Any) -> Double | None:
    """Return what a suite made to answer the calls that go through *http_client*, or None."""
    if is_untouched(http_client) or is_untouched_original(http_client):
        below = _stub_of_http()
        return None if below is None else Double(below, _speaker(http_client), is_recording=True)
    if type(http_client).__module__.partition(".")[0] == "httpx":
        return None
    kind = type(http_client)
    return Double("http_client={}".format(kind.__qualname__), http_client)


def is_of_stubs(name: str) -> bool:
    """Tell whether the `Double` of that *name* is of ``responses`` or ``requests_mock``."""
    return name.endswith(("(responses)", "(requests_mock)"))


def is_untouched_original(http_client: Any) -> bool:
    """Tell whether *http_client* is one of the installed package's, as that made it."""
    kind = type(http_client)
    return (
        kind.__module__ == "twilio.http.http_client"
        and kind.__name__ == "TwilioHttpClient"
        and "request" not in vars(http_client)
        and _home(kind.request) == kind.__module__
    )


def active_cassette() -> Any | None:
    """Return the vcrpy cassette that is in use, or None."""
    return getattr(http.client.HTTPSConnection, "cassette", None)


def has_faxes(cassette: Any) -> bool:
    """Tell whether a vcrpy *cassette* has an interaction with Twilio's fax API."""
    from twilio_fax_compat.rest import FAX_URL

    return any(FAX_URL.match(str(request.uri)) for request in cassette.requests)


def _stub_of_http() -> str | None:
    cassette = active_cassette()
    if cassette is not None and has_faxes(cassette):
        return A_CASSETTE
    for module, cls, names in _REQUESTS:
        holder = getattr(sys.modules.get(module), cls, None)
        for name in names if holder is not None else ():
            home = _home(getattr(holder, name))
            if home not in ("requests.sessions", "requests.adapters"):
                return "stubs of requests ({})".format(home or "a mock")
    httpretty = sys.modules.get("httpretty")
    if httpretty is not None and httpretty.is_enabled():
        return "stubs of httpretty"
    return None


def _home(function: object) -> str:
    home = getattr(function, "__module__", None)
    return home.partition(".mocker")[0] if isinstance(home, str) else ""


def _speaker(http_client: Any) -> Any:
    if type(http_client) is not TwilioHttpClient or "requests" not in sys.modules:
        return http_client
    return RequestsClient()


class RequestsClient:
    """Twilio's default HTTP client in short, for stubs of requests where ``twilio`` is missing."""

    def session(self) -> Any:
        """Return the ``requests.Session`` of one request."""
        import requests

        return requests.Session()

    def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make a request through requests and return its `Response`."""
        with self.session() as session:
            answer = session.request(
                method.upper(),
                url,
                params=params,
                data=data,
                headers=headers,
                auth=auth,
                timeout=timeout,
                allow_redirects=allow_redirects,
            )
        return Response(int(answer.status_code), answer.text, dict(answer.headers))
