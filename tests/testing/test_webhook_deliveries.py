"""``GET /webhook_deliveries``: every event that was delivered or given up, with its attempts."""

import pytest

from tests.testing.helpers import NOBODY, Inbox, code_of, post
from twilio_fax_compat.testing import TelnyxEmulator


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator(webhook_attempts=2, webhook_backoff=0.01) as telnyx:
        yield telnyx


def records(http, **query):
    answer = http.get("/webhook_deliveries", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_a_record_has_the_event_and_its_attempts(http, telnyx):
    """Attempts come newest first, and ``webhook`` is what stands under ``data`` of the webhook."""
    with Inbox(500) as inbox:
        post(http, telnyx, webhook_url=inbox.url)
        telnyx.flush_webhooks()
    (record,) = records(http)

    assert record["webhook"] == telnyx.events[0]
    assert (record["record_type"], record["status"]) == ("webhook_delivery", "delivered")
    second, first = record["attempts"]
    assert (first["status"], first["http"]["response"]["status"]) == ("failed", 500)
    assert first["errors"][0] >= 75000
    assert (second["status"], second["errors"]) == ("delivered", [])
    assert second["http"]["request"]["url"] == inbox.url
    assert ["user-agent", "telnyx-webhooks"] in second["http"]["request"]["headers"]
    assert record["started_at"] <= record["finished_at"]
    assert http.get(f"/webhook_deliveries/{record['id']}").json() == {"data": record}
    assert code_of(http.get(f"/webhook_deliveries/{NOBODY}")) == (404, "10005")


def test_an_event_that_nobody_took_has_failed(http, telnyx):
    """An attempt without an answer has no response; a record comes after the last attempt."""
    post(http, telnyx, webhook_url="http://127.0.0.1:1/")
    telnyx.flush_webhooks()
    (record,) = records(http)

    assert record["status"] == "failed"
    assert [attempt["status"] for attempt in record["attempts"]] == ["failed", "failed"]
    assert "response" not in record["attempts"][0]["http"]
    telnyx.reset()
    assert records(http) == []


def test_filters(http, telnyx):
    """Status, event types, text and times select; what is not documented is refused."""
    with Inbox() as inbox:
        post(http, telnyx, webhook_url=inbox.url)
        telnyx.settle()
        telnyx.flush_webhooks()
    telnyx.advance(60)
    post(http, telnyx, webhook_url="http://127.0.0.1:1/lost")
    telnyx.flush_webhooks()

    def types(**query):
        return [record["webhook"]["event_type"] for record in records(http, **query)]

    assert types(**{"filter[status][eq]": "failed"}) == ["fax.queued"]
    assert len(types(**{"filter[status][eq]": "delivered"})) == 4
    assert sorted(types(**{"filter[event_type]": "fax.delivered,fax.queued"})) == [
        "fax.delivered",
        *["fax.queued"] * 2,
    ]
    assert types(**{"filter[attempts][contains]": "/lost"}) == ["fax.queued"]
    assert types(**{"filter[webhook][contains]": "page_count"}) == ["fax.delivered"]
    last = records(http)[0]["started_at"]
    assert types(**{"filter[started_at][gte]": last}) == ["fax.queued"]
    assert len(types(**{"filter[finished_at][lte]": last})) >= 4
    for query in ({"filter[status][eq]": "lost"}, {"filter[color]": "red"}):
        assert code_of(http.get("/webhook_deliveries", params=query)) == (422, "10031")


def test_pages(http, telnyx):
    """Pages have Telnyx's ``meta``."""
    for _ in range(5):
        post(http, telnyx, webhook_url="http://127.0.0.1:1/")
    telnyx.flush_webhooks()
    page = {"page[size]": 2, "page[number]": 3}
    answer = http.get("/webhook_deliveries", params=page).json()

    assert len(answer["data"]) == 1
    assert answer["meta"] == {
        "page_number": 3,
        "page_size": 2,
        "total_pages": 3,
        "total_results": 5,
    }
