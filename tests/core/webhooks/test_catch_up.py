"""Telnyx's list of deliveries is read leniently, completely and by Telnyx's clock."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from twilio_fax_compat._core.effects import Elapsed, Now, Pause, run
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.messages import Failure, TelnyxRequest, TelnyxResponse, TwilioResponse
from twilio_fax_compat._core.webhooks.catch_up import deliver_missed, missed_events, read_record

FAX = "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e"
NOW = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def record(number, event_id=None, **changes):
    """Return a record whose event occurred *number* minutes after eleven."""
    return {
        "id": f"d{number}",
        "record_type": "webhook_delivery",
        "status": "failed",
        "started_at": f"2026-07-01T11:{number:02}:01.000000Z",
        "webhook": {
            "record_type": "event",
            "event_type": "fax.queued",
            "id": event_id or f"e{number}",
            "occurred_at": f"2026-07-01T11:{number:02}:00.000000Z",
            "payload": {"fax_id": FAX, "direction": "outbound", "connection_id": "7"},
        },
        "attempts": [
            {"http": {"request": {"url": "https://failover.example/fax"}}},
            {"http": {"request": {"url": "https://app.example/fax"}}},
        ],
        **changes,
    }


class Telnyx:
    """A list that is not our emulator's: *records* in its order, changed by *after* each page."""

    def __init__(self, records, meta=True, date="Wed, 01 Jul 2026 12:00:00 GMT", after=None):
        self.records = list(records)
        self.meta, self.date, self.after = meta, date, after
        self.queries = []
        self.ignores_pages = False
        self.seconds, self.pace = 1000.0, 0.01

    def __call__(self, effect):
        if isinstance(effect, Now):
            return NOW - timedelta(days=2)
        if isinstance(effect, Pause):
            return None
        if isinstance(effect, Elapsed):
            self.seconds += self.pace
            return self.seconds
        query = dict(effect.query)
        self.queries.append(query)
        number, size = int(query["page[number]"]), int(query["page[size]"])
        if self.ignores_pages:
            number = 1
        page = self.records[(number - 1) * size : number * size]
        body = {"data": page}
        if self.meta:
            total = len(self.records)
            body["meta"] = {
                "page_number": number,
                "page_size": size,
                "total_pages": -(-total // size),
                "total_results": total,
            }
        if self.after and len(query) > 2:
            self.after(self, len(self.queries))
        headers = {"date": self.date} if self.date else {}
        return TelnyxResponse(200, headers, json.dumps(body).encode())


def read(telnyx, **options):
    options = {"page_size": 2, **options}
    return run(missed_events(HOUR, RetryPolicy(), **options), telnyx)


def ids(missed):
    return [each.event.id for each in missed.events]


@pytest.mark.parametrize("meta", [True, False])
@pytest.mark.parametrize("newest_first", [True, False])
def test_all_pages_are_read_and_sorted(meta, newest_first):
    """The events come in the order in which they occurred, whatever the order of the list."""
    records = [record(number) for number in range(7)]
    missed = read(Telnyx(records[::-1] if newest_first else records, meta))

    assert ids(missed) == [f"e{number}" for number in range(7)]
    assert missed.is_complete


def test_the_time_limit_is_that_of_a_page():
    """A long list takes longer than one call may."""
    policy = RetryPolicy(budget=35)
    telnyx = Telnyx([record(number) for number in range(20)])
    telnyx.pace = 10
    missed = run(missed_events(HOUR, policy, page_size=1), telnyx)

    assert len(missed.events) == 20
    assert telnyx.seconds > 1000 + 35 * 3


def test_each_event_comes_once():
    """An event with two records is one event; the record with a URL wins."""
    records = [record(1, "same", attempts=None), record(2, "same"), record(3)]
    missed = read(Telnyx(records))

    assert ids(missed) == ["same", "e3"]
    assert missed.events[0].url == "https://app.example/fax"


def test_the_period_is_of_telnyxs_clock():
    """The bounds come from the ``Date`` of Telnyx, and from our clock only without it."""
    telnyx = Telnyx([])
    read(telnyx)
    assert telnyx.queries[1]["filter[started_at][gte]"] == "2026-07-01T11:00:00.000000Z"
    assert telnyx.queries[1]["filter[started_at][lte]"] == "2026-07-01T12:00:01.000000Z"
    assert telnyx.queries[1]["filter[status][eq]"] == "failed"
    without = Telnyx([], date=None)
    read(without, include_delivered=True)
    assert without.queries[1]["filter[started_at][gte]"] == "2026-06-29T11:00:00.000000Z"
    assert "filter[status][eq]" not in without.queries[1]


def test_a_list_that_becomes_shorter_is_read_again():
    """A record that leaves the list moves others to a page that was read already."""

    def forget_the_first(telnyx, count):
        if count == 2:
            del telnyx.records[0]

    missed = read(Telnyx([record(number) for number in range(5)], after=forget_the_first))

    assert ids(missed) == [f"e{number}" for number in range(5)]
    assert missed.is_complete


def test_a_list_that_never_rests_is_said_to_be_incomplete():
    """The reading ends, and says that events may be missing."""

    def keep_shrinking(telnyx, _count):
        del telnyx.records[0]

    assert not read(Telnyx([record(n) for n in range(30)], after=keep_shrinking)).is_complete


def test_a_server_that_ignores_pages_is_no_endless_loop():
    """A page that brings nothing new is the last one."""
    telnyx = Telnyx([record(1), record(2)], meta=False)
    telnyx.ignores_pages = True

    assert ids(read(telnyx)) == ["e1", "e2"]
    assert len(telnyx.queries) == 3


def test_events_of_other_applications_are_left_out():
    """A connection id selects; an event without one is taken."""
    other, unknown = record(1), record(2)
    other["webhook"]["payload"]["connection_id"] = "8"
    del unknown["webhook"]["payload"]["connection_id"]
    missed = read(Telnyx([other, unknown, record(3)]), connection_id="7")

    assert (ids(missed), missed.of_others) == (["e2", "e3"], 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook": None},
        {"webhook": {"event_type": "fax.queued"}},
        {"webhook": {**record(1)["webhook"], "id": ""}},
        {"webhook": {**record(1)["webhook"], "event_type": "message.sent"}},
        {"webhook": {**record(1)["webhook"], "payload": {"fax_id": "x"}}},
    ],
)
def test_what_is_no_fax_event_is_counted(changes):
    """A record that cannot be delivered does not stop the others."""
    missed = read(Telnyx([record(1, **changes), record(2)]))

    assert (ids(missed), missed.unreadable) == (["e2"], 1)


