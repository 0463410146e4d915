"""
The faxes and what becomes of them, driven by a virtual clock.

Statuses and their order: https://github.com/team-telnyx/openapi (schema ``Fax``). Events:
https://developers.telnyx.com/docs/programmable-fax/receiving-webhooks.
"""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from threading import RLock
from time import monotonic
from typing import Any, Callable, Mapping, Sequence
from uuid import uuid4

from attrs import define, field

from twilio_fax_compat.testing.clock import Clock, iso

OUTBOUND = ("queued", "media.processed", "originated", "sending")
INBOUND = ("initiated", "receiving", "media.processing")
FINAL = frozenset({"delivered", "received", "failed"})

SECONDS: Mapping[str, float] = {
    "queued": 2.0,
    "media.processed": 1.0,
    "originated": 6.0,
    "sending": 30.0,
    "initiated": 3.0,
    "receiving": 30.0,
    "media.processing": 2.0,
}
"""How long a fax stays in each status; ``sending`` and ``receiving`` for each page."""

EVENTS: Mapping[str, str] = {
    "queued": "fax.queued",
    "media.processed": "fax.media.processed",
    "sending": "fax.sending.started",
    "delivered": "fax.delivered",
    "failed": "fax.failed",
    "receiving": "fax.receiving.started",
    "media.processing": "fax.media.processing.started",
    "received": "fax.received",
}

_DOCUMENT_REASONS = frozenset(
    {
        "file_size_limit_exceeded",
        "page_count_limit_exceeded",
        "file_download_failed",
        "file_format_invalid",
        "media_processing_exception",
        "no_outbound_profile",
        "account_disabled",
    }
)
_LINE_REASONS = frozenset(
    {
        "fax_signaling_error",
        "invalid_ecm_response_from_receiver",
        "receiver_call_dropped",
        "carrier_lost",
        "sender_call_dropped",
        "sender_canceled",
    }
)


@define
class Fax:
    """A fax: its public *resource*, and what only the emulator knows of it."""

    resource: dict[str, Any] = field(repr=False)
    created: datetime
    outcome: str
    pages: int
    visible_from: float = 0.0
    held: bool = False
    turn: int = 0
    encoded: bytes | None = field(default=None, repr=False)
    connected: datetime | None = None

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def status(self) -> str:
        return str(self.resource["status"])

    @property
    def is_inbound(self) -> bool:
        return bool(self.resource["direction"] == "inbound")

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def change(self, **changes: Any) -> None:
        """Change the resource."""
        self.resource.update(changes)
        self.encoded = None

    def as_json(self) -> bytes:
        """Return the resource as JSON text."""
        if self.encoded is None:
            self.encoded = json.dumps(self.resource).encode()
        return self.encoded


