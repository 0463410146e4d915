"""The emulator's HTTP surface behaves like Telnyx's, down to its errors."""

import json

import httpx
import jsonschema
import pytest

from tests import openapi
from twilio_fax_compat.testing import TelnyxEmulator

BODY = {"to": "+15005550009", "from": "+15005550006", "media_url": "https://x.example/a.pdf"}
NOBODY = "00000000-0000-4000-8000-000000000000"

needs_file = pytest.mark.skipif(not openapi.is_available(), reason=openapi.WHERE)


@pytest.fixture(name="http")
def _http(telnyx):
    headers = {"Authorization": f"Bearer {telnyx.api_key}"}
    with httpx.Client(base_url=telnyx.base_url, headers=headers) as http:
        yield http


def create(http, telnyx, **fields):
    body = {"connection_id": telnyx.connection_id, **BODY, **fields}
    return http.post(
        "/faxes", json={name: value for name, value in body.items() if value is not None}
    )


def code_of(answer):
    error = answer.json()["errors"][0]
    assert error["title"]
    return answer.status_code, error["code"]


def test_a_fax_is_accepted(http, telnyx):
    """202 with the whole resource, and it can be viewed."""
    answer = create(
        http, telnyx, client_state="aGk=", webhook_url="https://x.example/hook", store_media=True
    )
    fax = answer.json()["data"]

    assert answer.status_code == 202
    assert (fax["status"], fax["direction"], fax["quality"]) == ("queued", "outbound", "high")
    assert (fax["client_state"], fax["webhook_url"]) == ("aGk=", "https://x.example/hook")
    assert http.get(f"/faxes/{fax['id']}").json()["data"] == fax


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"to": None}, "10004", "/to"),
        ({"from": None}, "10004", "/from"),
        ({"connection_id": None}, "10004", "/connection_id"),
        ({"connection_id": "1"}, "85004", "/connection_id"),
        ({"media_url": None}, "10004", "/media_url"),
        ({"media_name": "a"}, "10015", "/media_url"),
        ({"to": "5005550009"}, "10016", "/to"),
        ({"from": "kate"}, "10016", "/from"),
        ({"to": 7}, "10026", "/to"),
        ({"media_url": "nowhere"}, "10003", "/media_url"),
        ({"webhook_url": "nowhere"}, "10003", "/webhook_url"),
        ({"quality": "fine"}, "10032", "/quality"),
        ({"store_media": "perhaps"}, "10026", "/store_media"),
        ({"client_state": "not base64!"}, "90017", "/client_state"),
        ({"from_display_name": "x" * 129}, "10025", "/from_display_name"),
        ({"black_threshold": 0}, "10033", "/black_threshold"),
        ({"preview_format": "gif"}, "10032", "/preview_format"),
        ({"media_url": None, "media_name": "a", "store_media": True}, "10015", "/store_media"),
    ],
)
def test_a_bad_fax_is_refused(http, telnyx, fields, code, pointer):
    """422 with Telnyx's code and a pointer to the field, and no fax is made."""
    answer = create(http, telnyx, **fields)

    assert code_of(answer) == (422, code)
    assert answer.json()["errors"][0]["source"]["pointer"] == pointer
    assert telnyx.faxes == []


def test_bodies_of_the_guides(http, telnyx):
    """CURL's forms, and JSON under its form content type, are understood."""
    form = {"connection_id": telnyx.connection_id, **BODY, "store_media": "true"}
    assert http.post("/faxes", data=form).json()["data"]["store_media"] is True
    text = json.dumps({**form, "store_media": False})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert http.post("/faxes", content=text, headers=headers).status_code == 202
    assert (
        http.post("/faxes", content="{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )
    assert http.post("/faxes", json=[]).status_code == 400


def test_a_document_can_be_uploaded(http, telnyx):
    """A multipart body carries the document itself."""
    fields = {"connection_id": telnyx.connection_id, "to": BODY["to"], "from": BODY["from"]}
    files = {"contents": ("a.pdf", b"%PDF-1.4 mine", "application/pdf")}
    fax = http.post("/faxes", data=fields, files=files).json()["data"]

    assert telnyx.document(fax["id"]) == b"%PDF-1.4 mine"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}]
)
def test_a_wrong_key_is_refused(telnyx, headers):
    """401, and nothing is carried out."""
    answer = httpx.post(telnyx.base_url + "/faxes", json=BODY, headers=headers)

    assert code_of(answer) == (401, "10009")
    assert telnyx.faxes == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/faxes/{NOBODY}"),
        ("DELETE", f"/faxes/{NOBODY}"),
        ("POST", f"/faxes/{NOBODY}/actions/cancel"),
        ("POST", f"/faxes/{NOBODY}/actions/refresh"),
        ("GET", "/fax_applications/7"),
        ("PATCH", "/fax_applications/7"),
        ("DELETE", "/fax_applications/7"),
        ("GET", "/nothing"),
        ("PUT", "/faxes"),
    ],
)
def test_what_is_not_there(http, method, path):
    """404 with Telnyx's code."""
    assert code_of(http.request(method, path)) == (404, "10005")