@pytest.mark.parametrize(
    ("attempts", "url"),
    [
        (None, None),
        ([], None),
        ([None, {"http": None}, {"http": {"request": {"url": "ftp://x"}}}], None),
        ([{"http": {"request": {"url": "https://a.example/"}}}, {}], "https://a.example/"),
    ],
)
def test_attempts_are_read_leniently(attempts, url):
    """The URL is that of the oldest attempt that has one."""
    missed = read_record(record(1, attempts=attempts))

    assert missed.url == url
    assert missed.event.delivered_to == url
    assert json.loads(missed.body)["data"] == record(1)["webhook"]


def test_an_enveloped_event_is_read():
    """A record may hold the whole webhook; an event without a time is sorted by its delivery."""
    enveloped = record(3)
    enveloped["webhook"] = {"data": enveloped["webhook"], "meta": {"attempt": 1}}
    timeless = record(2)
    del timeless["webhook"]["occurred_at"]

    assert ids(read(Telnyx([record(5), enveloped, timeless]))) == ["e2", "e3", "e5"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (TelnyxResponse(401, {}, b'{"errors": []}'), 401),
        (TelnyxResponse(200, {}, b"<html>"), 502),
        (TelnyxResponse(404, {}, b""), 404),
        (Failure(sent=False, summary="refused"), 503),
    ],
)
@pytest.mark.parametrize("page", [0, 1])
def test_errors_are_twilios(outcome, status, page):
    """An answer without a list is an error of Twilio's kind, on whichever page it comes."""
    telnyx = Telnyx([record(1)])

    def perform(effect):
        if not isinstance(effect, TelnyxRequest):
            return telnyx(effect)
        return outcome if len(telnyx.queries) >= page else telnyx(effect)

    answer = read(perform)
    assert isinstance(answer, TwilioResponse)
    assert answer.status == status


def deliver(events, refuse):
    """Return the results, and the posts in order; *refuse* is called with an id and its attempt."""
    posts = []

    def perform(effect):
        if isinstance(effect, Pause):
            return None
        event_id = effect.missed.event.id
        posts.append(event_id)
        return 503 if refuse(event_id, posts.count(event_id)) else 200

    return run(deliver_missed(events), perform), posts


def test_later_events_of_a_fax_wait_for_a_refused_one():
    """The order stays; in the last attempt each event is posted all the same."""
    events = [read_record(record(number)) for number in (1, 2)]
    other = record(3)
    other["webhook"]["payload"]["fax_id"] = "7" + FAX[1:]
    events.append(read_record(other))

    results, posts = deliver(events, lambda event_id, attempt: event_id == "e1" and attempt < 2)
    assert (results, posts) == (["accepted"] * 3, ["e1", "e3", "e1", "e2"])
    results, posts = deliver(events, lambda event_id, _attempt: event_id == "e1")
    assert results == ["refused", "accepted", "accepted"]
    assert posts == ["e1", "e3", "e1", "e1", "e2"]


def test_an_event_without_a_url_is_not_posted():
    """It has nowhere to go, and does not stop the others."""
    events = [read_record(record(1, attempts=None)), read_record(record(2))]

    assert deliver(events, lambda *_: False) == (["no-url", "accepted"], ["e2"])
