from xml.etree import ElementTree

import pytest

SID = "FX" + "7" * 32


def test_a_delivered_fax(http, twilio_posts, app):
    app.outgoing[SID] = {"status": "queued"}
    answer = twilio_posts(
        "/fax/status",
        FaxSid=SID,
        From="+15005550006",
        To="+15005550009",
        FaxStatus="delivered",
        NumPages="3",
        OriginalMediaUrl="https://www.example.com/a.pdf",
    )

    assert answer.status_code == 204
    assert http.get("/faxes/" + SID).get_json() == {
        "status": "delivered",
        "pages": 3,
        "error": None,
    }


@pytest.mark.parametrize(
    ("status", "code"), [("busy", 34002), ("no-answer", 34003), ("failed", 34004)]
)
def test_a_failed_fax(twilio_posts, app, status, code):
    twilio_posts(
        "/fax/status", FaxSid=SID, FaxStatus=status, ErrorCode=str(code), ErrorMessage="no luck"
    )

    assert app.outgoing[SID] == {"status": status, "pages": None, "error": code}


def test_a_late_callback_changes_nothing(twilio_posts, app):
    for status in ("queued", "delivered", "sending"):
        twilio_posts("/fax/status", FaxSid=SID, FaxStatus=status)

    assert app.outgoing[SID]["status"] == "delivered"


def test_strangers_are_refused(http, twilio_posts, app):
    unsigned = http.post("/fax/status", data={"FaxSid": SID, "FaxStatus": "delivered"})
    forged = twilio_posts("/fax/status", token="another", FaxSid=SID, FaxStatus="delivered")

    assert [unsigned.status_code, forged.status_code] == [403, 403]
    assert app.outgoing == {}


def test_a_fax_comes_in(twilio_posts):
    answer = twilio_posts("/fax/incoming", FaxSid=SID, From="+15005550009", To="+15005550006")

    assert answer.mimetype == "text/xml"
    (receive,) = ElementTree.fromstring(answer.data)
    assert receive.tag == "Receive"
    assert receive.attrib == {
        "action": "https://desk.example.com/fax/received",
        "mediaType": "application/pdf",
    } or receive.attrib == {"action": "/fax/received", "mediaType": "application/pdf"}


def test_a_blocked_sender_is_rejected(twilio_posts, app):
    app.config["BLOCKED"] = ("+15005550001",)
    answer = twilio_posts("/fax/incoming", FaxSid=SID, From="+15005550001", To="+15005550006")

    assert [child.tag for child in ElementTree.fromstring(answer.data)] == ["Reject"]


def test_a_received_fax_is_kept(twilio_posts, app):
    twilio_posts(
        "/fax/received",
        FaxSid=SID,
        From="+15005550009",
        To="+15005550006",
        FaxStatus="received",
        NumPages="1",
        MediaUrl="https://media.twiliocdn.com/AC1/ME1?Expires=1&Signature=x",
    )

    assert app.incoming[0]["sid"] == SID
    assert app.incoming[0]["document"].startswith("https://media.twiliocdn.com/")
