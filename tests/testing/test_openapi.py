"""The emulator, and whoever speaks to it, keep to Telnyx's published OpenAPI file."""

import json

import jsonschema
import pytest

from tests.testing import _openapi
from tests.testing.helpers import NOBODY, NUMBER, OTHER, body_of, post
from twilio_fax_compat.testing import faults

pytestmark = pytest.mark.skipif(not _openapi.is_available(), reason=_openapi.WHERE)

FAX = {"connection_id": "1", "to": OTHER, "from": NUMBER, "media_url": "https://x.example/a.pdf"}
APPLICATION = {"application_name": "Mine", "webhook_event_url": "https://x.example"}


def test_every_answer_matches_the_published_file(http, telnyx):
    """Requests and answers of all operations, errors included, validate."""
    fax = post(http, telnyx, store_media=True, store_preview=True, client_state="aGk=")
    telnyx.settle()
    post(http, telnyx, to="+15005550001")
    arrived = telnyx.receive(OTHER, NUMBER)
    telnyx.settle()
    under_way = post(http, telnyx)
    one = http.post("/fax_applications", json=APPLICATION).json()["data"]["id"]
    for method, path, body in (
        ("GET", f"/faxes/{fax}", None),
        ("GET", f"/faxes/{arrived}", None),
        ("GET", f"/faxes/{NOBODY}", None),
        ("GET", "/faxes?page[size]=5&filter[direction][eq]=inbound", None),
        ("GET", "/faxes?filter[created_at][gt]=2020-01-01T00:00:00Z", None),
        ("GET", "/faxes?page[number]=0", None),
        ("POST", f"/faxes/{fax}/actions/refresh", None),
        ("POST", f"/faxes/{under_way}/actions/cancel", None),
        ("POST", f"/faxes/{fax}/actions/cancel", None),
        ("POST", f"/faxes/{arrived}/actions/cancel", None),
        ("POST", f"/faxes/{NOBODY}/actions/cancel", None),
        ("POST", "/faxes", body_of(telnyx, to="x")),
        ("DELETE", f"/faxes/{fax}", None),
        ("DELETE", f"/faxes/{fax}", None),
        ("GET", "/fax_applications?page[size]=1&sort=created_at", None),
        ("GET", "/fax_applications?sort=size", None),
        ("GET", f"/fax_applications/{one}", None),
        ("PATCH", f"/fax_applications/{one}", {**APPLICATION, "active": False}),
        ("PATCH", f"/fax_applications/{one}", {}),
        ("DELETE", f"/fax_applications/{one}", None),
        ("DELETE", f"/fax_applications/{one}", None),
    ):
        http.request(method, path, json=body)
    for status in (429, 500):
        telnyx.inject(faults.error(status))
        http.get("/faxes")
    http.get("/faxes", headers={"Authorization": "Bearer wrong"})
    statuses = set()
    for exchange in telnyx.journal:
        method, path, status = exchange.method, exchange.path, exchange.status
        if status < 300:
            _openapi.validate_telnyx_request(method, path, exchange.query, exchange.json)
        answer = json.loads(exchange.answer) if exchange.answer else None
        _openapi.validate_telnyx_response(method, path, status, answer)
        statuses.add(status)

    assert statuses == {200, 201, 202, 204, 400, 401, 404, 422, 429, 500}


def test_every_event_matches_the_published_file(http, telnyx):
    """The events of both directions validate, those of failures too."""
    post(http, telnyx, client_state="aGk=")
    post(http, telnyx, to="+15005550001")
    telnyx.receive(OTHER, NUMBER)
    telnyx.settle()
    meta = {"attempt": 1, "delivered_to": "https://x.example/hook"}
    for event in telnyx.events:
        _openapi.validate_telnyx_event({"data": event, "meta": meta})

    assert len({event["event_type"] for event in telnyx.events}) == 8


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("POST", "/v2/faxes", [], {**FAX, "ttl": 5}),
        ("POST", "/v2/faxes", [], {"to": OTHER, "from": NUMBER}),
        ("POST", "/v2/faxes", [], {**FAX, "quality": "fine"}),
        ("POST", "/v2/faxes", [], {**FAX, "store_media": "true"}),
        ("GET", "/v2/faxes", [("filter[status][eq]", "x")], None),
        ("GET", "/v2/faxes", [("size", "1")], None),
        ("GET", "/v2/fax", [], None),
        ("POST", "/v2/fax_applications", [], {"application_name": "Mine"}),
    ],
)
def test_a_wrong_request_is_found(method, path, query, body):
    """The judge says no to a request that the file does not allow."""
    with pytest.raises(jsonschema.ValidationError):
        _openapi.validate_telnyx_request(method, path, query, body)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/v2/faxes/x", 200, {"data": {"status": "busy"}}),
        ("/v2/faxes/x", 200, {"data": {"record_type": "fax", "id": "FX1"}}),
        ("/v2/faxes/x", 200, {"data": {"created_at": "2020-05-05T09:59:12"}}),
        ("/v2/faxes", 200, {"data": [{"created_at": "yesterday"}]}),
        ("/v2/faxes/x", 404, {"errors": [{"code": 7, "title": "x"}]}),
        ("/v2/faxes/x", 404, {"errors": [{"code": "7"}]}),
        ("/v2/fax_applications/x", 422, {}),
    ],
)
def test_a_wrong_answer_is_found(path, status, body):
    """The judge says no to an answer that the file does not allow."""
    with pytest.raises(jsonschema.ValidationError):
        _openapi.validate_telnyx_response("GET", path, status, body)


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_type": "fax.queued", "payload": {"status": "sending"}},
        {"event_type": "fax.delivered", "payload": {"page_count": "two"}},
        {"event_type": "fax.received", "occurred_at": "now"},
        {"event_type": "fax.received", "id": 7},
        {"event_type": "fax.queued", "record_type": "fax.event"},
    ],
)
def test_a_wrong_event_is_found(wrong):
    """The judge says no to an event that the file does not allow."""
    event = {"record_type": "event", "id": NOBODY, "payload": {}, **wrong}
    with pytest.raises(jsonschema.ValidationError):
        _openapi.validate_telnyx_event({"data": event, "meta": {"attempt": 1}})
