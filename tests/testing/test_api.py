"""Faxes over HTTP behave like Telnyx's, down to the errors."""

import json

import pytest

from tests.testing.helpers import NOBODY, NUMBER, OTHER, body_of, code_of, connect, post
from twilio_fax_compat.testing import TelnyxEmulator


def test_a_fax_is_accepted(http, telnyx):
    """202 with the whole resource, what was sent in it, and it can be viewed."""
    answer = http.post(
        "/faxes",
        json=body_of(
            telnyx,
            client_state="aGk=",
            webhook_url="https://x.example/hook",
            store_media=True,
            from_display_name="Kate",
            quality="ultra_dark",
        ),
    )
    fax = answer.json()["data"]

    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert {name: fax[name] for name in fax if name not in ("id", "created_at", "updated_at")} == {
        "record_type": "fax",
        "connection_id": telnyx.connection_id,
        "direction": "outbound",
        "from": NUMBER,
        "to": OTHER,
        "from_display_name": "Kate",
        "media_url": "https://x.example/a.pdf",
        "quality": "ultra_dark",
        "status": "queued",
        "store_media": True,
        "client_state": "aGk=",
        "webhook_url": "https://x.example/hook",
        "webhook_failover_url": "",
        "failure_reason": None,
    }
    assert fax["created_at"] == fax["updated_at"]
    assert http.get(f"/faxes/{fax['id']}").json()["data"] == fax == telnyx.fax(fax["id"])


def test_defaults(http, telnyx):
    """A fax that asks for little is of high quality, not stored, and named after its number."""
    fax = telnyx.fax(post(http, telnyx))

    assert (fax["quality"], fax["store_media"]) == ("high", False)
    assert fax["from_display_name"] == NUMBER
    assert not {"client_state", "media_name", "stored_media_url", "preview_url"} & set(fax)


@pytest.mark.parametrize("to", ["sip:fax@x.example", "SIPS:fax@x.example:5061", "+49301234567"])
def test_destinations(http, telnyx, to):
    """A fax goes to an E.164 number or a SIP URI."""
    assert telnyx.fax(post(http, telnyx, to=to))["to"] == to


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"to": None}, "10004", "/to"),
        ({"to": ""}, "10004", "/to"),
        ({"from": None}, "10004", "/from"),
        ({"connection_id": None}, "10004", "/connection_id"),
        ({"connection_id": "1"}, "85004", "/connection_id"),
        ({"connection_id": 1293384261075731499}, "10026", "/connection_id"),
        ({"media_url": None}, "10004", "/media_url"),
        ({"media_name": "a"}, "10015", "/media_url"),
        ({"to": "5005550009"}, "10016", "/to"),
        ({"to": "+05005550009"}, "10016", "/to"),
        ({"from": "kate"}, "10016", "/from"),
        ({"from": "sip:kate@x.example"}, "10016", "/from"),
        ({"to": 7}, "10026", "/to"),
        ({"media_url": "nowhere"}, "10003", "/media_url"),
        ({"media_url": "ftp://x.example/a.pdf"}, "10003", "/media_url"),
        ({"media_url": "https://x.example/" + "a" * 2000}, "10003", "/media_url"),
        ({"media_url": ["https://x.example/a.pdf"]}, "10026", "/media_url"),
        ({"webhook_url": "nowhere"}, "10003", "/webhook_url"),
        ({"quality": "fine"}, "10032", "/quality"),
        ({"quality": 1}, "10032", "/quality"),
        ({"store_media": "perhaps"}, "10026", "/store_media"),
        ({"monochrome": 1}, "10026", "/monochrome"),
        ({"t38_enabled": []}, "10026", "/t38_enabled"),
        ({"store_preview": "x"}, "10026", "/store_preview"),
        ({"client_state": "not base64!"}, "90017", "/client_state"),
        ({"client_state": "aGk"}, "90017", "/client_state"),
        ({"client_state": "ä"}, "90017", "/client_state"),
        ({"client_state": 1234}, "10026", "/client_state"),
        ({"from_display_name": "x" * 129}, "10025", "/from_display_name"),
        ({"from_display_name": "a/b"}, "10025", "/from_display_name"),
        ({"black_threshold": 0}, "10033", "/black_threshold"),
        ({"black_threshold": 101}, "10033", "/black_threshold"),
        ({"black_threshold": True}, "10026", "/black_threshold"),
        ({"preview_format": "gif"}, "10032", "/preview_format"),
        ({"media_url": None, "media_name": "a", "store_media": True}, "10015", "/store_media"),
    ],
)
def test_a_bad_fax_is_refused(http, telnyx, fields, code, pointer):
    """422 with Telnyx's code and a pointer to the field, and no fax is made."""
    answer = http.post("/faxes", json=body_of(telnyx, **fields))
    error = answer.json()["errors"][0]

    assert code_of(answer) == (422, code)
    assert error["source"] == {"pointer": pointer}
    assert error["meta"]["url"].endswith(code)
    assert telnyx.faxes == []


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", "{", (400, "10023")),
        ("application/json", "", (400, "10023")),
        ("application/json", "[]", (400, "10015")),
        ("application/json; charset=utf-8", b"\xff", (400, "10023")),
        ("text/plain", "{}", (415, "10024")),
        ("", "{}", (422, "10004")),
    ],
)
def test_bodies_that_are_not_understood(http, telnyx, kind, body, expected):
    """400 for what is no JSON object, 415 for another type, and no type is JSON."""
    headers = {"Content-Type": kind} if kind else {}

    assert code_of(http.post("/faxes", content=body, headers=headers)) == expected
    assert telnyx.faxes == []


