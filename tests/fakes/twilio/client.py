"""Send requests for ``https://fax.twilio.com`` to the fake."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Iterator
from unittest import mock

if TYPE_CHECKING:
    from tests.fakes.twilio.server import FakeTwilio

HOST = "https://fax.twilio.com"


def client_of_fake(fake: FakeTwilio, **options: Any) -> Any:
    """
    Return a client of the installed ``twilio`` whose fax requests go to *fake*.

    Requests to other hosts are not changed. *options* are arguments of the Client.
    """
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Rewriting(TwilioHttpClient):
        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            return super().request(method, led(url, fake), *args, **kwargs)

    credentials = (fake.account_sid, fake.auth_token)
    return Client(*credentials, **{"http_client": Rewriting(), **options})


@contextlib.contextmanager
def lead_requests(fake: FakeTwilio) -> Iterator[None]:
    """Send everything that ``requests`` sends to Twilio's fax host in this process to *fake*."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_there(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = led(request.url, fake)
        return send(self, request, *args, **kwargs)

    with mock.patch.object(HTTPAdapter, "send", send_there):
        yield


def led(url: str, fake: FakeTwilio) -> str:
    """Return *url* with the fake's origin in place of Twilio's."""
    return fake.url + url[len(HOST) :] if url.startswith(HOST + "/") else url
