"""
Finds the suite's own test doubles below the client: its ``http_client`` and its HTTP stubs.

They answer as Twilio's HTTP API, so they receive Twilio's requests, and Telnyx is not asked.
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
"""The attributes of requests that ``responses``, ``requests_mock`` and patches by hand replace."""


A_CASSETTE = "a vcrpy cassette"


@frozen
class Double:
    """
    A test double of Twilio's HTTP API: *name* is for the report, *client* receives the request.

    *is_recording*: it holds recorded answers of Twilio's HTTP API, and is not code.
    """

    name: str
    client: Any
    is_recording: bool = False


def double_for(http_client: Any) -> Double | None:
    """Return the test double that answers calls through *http_client*, or None."""
    if is_untouched(http_client) or is_untouched_original(http_client):
        below = stub_of_http()
        return (
            None
            if below is None
            else Double(below, _requests_client(http_client), is_recording=True)
        )
    if type(http_client).__module__.partition(".")[0] == "httpx":
        return None
    kind = type(http_client)
    return Double("http_client={}".format(kind.__qualname__), http_client)


def is_of_stubs(name: str) -> bool:
    """Return whether *name* is that of a `Double` of ``responses`` or ``requests_mock``."""
    return name.endswith(("(responses)", "(requests_mock)"))


def is_untouched_original(http_client: Any) -> bool:
    """Return whether *http_client* is an unchanged one of the installed ``twilio`` package."""
    kind = type(http_client)
    return (
        kind.__module__ == "twilio.http.http_client"
        and kind.__name__ == "TwilioHttpClient"
        and "request" not in vars(http_client)
        and _home(kind.request) == kind.__module__
    )


def active_cassette() -> Any | None:
    """Return the active vcrpy cassette, or None."""
    return getattr(http.client.HTTPSConnection, "cassette", None)


def has_faxes(cassette: Any) -> bool:
    """Return whether a vcrpy *cassette* has an interaction with Twilio's fax API."""
    from twilio_fax_compat.rest import FAX_URL

    return any(FAX_URL.match(str(request.uri)) for request in cassette.requests)


def stub_of_http() -> str | None:
    """Return the name of the HTTP stubs that would answer a request to Twilio, or None."""
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


def _requests_client(http_client: Any) -> Any:
    if type(http_client) is not TwilioHttpClient or "requests" not in sys.modules:
        return http_client
    return RequestsClient()


class RequestsClient:
    """A short form of Twilio's HTTP client, for stubs of requests where ``twilio`` is missing."""

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