@define
class Machine:
    """All faxes. *announce* is called with each event, *link* makes the URL of stored media."""

    clock: Clock
    announce: Callable[[Fax, dict[str, Any]], None]
    link: Callable[[Fax], str]
    tells_reason: bool = True
    cancel_delay: float = 0.0
    user_id: str = field(factory=lambda: str(uuid4()))
    holding: bool = False
    outcomes: dict[str, str] = field(factory=dict)
    lock: RLock = field(factory=RLock, repr=False)
    _faxes: dict[str, Fax] = field(factory=dict, repr=False)
    _order: list[Fax] = field(factory=list, repr=False)
    _times: list[datetime] = field(factory=list, repr=False)
    _due: list[tuple[datetime, int, int, Fax]] = field(factory=list, repr=False)
    _sequence: int = 0

    def add(self, resource: dict[str, Any], pages: int, list_lag: float = 0.0) -> Fax:
        """Take a new fax, whose *resource* lacks what Telnyx adds."""
        with self.lock:
            created = self.clock.stamp()
            inbound = resource["direction"] == "inbound"
            stamp = iso(created)
            resource = {
                "record_type": "fax",
                "id": str(uuid4()),
                **resource,
                "status": "initiated" if inbound else "queued",
                "created_at": stamp,
                "updated_at": stamp,
            }
            if self.tells_reason:
                resource["failure_reason"] = None
            number = resource["from" if inbound else "to"]
            good = "received" if inbound else "delivered"
            outcome = self.outcomes.get(number, good)
            fax = Fax(resource, created, outcome, pages, held=self.holding)
            if list_lag:
                fax.visible_from = monotonic() + list_lag
            self._faxes[fax.id] = fax
            self._order.append(fax)
            self._times.append(created)
            if not inbound:
                self._announce(fax, created)
            self._plan(fax, created)
            return fax

    def get(self, fax_id: str) -> Fax | None:
        """Return a fax, or None."""
        return self._faxes.get(fax_id)

    def remove(self, fax_id: str) -> bool:
        """Delete a fax and tell whether it was there."""
        with self.lock:
            fax = self._faxes.pop(fax_id, None)
            if fax is None:
                return False
            fax.turn += 1
            place = self._order.index(fax)
            del self._order[place], self._times[place]
            return True

    def all(self) -> list[Fax]:
        """Return all faxes in the order of their creation."""
        with self.lock:
            return list(self._order)

    def between(
        self,
        after: datetime | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Fax]:
        """Return the faxes created in that time, *since* and *until* included."""
        with self.lock:
            start, end = 0, len(self._times)
            if after is not None:
                start = max(start, bisect_right(self._times, after))
            if since is not None:
                start = max(start, bisect_left(self._times, since))
            if before is not None:
                end = min(end, bisect_left(self._times, before))
            if until is not None:
                end = min(end, bisect_right(self._times, until))
            return self._order[start:end]

    def run_due(self) -> None:
        """Let everything happen whose time has come."""
        due = self._due
        if not due or due[0][0] > self.clock.now():
            return
        with self.lock:
            now = self.clock.now()
            while due and due[0][0] <= now:
                moment, _, turn, fax = heapq.heappop(due)
                if turn == fax.turn:
                    self._next(fax, moment)

    def settle(self) -> None:
        """Move the time on until every fax that is not held is final."""
        with self.lock:
            while self._due:
                ahead = (self._due[0][0] - self.clock.now()).total_seconds()
                if ahead > 0:
                    self.clock.advance(ahead + 1e-6)
                self.run_due()

    def step(self, fax: Fax) -> None:
        """Take a fax to its next status now."""
        with self.lock:
            if not fax.is_final:
                self._next(fax, self.clock.stamp())

    def finish(self, fax: Fax, outcome: str | None = None) -> None:
        """Take a fax through all its statuses to *outcome* now."""
        with self.lock:
            if outcome is not None:
                fax.outcome = outcome
            while not fax.is_final:
                self._next(fax, self.clock.stamp())

    def fail(self, fax: Fax, reason: str) -> None:
        """End a fax as failed now, for *reason*."""
        with self.lock:
            if not fax.is_final:
                fax.outcome = reason
                self._end(fax, self.clock.stamp())

    def release(self) -> None:
        """Let held faxes go on."""
        with self.lock:
            self.holding = False
            for fax in self._order:
                if fax.held:
                    fax.held = False
                    if not fax.is_final:
                        self._plan(fax, self.clock.now())

    def cancel(self, fax: Fax) -> None:
        """Accept a cancellation, which takes hold after the delay."""
        with self.lock:
            fax.outcome = "sender_canceled"
            fax.turn += 1
            if self.cancel_delay <= 0:
                self._end(fax, self.clock.stamp())
            else:
                self._push(fax, self.clock.now() + timedelta(seconds=self.cancel_delay))

    def _plan(self, fax: Fax, moment: datetime) -> None:
        fax.turn += 1
        if fax.held:
            return
        seconds = SECONDS[fax.status]
        if fax.status in ("sending", "receiving"):
            seconds *= fax.pages
        self._push(fax, moment + timedelta(seconds=seconds))

    def _push(self, fax: Fax, moment: datetime) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (moment, self._sequence, fax.turn, fax))

    def _next(self, fax: Fax, moment: datetime) -> None:
        stages = INBOUND if fax.is_inbound else OUTBOUND
        place = stages.index(fax.status)
        if self._fails_here(fax) or place + 1 == len(stages):
            self._end(fax, moment)
            return
        fax.change(status=stages[place + 1], updated_at=iso(moment))
        if fax.status in ("sending", "receiving"):
            fax.connected = moment
        if fax.status == "media.processed" and fax.resource.get("store_media"):
            fax.change(stored_media_url=self.link(fax))
        self._announce(fax, moment)
        self._plan(fax, moment)

    @staticmethod
    def _fails_here(fax: Fax) -> bool:
        if fax.outcome in ("delivered", "received"):
            return False
        if fax.outcome == "sender_canceled" and not fax.is_inbound:
            return True
        if fax.outcome in _DOCUMENT_REASONS:
            return True
        if fax.outcome in _LINE_REASONS:
            return fax.status in ("sending", "receiving")
        return fax.status in ("originated", "receiving", "sending")

    def _end(self, fax: Fax, moment: datetime) -> None:
        fax.turn += 1
        good = "received" if fax.is_inbound else "delivered"
        if fax.outcome in ("delivered", "received"):
            fax.change(status=good, updated_at=iso(moment))
            if fax.is_inbound:
                fax.change(media_url=self.link(fax))
        else:
            fax.change(status="failed", updated_at=iso(moment))
            if self.tells_reason:
                fax.change(failure_reason=fax.outcome)
        self._announce(fax, moment)

    def _announce(self, fax: Fax, moment: datetime) -> None:
        name = EVENTS.get(fax.status)
        if name is None:
            return
        self.announce(
            fax,
            {
                "record_type": "event",
                "event_type": name,
                "id": str(uuid4()),
                "occurred_at": iso(moment),
                "payload": self._event_payload(fax, moment),
            },
        )

    def _event_payload(self, fax: Fax, moment: datetime) -> dict[str, Any]:
        resource = fax.resource
        payload = {
            "fax_id": fax.id,
            "connection_id": resource["connection_id"],
            "direction": resource["direction"],
            "from": resource["from"],
            "to": resource["to"],
            "status": fax.status,
            "user_id": self.user_id,
        }
        if fax.is_inbound:
            payload["caller_id"] = resource["from"]
        elif resource.get("media_name"):
            payload["media_name"] = resource["media_name"]
        elif resource.get("media_url"):
            payload["original_media_url"] = resource["media_url"]
        if resource.get("client_state"):
            payload["client_state"] = resource["client_state"]
        if fax.status in ("delivered", "received", "media.processing"):
            payload["page_count"] = fax.pages
        if fax.status in ("delivered", "received"):
            began = fax.connected or moment
            payload["call_duration_secs"] = int((moment - began).total_seconds())
        if fax.status == "received":
            payload["partial_content"] = False
            payload["media_url"] = resource["media_url"]
        if fax.status == "failed":
            payload["failure_reason"] = fax.outcome
        return payload