def test_cancelling(http, telnyx):
    """202 while a fax is under way, 90080 when it is over, 90081 when it is inbound."""
    fax = create(http, telnyx).json()["data"]["id"]
    cancel = f"/faxes/{fax}/actions/cancel"
    answer = http.post(cancel)
    assert (answer.status_code, answer.json()) == (202, {"data": {"result": "ok"}})
    assert telnyx.fax(fax)["failure_reason"] == "sender_canceled"
    assert code_of(http.post(cancel)) == (422, "90080")
    inbound = telnyx.receive("+15005550002", "+15005550006")
    assert code_of(http.post(f"/faxes/{inbound}/actions/cancel")) == (422, "90081")


def test_deleting(http, telnyx):
    """204 without a body, and the fax is gone."""
    fax = create(http, telnyx).json()["data"]["id"]
    answer = http.delete(f"/faxes/{fax}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert http.get(f"/faxes/{fax}").status_code == 404
    assert http.get("/faxes").json()["data"] == []
    telnyx.settle()


def test_lists_have_pages_and_filters(http, telnyx):
    """Newest first, in pages, by time, direction and numbers."""
    for number in range(5):
        create(http, telnyx, to=f"+1500555001{number}")
        telnyx.advance(60)
    telnyx.receive("+15005550002", "+15005550006")
    page = http.get("/faxes", params={"page[size]": 2, "page[number]": 2}).json()
    assert [fax["to"][-1] for fax in page["data"]] == ["3", "2"]
    assert page["meta"] == {"page_number": 2, "page_size": 2, "total_pages": 3, "total_results": 6}

    def found(**filters):
        params = {f"filter{name}": value for name, value in filters.items()}
        return len(http.get("/faxes", params=params).json()["data"])

    assert found(**{"[direction][eq]": "inbound"}) == 1
    assert found(**{"[to][eq]": "+15005550012"}) == 1
    assert found(**{"[from][eq]": "+15005550006"}) == 5
    second = telnyx.faxes[1]["created_at"]
    counts = [found(**{f"[created_at][{name}]": second}) for name in ("gt", "gte", "lt", "lte")]
    assert counts == [4, 5, 1, 2]
    assert (
        len(
            httpx.get(
                f"{telnyx.base_url}/faxes?filter[created_at][gte]={second[:19]}Z&filter%5Bto%5D%5Beq%5D=%2B15005550012",
                headers=http.headers,
            ).json()["data"]
        )
        == 1
    )


@pytest.mark.parametrize(
    "query",
    ["filter[status][eq]=failed", "filter[to][contains]=5", "filter[created_at][gt]=soon",
     "filter[created_at][gt]=2026-02-30T00:00:00Z", "filter=x", "page[number]=0", "page[size]=x"],
)  # fmt: skip
def test_a_bad_filter_is_refused(http, query):
    """422 with Telnyx's code for filters."""
    assert code_of(http.get("/faxes?" + query)) == (422, "10031")


def test_page_sizes_are_limited(http, telnyx):
    """More than the maximum is cut, and the default is twenty."""
    for _ in range(21):
        create(http, telnyx)
    assert len(http.get("/faxes").json()["data"]) == 20
    assert http.get("/faxes?page[size]=1000").json()["meta"]["page_size"] == 250


def test_oldest_first_is_possible():
    """The order of Telnyx's list is not published, so a test can have the other one."""
    with TelnyxEmulator(newest_first=False) as telnyx:
        ids = [telnyx.receive("+1500555000" + str(number), "+15005550006") for number in range(3)]
        headers = {"Authorization": f"Bearer {telnyx.api_key}"}
        faxes = httpx.get(telnyx.base_url + "/faxes", headers=headers).json()["data"]

    assert [fax["id"] for fax in faxes] == ids


def test_fax_applications(http, telnyx):
    """Applications can be made, found, changed and deleted."""
    fields = {"application_name": "Mine", "webhook_event_url": "https://x.example/hook"}
    made = http.post("/fax_applications", json=fields)
    one = made.json()["data"]
    assert made.status_code == 201
    assert (
        create(http, telnyx, connection_id=one["id"]).json()["data"]["webhook_url"]
        == fields["webhook_event_url"]
    )
    changed = http.patch(
        f"/fax_applications/{one['id']}",
        json={**fields, "active": False, "outbound": {"outbound_voice_profile_id": "7"}},
    ).json()["data"]
    assert (changed["active"], changed["outbound"]["outbound_voice_profile_id"]) == (False, "7")
    assert http.get(f"/fax_applications/{one['id']}").json()["data"] == changed

    def found(query):
        return [
            one["application_name"] for one in http.get("/fax_applications?" + query).json()["data"]
        ]

    assert found("") == ["Mine", "emulator"]
    assert found("filter[application_name][contains]=min") == ["Mine"]
    assert found("filter[outbound_voice_profile_id]=7") == ["Mine"]
    assert found("sort=-application_name") == ["emulator", "Mine"]
    assert code_of(http.get("/fax_applications?sort=size")) == (400, "10032")
    assert http.delete(f"/fax_applications/{one['id']}").json()["data"] == changed
    assert found("") == ["emulator"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "10023"),
        (b"[]", 400, "10015"),
        (b"{}", 422, "10004"),
        (b'{"application_name": "x", "webhook_event_url": "x"}', 422, "10003"),
    ],
)
def test_bad_fax_applications(http, body, status, code):
    """An application needs a name and a URL."""
    assert code_of(http.post("/fax_applications", content=body)) == (status, code)


