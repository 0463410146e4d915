"""
Read the events that an application missed from Telnyx's list of webhook deliveries.

The list: https://developers.telnyx.com/api-reference/webhooks/list-webhook-deliveries. Every field of a
record may be missing. The order of the list is not documented, so events are sorted here.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import (
    Any,
    Dict,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)
from urllib.parse import urlsplit

from attrs import field, frozen

from twilio_fax_compat._core.effects import Effect, Elapsed, Now, Pause
from twilio_fax_compat._core.fax_api.reading import error_of
from twilio_fax_compat._core.fax_api.retries import RetryPolicy, repeated
from twilio_fax_compat._core.messages import (
    JSON,
    Failure,
    Outcome,
    TelnyxRequest,
    TelnyxResponse,
    TwilioResponse,
)
from twilio_fax_compat._core.translation.times import parse_http_date, parse_timestamp, utc_text
from twilio_fax_compat._core.webhooks.events import EVENT_STATUSES, FaxEvent, read_event

PATH = "/webhook_deliveries"

PAGE_SIZE = 100

PASSES = 5
"""How often the list is read again at most, if it became shorter while it was read."""

PAUSES = (0.0, 1.0, 2.0)
"""Seconds before each attempt to deliver to an application."""

_LAST = datetime.max.replace(tzinfo=timezone.utc)


@frozen
class MissedEvent:
    """
    A fax event of Telnyx's list of deliveries.

    *delivered* is whether Telnyx delivered it. *url* is the URL of the first attempt, None if the record
    has none. *body* is the body of the webhook. *occurred_at* is None if the event does not say.
    """

    event: FaxEvent
    occurred_at: datetime | None
    delivered: bool
    url: str | None = field(repr=False)
    body: bytes = field(repr=False)


Entry = Tuple[datetime, Optional[MissedEvent]]
Entries = Dict[str, Entry]
"""When the event of a record occurred, and the event if it could be read, by the record's id."""


@frozen
class MissedEvents:
    """
    The *events* in the order in which they occurred, each once.

    *of_others* counts the events of other Fax Applications, *unreadable* those without an id or a fax.
    *is_complete* is False if the list kept changing, so that events may be missing here.
    """

    events: Sequence[MissedEvent]
    of_others: int = 0
    unreadable: int = 0
    is_complete: bool = True


def missed_events(
    since: timedelta,
    policy: RetryPolicy,
    *,
    connection_id: str | None = None,
    include_delivered: bool = False,
    page_size: int = PAGE_SIZE,
) -> Generator[Effect, Any, MissedEvents | TwilioResponse]:
    """
    Return the fax events whose delivery started in the last *since*, or Twilio's error.

    *connection_id* selects the events of one Fax Application, None those of all. With
    *include_delivered* the list has the delivered events, too.
    """
    first = yield from _ask({"page[number]": "1", "page[size]": "1"}, policy)
    if _records(first) is None:
        return error_of(first, PATH)
    # Our clock may be wrong by days; the list is kept by Telnyx's.
    now = yield from _now(first)
    query = {
        "filter[event_type]": ",".join(EVENT_STATUSES),
        "filter[started_at][gte]": utc_text(now - since),
        # Later events are still Telnyx's to deliver. The header has whole seconds.
        "filter[started_at][lte]": utc_text(now + timedelta(seconds=1)),
    }
    if not include_delivered:
        query["filter[status][eq]"] = "failed"
    entries: Entries = {}
    is_complete = False
    for _ in range(PASSES):
        shrank = yield from _read_pages(query, page_size, policy, entries)
        if isinstance(shrank, TwilioResponse):
            return shrank
        is_complete = not shrank
        if is_complete:
            break
    return _sorted_events(entries.values(), connection_id, is_complete)


def _read_pages(
    query: Mapping[str, str], page_size: int, policy: RetryPolicy, entries: Entries
) -> Generator[Effect, Any, bool | TwilioResponse]:
    """
    Add all records of the list to *entries*. Return whether the list became shorter meanwhile.

    A record that leaves the list moves later ones to an earlier page, where they would be missed.
    """
    number, first_total = 1, None
    seen: set[str] = set()
    while True:
        pages = {"page[number]": str(number), "page[size]": str(page_size)}
        outcome = yield from _ask({**query, **pages}, policy)
        page = _records(outcome)
        if page is None:
            return error_of(outcome, PATH)
        ids = {_key(record) for record in page}
        total, last_page = _totals(outcome)
        first_total = total if number == 1 else first_total
        shrank = total is not None and first_total is not None and total < first_total
        entries.update((_key(record), _read_entry(record)) for record in page)
        if shrank:
            return True
        # Without `meta` the list ends with an empty page, or with one that was there before.
        if not ids - seen or (last_page is not None and number >= last_page):
            return False
        seen |= ids
        number += 1


def _ask(query: Mapping[str, str], policy: RetryPolicy) -> Generator[Effect, Any, Outcome]:
    """Ask for a page. The limits of *policy* hold for each page, however many there are."""
    began: float = yield Elapsed()
    asking = repeated(TelnyxRequest("GET", PATH, tuple(query.items())), policy)
    result: Any = None
    while True:
        try:
            effect = asking.send(result)
        except StopIteration as end:
            outcome: Outcome = end.value.outcome
            return outcome
        result = yield effect
        if isinstance(effect, Elapsed):
            result -= began