def test_curls_forms(http, telnyx):
    """A form as cURL's ``--data-urlencode`` sends it has booleans and numbers as words."""
    form = body_of(telnyx, store_media="true", monochrome="False", black_threshold="50")
    fax = http.post("/faxes", data=form).json()["data"]
    assert (fax["to"], fax["store_media"]) == (OTHER, True)

    assert code_of(http.post("/faxes", data={**form, "black_threshold": "500"})) == (422, "10033")
    assert code_of(http.post("/faxes", data={**form, "black_threshold": "x"})) == (422, "10026")
    assert code_of(http.post("/faxes", data={**form, "store_media": "1"})) == (422, "10026")


def test_json_under_curls_content_type(http, telnyx):
    """One of Telnyx's guides posts JSON as a form, which is understood."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post("/faxes", content=json.dumps(body_of(telnyx)), headers=headers)

    assert (answer.status_code, answer.json()["data"]["to"]) == (202, OTHER)


def test_a_document_can_be_uploaded(http, telnyx):
    """A multipart body carries the document, and only the fields that Telnyx knows there."""
    form = body_of(
        telnyx, media_url=None, store_media="true", client_state="aGk=", webhook_url="https://x.y"
    )
    document = b"%PDF-1.4 mine" * 200_000
    files = {"contents": ("a.pdf", document, "application/pdf")}
    answer = http.post("/faxes", data=form, files=files)
    fax = answer.json()["data"]

    assert answer.status_code == 202
    assert telnyx.document(fax["id"]) == document
    assert fax["store_media"] is True
    assert not {"client_state", "media_url"} & set(fax)
    assert fax["webhook_url"] == ""


def test_an_upload_needs_its_document(http, telnyx):
    """A multipart body without ``contents`` is refused."""
    files = {"other": ("a.pdf", b"x", "application/pdf")}

    assert code_of(http.post("/faxes", data=body_of(telnyx), files=files)) == (422, "10004")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer wrong", "Basic x", "Bearer", "bearer KEY0EMULATOR0000000000000000000_emulator"],
)  # fmt: skip
def test_a_wrong_key_is_refused(http, telnyx, authorization):
    """401, with and without the header, for any path of the API, and nothing is carried out."""
    del http.headers["Authorization"]
    headers = {} if authorization is None else {"Authorization": authorization}

    assert code_of(http.post("/faxes", json=body_of(telnyx), headers=headers)) == (401, "10009")
    assert code_of(http.get("/nothing", headers=headers)) == (401, "10009")
    assert telnyx.faxes == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/faxes/{NOBODY}"),
        ("GET", "/faxes/no-uuid"),
        ("DELETE", f"/faxes/{NOBODY}"),
        ("POST", f"/faxes/{NOBODY}/actions/cancel"),
        ("POST", f"/faxes/{NOBODY}/actions/refresh"),
        ("GET", "/nothing"),
        ("PUT", "/faxes"),
    ],
)
def test_what_is_not_there(http, method, path):
    """404 with Telnyx's code."""
    assert code_of(http.request(method, path)) == (404, "10005")


