"""Ways for programs that know only ``https://fax.twilio.com`` to reach the stand-in."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Iterator
from unittest import mock

if TYPE_CHECKING:
    from tests.fakes.twilio.server import TwilioStandIn

HOST = "https://fax.twilio.com"


def standin_client(standin: TwilioStandIn, **options: Any) -> Any:
    """
    Return a client of the installed ``twilio`` whose fax requests go to *standin*.

    Other hosts are left alone. *options* are the Client's own.
    """
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Rewriting(TwilioHttpClient):
        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            return super().request(method, led(url, standin), *args, **kwargs)

    credentials = (standin.account_sid, standin.auth_token)
    return Client(*credentials, **{"http_client": Rewriting(), **options})


@contextlib.contextmanager
def lead_requests(standin: TwilioStandIn) -> Iterator[None]:
    """Let all that ``requests`` sends to Twilio's fax host go to *standin*, in this process."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_there(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = led(request.url, standin)
        return send(self, request, *args, **kwargs)

    with mock.patch.object(HTTPAdapter, "send", send_there):
        yield


def led(url: str, standin: TwilioStandIn) -> str:
    """Return *url* with the stand-in's origin in place of Twilio's."""
    return standin.url + url[len(HOST) :] if url.startswith(HOST + "/") else url
