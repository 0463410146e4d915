"""The logs of HTTP clients that a program passes."""

import logging
import logging.config

import httpx
import pytest

from tests.helpers import FAST, make_client, send
from twilio_fax_compat._telnyx.logs import LOGGERS, masked_logs, no_logs

try:
    from twilio.http.http_client import TwilioHttpClient as TheirHttpClient
except ImportError:
    TheirHttpClient = None

needs_twilio = pytest.mark.skipif(
    TheirHttpClient is None, reason="needs twilio: pip install twilio"
)


@pytest.mark.parametrize(
    "make",
    [httpx.Client, pytest.param(TheirHttpClient, marks=needs_twilio)],
    ids=["httpx", "twilio"],
)
def test_an_http_client_logs_no_number_and_no_link(telnyx, caplog, make):
    """Clients such as httpx log the URL of each request, and Twilio's logs its body, at INFO."""
    caplog.set_level(logging.DEBUG)
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    http_client = make()
    client = make_client(telnyx, http_client, retry=FAST)
    fax = send(client, to="+15005550009")
    client.fax.faxes.list(to="+15005550009", from_="+15005550006")
    fax.fetch()
    getattr(http_client, "close", lambda: None)()

    assert "/v2/faxes" in caplog.text or "/..." in caplog.text
    for private in ("5550009", "5550006", "example.com/fax.pdf", telnyx.api_key, "X-Amz"):
        assert private not in caplog.text


def test_other_requests_of_a_client_are_logged_as_before(telnyx, caplog):
    """Only requests of this package are masked."""
    caplog.set_level(logging.INFO)
    with httpx.Client() as http_client:
        make_client(telnyx, http_client).fax.faxes.list()
        http_client.get(telnyx.base_url + "/faxes?a=%2B15005550009")

    assert "a=%2B15005550009" in caplog.text


def test_a_logger_of_any_kind_does_no_harm():
    """A client's logger may be anything."""
    with masked_logs(type("Client", (), {"logger": print})()):
        logging.getLogger("httpx").info("%s", "x")


def test_requests_of_callbacks_leave_no_line(telnyx, caplog):
    """Not even that they were made, also after logging was configured anew."""
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    caplog.set_level(logging.DEBUG)
    url = telnyx.origin + "/nothing"
    with no_logs():
        httpx.get(url)
        with pytest.raises(httpx.ConnectError):
            httpx.get("http://127.0.0.1:1/")
    assert [record.name for record in caplog.records if record.name in LOGGERS] == []
    httpx.get(url)
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
