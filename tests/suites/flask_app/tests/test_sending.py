from types import SimpleNamespace

import pytest
from twilio.base.exceptions import TwilioRestException


class FakeFaxes:
    def __init__(self):
        self.sent = []
        self.error = None

    def create(self, **kwargs):
        if self.error:
            raise self.error
        self.sent.append(kwargs)
        return SimpleNamespace(sid="FX{:032x}".format(len(self.sent)), status="queued")


@pytest.fixture
def faxes(monkeypatch):
    fake = FakeFaxes()
    monkeypatch.setattr(
        "faxdesk.Client",
        lambda *credentials: SimpleNamespace(fax=SimpleNamespace(faxes=fake)),
    )
    return fake


ORDER = {"to": "+15005550009", "document": "https://www.example.com/a.pdf"}


def test_send(http, faxes):
    answer = http.post("/faxes", data=ORDER)

    assert (answer.status_code, answer.get_json()) == (202, {"sid": "FX" + "1".zfill(32)})
    assert faxes.sent == [
        {
            "to": "+15005550009",
            "media_url": "https://www.example.com/a.pdf",
            "from_": "+15005550006",
            "status_callback": "http://desk.example.com/fax/status",
        }
    ]
    assert http.get("/faxes/FX" + "1".zfill(32)).get_json() == {"status": "queued"}


@pytest.mark.parametrize(("status", "shown"), [(400, 400), (503, 502)])
def test_an_error_is_shown(http, faxes, status, shown):
    faxes.error = TwilioRestException(status, "/Faxes", "Unable to create record", code=21211)
    answer = http.post("/faxes", data=ORDER)

    assert (answer.status_code, answer.get_json()) == (shown, {"error": 21211})


def test_nothing_is_known_of_a_stranger(http):
    assert http.get("/faxes/FX1").status_code == 404
