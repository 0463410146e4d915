"""Older tests: the library's own HTTP client is replaced by name."""

from unittest import mock

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from canned import FAXES, SID, answer, error, fax

CREDENTIALS = ("AC" + "a" * 32, "AUTHTOKEN")


@mock.patch("twilio.http.http_client.TwilioHttpClient.request")
def test_the_method_is_replaced(request):
    request.return_value = answer(200, fax(status="delivered"))

    assert Client(*CREDENTIALS).fax.faxes(SID).fetch().status == "delivered"
    (method, url), _ = request.call_args
    assert (method.upper(), url) == ("GET", FAXES + "/" + SID)


@mock.patch("twilio.http.http_client.TwilioHttpClient.request")
def test_the_method_fails(request):
    request.return_value = error(503, 20503, "Service Unavailable")

    with pytest.raises(TwilioRestException) as caught:
        Client(*CREDENTIALS).fax.faxes.create(
            "+15005550009", "https://a.example/b.pdf", from_="+15005550006"
        )
    assert (caught.value.status, caught.value.code) == (503, 20503)
    assert request.call_count == 1


@mock.patch("twilio.rest.TwilioHttpClient")
def test_the_class_is_replaced(http_client):
    http_client.return_value.request.return_value = answer(201, fax())

    sent = Client(*CREDENTIALS).fax.faxes.create(
        "+15005550009", "https://a.example/b.pdf", from_="+15005550006"
    )
    assert sent.sid == SID
    assert http_client.return_value.request.call_args[1]["data"] == {
        "To": "+15005550009",
        "MediaUrl": "https://a.example/b.pdf",
        "From": "+15005550006",
    }


def test_requests_is_replaced(monkeypatch):
    seen = []

    def send(session, request, **kwargs):
        seen.append((request.method, request.url, request.body))
        response = mock.Mock(status_code=201, headers={})
        response.text = answer(201, fax()).text
        return response

    monkeypatch.setattr("requests.Session.send", send)
    Client(*CREDENTIALS).fax.faxes.create(
        "+15005550009", "https://a.example/b.pdf", from_="+15005550006"
    )

    assert seen == [
        (
            "POST",
            FAXES,
            "To=%2B15005550009&MediaUrl=https%3A%2F%2Fa.example%2Fb.pdf&From=%2B15005550006",
        )
    ]
