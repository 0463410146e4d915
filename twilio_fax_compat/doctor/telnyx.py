"""Asks Telnyx what a check needs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import define, field

from twilio_fax_compat._core.doctor.checks import Answer
from twilio_fax_compat._core.messages import Failure, Send, TelnyxRequest, TelnyxResponse

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
        return self._answer(path, ())

    def all(self, path: str, *query: tuple[str, str]) -> Answer:
        """Return the items of a list, of at most some pages."""
        items: list[Any] = []
        for number in range(1, _PAGES + 1):
            paging = (("page[number]", str(number)), ("page[size]", str(_PAGE_SIZE)))
            answer = self._answer(path, (*query, *paging))
            if not isinstance(answer.data, list):
                return answer if number == 1 else Answer(200, items, is_complete=False)
            items += answer.data
            if len(answer.data) < _PAGE_SIZE:
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

    def _answer(self, path: str, query: tuple[tuple[str, str], ...]) -> Answer:
        outcome = self.send(TelnyxRequest("GET", path, query, timeout=TIMEOUT))
        if isinstance(outcome, Failure):
            self.failure = outcome
            return Answer(0, error=outcome.summary)
        self.date = _date_of(outcome) or self.date
        try:
            body = json.loads(outcome.body)
        except (ValueError, RecursionError):
            body = None
        data = body.get("data") if isinstance(body, dict) else None
        if outcome.status != 200 or data is None:
            text = "" if outcome.status != 200 else "an answer without data"
            return Answer(outcome.status if outcome.status != 200 else 0, error=text)
        return Answer(200, data)


def _date_of(response: TelnyxResponse) -> datetime | None:
    try:
        date = parsedate_to_datetime(response.headers.get("date") or "")
    except (TypeError, ValueError, IndexError):
        return None
    return date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date