def _now(outcome: Outcome) -> Generator[Effect, Any, datetime]:
    date = None
    if isinstance(outcome, TelnyxResponse):
        date = parse_http_date(outcome.headers.get("date"))
    if date is None:
        date = yield Now()
    return date


def _records(outcome: Outcome) -> list[JSON] | None:
    if isinstance(outcome, Failure) or outcome.status != 200:
        return None
    data = (outcome.json() or {}).get("data")
    if not isinstance(data, list):
        return None
    return [record for record in data if isinstance(record, dict)]


def _totals(outcome: Outcome) -> tuple[int | None, int | None]:
    """Return how many records and how many pages the list has, each None if it does not say."""
    meta = (outcome.json() or {}).get("meta") if isinstance(outcome, TelnyxResponse) else None
    if not isinstance(meta, dict):
        return None, None
    results, pages = meta.get("total_results"), meta.get("total_pages")
    return (
        results if isinstance(results, int) else None,
        pages if isinstance(pages, int) else None,
    )


def _key(record: JSON) -> str:
    record_id = record.get("id")
    return record_id if isinstance(record_id, str) else json.dumps(record, sort_keys=True)


def _read_entry(record: JSON) -> Entry:
    missed = read_record(record)
    moment = missed.occurred_at if missed is not None else None
    return moment or parse_timestamp(record.get("started_at")) or _LAST, missed


def _sorted_events(
    entries: Iterable[Entry], connection_id: str | None, is_complete: bool
) -> MissedEvents:
    events: dict[str, tuple[datetime, MissedEvent]] = {}
    of_others = unreadable = 0
    for moment, missed in entries:
        if missed is None:
            unreadable += 1
            continue
        owner = missed.event.payload.get("connection_id")
        if connection_id is not None and owner is not None and str(owner) != connection_id:
            of_others += 1
            continue
        before = events.get(missed.event.id)
        if before is None or (missed.url is not None and before[1].url is None):
            events[missed.event.id] = moment, missed
    ordered = [missed for _, missed in sorted(events.values(), key=lambda pair: pair[0])]
    return MissedEvents(ordered, of_others, unreadable, is_complete)


def read_record(record: JSON) -> MissedEvent | None:
    """Return the fax event of a record of Telnyx's list, or None if it has none."""
    webhook = record.get("webhook")
    if not isinstance(webhook, dict):
        return None
    enveloped = webhook.get("data")
    event_data = enveloped if isinstance(enveloped, dict) else webhook
    urls = list(_urls(record.get("attempts")))
    # The newest attempt comes first; the oldest went to the URL of the application.
    url = urls[-1] if urls else None
    meta = {"attempt": len(urls) + 1, **({"delivered_to": url} if url else {})}
    envelope = {"data": event_data, "meta": meta}
    event = read_event(envelope)
    if event is None:
        return None
    return MissedEvent(
        event=event,
        occurred_at=parse_timestamp(event_data.get("occurred_at")),
        delivered=record.get("status") == "delivered",
        url=url,
        body=json.dumps(envelope).encode(),
    )


def redirected(missed: MissedEvent, url: str) -> MissedEvent:
    """Return *missed* as an event that was delivered to *url*."""
    envelope = json.loads(missed.body)
    envelope["meta"]["delivered_to"] = url
    event = read_event(envelope)
    assert event is not None  # it was read before
    body = json.dumps(envelope).encode()
    return MissedEvent(event, missed.occurred_at, missed.delivered, url, body)


def _urls(attempts: object) -> Iterator[str]:
    for attempt in attempts if isinstance(attempts, list) else ():
        url: object = attempt
        for name in ("http", "request", "url"):
            url = url.get(name) if isinstance(url, dict) else None
        if isinstance(url, str) and urlsplit(url).scheme in ("http", "https"):
            yield url


@frozen
class Post:
    """Effect: post *missed* to the application; the result is the HTTP status."""

    missed: MissedEvent


def deliver_missed(
    events: Sequence[MissedEvent], pauses: Sequence[float] = PAUSES
) -> Generator[Post | Pause, Any, list[str]]:
    """
    Post *events* to the application, and return a result for each: ``accepted``, ``refused`` or ``no-url``.

    Before each attempt there is one of *pauses*. While an event of a fax is refused, its later events wait,
    so that the order stays; they are posted in the last attempt all the same.
    """
    results = ["no-url" if missed.url is None else "refused" for missed in events]
    for attempt, pause in enumerate(pauses):
        places = [place for place, result in enumerate(results) if result == "refused"]
        if places and pause:
            yield Pause(pause)
        waiting: set[str] = set()
        for place in places:
            missed = events[place]
            if missed.event.fax_id in waiting and attempt < len(pauses) - 1:
                continue
            status = yield Post(missed)
            if status == 200:
                results[place] = "accepted"
            else:
                waiting.add(missed.event.fax_id)
    return results