@needs_file
def test_every_answer_matches_the_published_file(http, telnyx):
    """Requests and answers of all operations, errors included, validate."""
    fax = create(http, telnyx, store_media=True).json()["data"]["id"]
    telnyx.settle()
    telnyx.receive("+15005550002", "+15005550006")
    telnyx.settle()
    one = http.post(
        "/fax_applications",
        json={"application_name": "Mine", "webhook_event_url": "https://x.example"},
    ).json()["data"]["id"]
    for method, path in (
        ("GET", f"/faxes/{fax}"),
        (
            "GET",
            "/faxes?page[size]=5&filter[direction][eq]=inbound&filter[created_at][gt]=2020-01-01T00:00:00Z",
        ),
        ("POST", f"/faxes/{fax}/actions/refresh"),
        ("POST", f"/faxes/{fax}/actions/cancel"),
        ("DELETE", f"/faxes/{fax}"),
        ("DELETE", f"/faxes/{fax}"),
        ("GET", "/fax_applications?page[size]=1&sort=created_at"),
        ("GET", f"/fax_applications/{one}"),
        ("DELETE", f"/fax_applications/{one}"),
    ):
        http.request(method, path)
    create(http, telnyx, to="x")
    create(http, telnyx).json()
    statuses = set()
    for exchange in telnyx.journal:
        if exchange.status < 300:
            body = exchange.json if exchange.body else None
            openapi.check_request(exchange.method, exchange.path, exchange.query, body)
        openapi.check_answer(exchange.method, exchange.path, exchange.status, exchange.answer)
        statuses.add(exchange.status)

    assert statuses == {200, 201, 202, 204, 404, 422}


@needs_file
@pytest.mark.parametrize(
    "check",
    [
        lambda: openapi.check_request(
            "POST", "/v2/faxes", [], {**BODY, "connection_id": "1", "ttl": 5}
        ),
        lambda: openapi.check_request("POST", "/v2/faxes", [], {**BODY}),
        lambda: openapi.check_request(
            "POST", "/v2/faxes", [], {**BODY, "connection_id": "1", "quality": "fine"}
        ),
        lambda: openapi.check_request("GET", "/v2/faxes", [("filter[status][eq]", "x")], None),
        lambda: openapi.check_request("GET", "/v2/faxes", [("size", "1")], None),
        lambda: openapi.check_request("GET", "/v2/fax", [], None),
        lambda: openapi.check_answer("GET", "/v2/faxes/x", 200, b'{"data": {"status": "busy"}}'),
        lambda: openapi.check_answer("GET", "/v2/faxes/x", 404, b'{"errors": [{"code": 7}]}'),
    ],
)
def test_the_judge_can_say_no(check):
    """What the published file does not allow is found."""
    with pytest.raises(jsonschema.ValidationError):
        check()