def test_a_method_that_is_not_there():
    """404, too, for a method that Telnyx's file does not have at a path that it has."""
    with TelnyxEmulator() as telnyx, connect(telnyx) as http:
        fax = post(http, telnyx)
        assert code_of(http.get(f"/faxes/{fax}/actions/cancel")) == (404, "10005")
        assert code_of(http.patch(f"/faxes/{fax}", json={})) == (404, "10005")


@pytest.mark.parametrize("end", ["delivered", "failed"])
def test_what_is_over_cannot_be_cancelled(http, telnyx, end):
    """422 with 90080 for a fax that has ended, which stays as it is."""
    fax = post(http, telnyx)
    if end == "delivered":
        telnyx.deliver(fax)
    else:
        telnyx.fail(fax, "user_busy")
    before = telnyx.fax(fax)

    assert code_of(http.post(f"/faxes/{fax}/actions/cancel")) == (422, "90080")
    assert telnyx.fax(fax) == before


@pytest.mark.parametrize("steps", range(4))
def test_an_inbound_fax_cannot_be_cancelled(http, telnyx, steps):
    """422 with 90081 in any status, which stays as it is."""
    fax = telnyx.receive(OTHER, NUMBER)
    for _ in range(steps):
        telnyx.step(fax)
    before = telnyx.fax(fax)

    assert code_of(http.post(f"/faxes/{fax}/actions/cancel")) == (422, "90081")
    assert telnyx.fax(fax) == before


@pytest.mark.parametrize("steps", [0, 2, 9])
def test_deleting(http, telnyx, steps):
    """204 without a body at any time, and the fax is gone from everywhere."""
    fax, other = post(http, telnyx), post(http, telnyx)
    for _ in range(steps):
        telnyx.step(fax)
    answer = http.delete(f"/faxes/{fax}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert http.get(f"/faxes/{fax}").status_code == 404
    assert [one["id"] for one in http.get("/faxes").json()["data"]] == [other]
    found = http.get("/faxes", params={"filter[to][eq]": OTHER}).json()["data"]
    assert [one["id"] for one in found] == [other]
    assert code_of(http.delete(f"/faxes/{fax}")) == (404, "10005")


def test_snapshots_are_copies(http, telnyx):
    """Changing what the emulator hands out changes no fax."""
    fax = post(http, telnyx)
    telnyx.fax(fax)["status"] = "delivered"
    telnyx.faxes[0]["status"] = "delivered"

    assert http.get(f"/faxes/{fax}").json()["data"]["status"] == "queued"


def test_an_arriving_fax_can_be_viewed(http, telnyx):
    """An inbound fax has the application's connection and no word of a document before its end."""
    fax = telnyx.receive(OTHER, NUMBER)
    resource = http.get(f"/faxes/{fax}").json()["data"]

    assert (resource["direction"], resource["status"]) == ("inbound", "initiated")
    assert (resource["from"], resource["to"]) == (OTHER, NUMBER)
    assert resource["connection_id"] == telnyx.connection_id
    assert "media_url" not in resource


def test_a_key_of_ones_own():
    """The key can be chosen, and then is the only one."""
    with TelnyxEmulator(api_key="KEY-mine") as telnyx, connect(telnyx) as http:
        assert http.headers["Authorization"] == "Bearer KEY-mine"
        assert http.get("/faxes").status_code == 200
