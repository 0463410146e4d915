"""Twilio is stubbed with responses."""

import json
from urllib.parse import parse_qs

import pytest
import responses
from twilio.base.exceptions import TwilioRestException

from notices.sender import Sender
from twilio_answers import ACCOUNT, FAXES, fax

NOTICE = "https://www.example.com/notice.pdf"


@pytest.fixture
def sender():
    return Sender(ACCOUNT, "token", "+15005550006")


@responses.activate
def test_send(sender):
    responses.add(responses.POST, FAXES, json=fax(), status=201)

    assert sender.send("+15005550009", NOTICE) == "FX" + "1" * 32
    assert len(responses.calls) == 1
    assert parse_qs(responses.calls[0].request.body) == {
        "From": ["+15005550006"],
        "To": ["+15005550009"],
        "MediaUrl": [NOTICE],
    }


@responses.activate
def test_credentials_go_in_the_header(sender):
    responses.add(responses.POST, FAXES, json=fax(), status=201)
    sender.send("+15005550009", NOTICE)

    assert responses.calls[0].request.headers["Authorization"].startswith("Basic ")
    assert responses.assert_call_count(FAXES, 1) is True


@responses.activate
def test_the_form_is_matched(sender):
    form = {"From": "+15005550006", "To": "+15005550009", "MediaUrl": NOTICE}
    matched = responses.matchers.urlencoded_params_matcher(form)
    responses.add(responses.POST, FAXES, json=fax("2"), status=201, match=[matched])

    assert sender.send("+15005550009", NOTICE) == "FX" + "2" * 32


@responses.activate
def test_a_refused_number(sender):
    refused = {
        "code": 21211,
        "message": "The 'To' number +15005550001 is not a valid phone number.",
        "more_info": "https://www.twilio.com/docs/errors/21211",
        "status": 400,
    }
    responses.add(responses.POST, FAXES, json=refused, status=400)

    assert sender.send("+15005550001", NOTICE) is None


@responses.activate
def test_wrong_credentials(sender):
    told = {"code": 20003, "message": "Authenticate", "status": 401}
    responses.add(responses.POST, FAXES, json=told, status=401)

    with pytest.raises(TwilioRestException) as caught:
        sender.send("+15005550009", NOTICE)
    assert (caught.value.status, caught.value.code) == (401, 20003)


def test_statuses_one_after_the_other(sender):
    url = "{}/FX{}".format(FAXES, "1" * 32)
    with responses.RequestsMock() as stubs:
        for status in ("processing", "sending", "delivered"):
            stubs.add(responses.GET, url, json=fax(status=status))
        seen = [sender.status("FX" + "1" * 32) for _ in range(3)]

    assert seen == ["processing", "sending", "delivered"]


@responses.activate
def test_withdraw(sender):
    def cancel(request):
        assert request.body == "Status=canceled"
        return 200, {}, json.dumps(fax("3", status="canceled"))

    url = "{}/FX{}".format(FAXES, "3" * 32)
    responses.add_callback(responses.POST, url, callback=cancel, content_type="application/json")

    assert sender.withdraw("FX" + "3" * 32) == "canceled"
