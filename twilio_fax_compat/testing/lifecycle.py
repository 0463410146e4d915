"""The life of faxes, driven by a virtual clock."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Callable, Collection, Iterable, Iterator, Mapping

from attrs import define, field

from twilio_fax_compat.testing.clock import Clock, iso, monotonic
from twilio_fax_compat.testing.fax import CANCELLABLE, GOOD, Fax, event_of
from twilio_fax_compat.testing.ids import random_ids
from twilio_fax_compat.testing.index import Bounds, FaxIndex

Announce = Callable[[Fax, "dict[str, Any]"], None]
Link = Callable[[str, str, datetime], str]


@define(eq=False)
class Machine:
    """
    All faxes and their status changes. Every method may be called from any thread.

    *announce* is called with each event. *link* makes a URL from a fax's id, a file name and the time
    from which the URL is valid. *gives_reason*: whether resources have a ``failure_reason``.
    *cancel_delay*: virtual seconds from a cancellation to its effect. *list_lag*: real seconds for which
    lists miss a new fax. *moves_when_read*: whether a read moves a fax to its next status.
    """

    clock: Clock
    announce: Announce
    link: Link
    gives_reason: bool = True
    cancel_delay: float = 0.0
    list_lag: float = 0.0
    holding: bool = False
    moves_when_read: bool = False
    outcomes: dict[str, str] = field(factory=dict)
    lock: RLock = field(factory=RLock, repr=False)
    _ids: Iterator[str] = field(factory=random_ids, repr=False)
    user_id: str = field(init=False)
    _by_id: dict[str, Fax] = field(factory=dict, repr=False)
    _index: FaxIndex = field(factory=FaxIndex, repr=False)
    _due: list[tuple[datetime, int, int, Fax]] = field(factory=list, repr=False)
    _sequence: int = 0

    def __attrs_post_init__(self) -> None:
        self.user_id = next(self._ids)

    def add(
        self,
        resource: Mapping[str, Any],
        pages: int,
        outcome: str | None = None,
        caller_id: str | None = None,
        preview_format: str | None = None,
    ) -> Fax:
        """
        Add a new fax and return it. *resource* lacks the fields that Telnyx adds.

        Without an *outcome* it ends as `outcomes` says for its destination, or else successfully.
        """
        with self.lock:
            created = self.clock.stamp()
            stamp = iso(created)
            inbound = resource["direction"] == "inbound"
            complete = {
                "record_type": "fax",
                "id": next(self._ids),
                **resource,
                "status": "initiated" if inbound else "queued",
                "created_at": stamp,
                "updated_at": stamp,
            }
            if self.gives_reason:
                complete["failure_reason"] = None
            if outcome is None:
                outcome = self.outcomes.get(resource["to"], "received" if inbound else "delivered")
            fax = Fax(
                complete, created, outcome, pages, caller_id or resource["from"], preview_format
            )
            if self.list_lag:
                fax.visible_from = monotonic() + self.list_lag
            self._by_id[fax.id] = fax
            self._index.add(fax)
            self._announce(fax, created)
            self._plan(fax, created)
            return fax

    def get(self, fax_id: str) -> Fax | None:
        """Return a fax, or None."""
        return self._by_id.get(fax_id)

    def remove(self, fax_id: str) -> bool:
        """Delete a fax, which ends its status changes. Return whether it existed."""
        with self.lock:
            fax = self._by_id.pop(fax_id, None)
            if fax is None:
                return False
            fax.plan += 1
            self._index.remove(fax)
            return True

    def forget(self, keep: Collection[str]) -> None:
        """Delete all faxes except those whose ids are in *keep*."""
        with self.lock:
            for fax_id in set(self._by_id) - set(keep):
                self.remove(fax_id)

    def was_read(self, faxes: Iterable[Fax]) -> None:
        """Move *faxes* to their next status if `moves_when_read` is set and they are not held."""
        if not self.moves_when_read:
            return
        with self.lock:
            for fax in faxes:
                if not (self.holding and fax.status == fax.stages[0]):
                    self.step(fax)

    def all(self) -> list[Fax]:
        """Return all faxes in the order of their creation."""
        with self.lock:
            return list(self._index.everything.faxes)

    def find(self, equal: Mapping[str, str], bounds: Bounds) -> list[Fax]:
        """Return the listed faxes with the values *equal*, created within *bounds*, oldest first."""
        with self.lock:
            faxes = self._index.find(equal, bounds)
        if self.list_lag:
            now = monotonic()
            while faxes and faxes[-1].visible_from > now:
                faxes.pop()
        return faxes

    def run_due(self) -> None:
        """Carry out every status change that is due."""
        due = self._due
        if not due or due[0][0] > self.clock.now():
            return
        with self.lock:
            now = self.clock.now()
            while due and due[0][0] <= now:
                moment, _, plan, fax = heapq.heappop(due)
                if plan != fax.plan:
                    continue
                if self.holding and fax.status == fax.stages[0] and not fax.is_canceling:
                    fax.is_held = True
                else:
                    self._go_on(fax, moment)

    def settle(self) -> None:
        """Move the time forward until every fax that is not held is final."""
        with self.lock:
            while self._due:
                moment, _, plan, fax = self._due[0]
                if plan != fax.plan:
                    heapq.heappop(self._due)
                    continue
                ahead = (moment - self.clock.now()).total_seconds()
                if ahead > 0:
                    self.clock.advance(ahead)
                self.run_due()

    def step(self, fax: Fax) -> None:
        """Move a fax to its next status now."""
        with self.lock:
            if not fax.is_final:
                self._go_on(fax, self.clock.stamp())

    def finish(self, fax: Fax) -> None:
        """Move a fax through its remaining statuses to success now, even a cancelled fax."""
        with self.lock:
            fax.outcome = "received" if fax.is_inbound else "delivered"
            while not fax.is_final:
                self._go_on(fax, self.clock.stamp())

    def fail(self, fax: Fax, reason: str) -> None:
        """End a fax as failed now, for *reason*."""
        with self.lock:
            if not fax.is_final:
                fax.outcome = reason
                self._end(fax, self.clock.stamp())

    def release(self) -> None:
        """Stop holding, and let held faxes continue."""
        with self.lock:
            self.holding = False
            for fax in self._index.everything.faxes:
                if fax.is_held:
                    fax.is_held = False
                    if not fax.is_final:
                        self._plan(fax, self.clock.now())

    def cancel(self, fax: Fax) -> bool:
        """Accept the cancellation of an outbound fax, or return False if it is too late."""
        with self.lock:
            if fax.status not in CANCELLABLE:
                return False
            if not fax.is_canceling:
                fax.is_canceling = True
                fax.outcome = "sender_canceled"
                if self.cancel_delay > 0:
                    self._plan_in(fax, self.cancel_delay, self.clock.now())
                else:
                    self._end(fax, self.clock.stamp())
            return True

    def renew_links(self, fax: Fax) -> None:
        """Make new links to the stored files of a fax."""
        with self.lock:
            if not fax.stored_files.keys() - fax.resource.keys():
                self._link_media(fax, self.clock.now())

    def _plan(self, fax: Fax, moment: datetime) -> None:
        self._plan_in(fax, fax.seconds_in_status, moment)

    def _plan_in(self, fax: Fax, seconds: float, moment: datetime) -> None:
        fax.plan += 1
        self._sequence += 1
        due = moment + timedelta(seconds=seconds)
        heapq.heappush(self._due, (due, self._sequence, fax.plan, fax))

    def _go_on(self, fax: Fax, moment: datetime) -> None:
        following = fax.next_stage
        if following is None:
            self._end(fax, moment)
            return
        fax.change(status=following, updated_at=iso(moment))
        if following in ("sending", "receiving"):
            fax.connected = moment
        if following == "media.processed":
            self._link_media(fax, moment)
        self._announce(fax, moment)
        self._plan(fax, moment)

    def _end(self, fax: Fax, moment: datetime) -> None:
        fax.plan += 1
        if fax.outcome in GOOD:
            fax.change(status="received" if fax.is_inbound else "delivered", updated_at=iso(moment))
            if fax.is_inbound:
                self._link_media(fax, moment)
        else:
            reason = {"failure_reason": fax.outcome} if self.gives_reason else {}
            fax.change(status="failed", updated_at=iso(moment), **reason)
        self._announce(fax, moment)

    def _link_media(self, fax: Fax, moment: datetime) -> None:
        fax.change(
            **{name: self.link(fax.id, file, moment) for name, file in fax.stored_files.items()}
        )

    def _announce(self, fax: Fax, moment: datetime) -> None:
        event = event_of(fax, next(self._ids), self.user_id, moment)
        if event is not None:
            self.announce(fax, event)
