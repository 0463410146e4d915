"""Asks Telnyx what a check needs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from attrs import define, field

from twilio_fax_compat._core.doctor.checks import Answer
from twilio_fax_compat._core.fax_api.reading import readable_list
from twilio_fax_compat._core.messages import Failure, Outcome, Send, TelnyxRequest
from twilio_fax_compat._core.translation.times import parse_http_date

TIMEOUT = 15.0
"""Seconds for each question."""

_PAGES, _PAGE_SIZE = 4, 250


@define(eq=False)
class Questions:
    """Asks questions with *send*. *date* is Telnyx's clock at the last answer, None if unknown."""

    send: Send
    date: datetime | None = None
    failure: Failure | None = field(default=None)

    def one(self, path: str) -> Answer:
        """Return the resource at *path*."""
        return _answer_of(self._outcome(path, ()))

    def all(self, path: str, *query: tuple[str, str]) -> Answer:
        """Return the items of a list, of at most some pages."""
        items: list[Any] = []
        for number in range(1, _PAGES + 1):
            paging = (("page[number]", str(number)), ("page[size]", str(_PAGE_SIZE)))
            outcome = self._outcome(path, (*query, *paging))
            page = readable_list(outcome)
            if page is None:
                return Answer(200, items, is_complete=False) if items else _answer_of(outcome)
            items += page[0]
            if page[1]:
                return Answer(200, items)
        return Answer(200, items, is_complete=False)

    def failed_deliveries(self, now: datetime) -> Answer:
        """Return the webhooks of the last day that Telnyx could not deliver."""
        since = (now - timedelta(days=1)).astimezone(timezone.utc)
        return self.all(
            "/webhook_deliveries",
            ("filter[status][eq]", "failed"),
            ("filter[started_at][gte]", since.strftime("%Y-%m-%dT%H:%M:%SZ")),
        )

    def _outcome(self, path: str, query: tuple[tuple[str, str], ...]) -> Outcome:
        outcome = self.send(TelnyxRequest("GET", path, query, timeout=TIMEOUT))
        if isinstance(outcome, Failure):
            self.failure = outcome
        else:
            self.date = parse_http_date(outcome.headers.get("date")) or self.date
        return outcome


def _answer_of(outcome: Outcome) -> Answer:
    if isinstance(outcome, Failure):
        return Answer(0, error=outcome.summary)
    if outcome.status != 200:
        return Answer(outcome.status)
    data = (outcome.json() or {}).get("data")
    return Answer(0, error="an answer without data") if data is None else Answer(200, data)
