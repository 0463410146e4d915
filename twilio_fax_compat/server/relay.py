"""Brings Telnyx's events from the ledger's inbox to the programs' URLs."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from threading import Lock
from typing import Any, Mapping
from urllib.parse import urlsplit

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.effects import run
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.webhooks.delivery import AGAIN, deliver_from_inbox
from twilio_fax_compat._core.webhooks.effects import AppAnswer, CallApp, Step
from twilio_fax_compat._core.webhooks.events import facts_of
from twilio_fax_compat.ledger import InboxEntry, Ledger
from twilio_fax_compat.server.accounts import Account
from twilio_fax_compat.server.callback_http import CallbackHttp
from twilio_fax_compat.webhooks.inbox import InboxWorkers, entry_key
from twilio_fax_compat.webhooks.leases import LeaseKeeper
from twilio_fax_compat.webhooks.receiver import Receiver, event_of
from twilio_fax_compat.webhooks.steps import carry_out_step, counted_answer

logger = logging.getLogger("twilio_fax_compat.server")

APPLICATION = "twilio_fax_compat.server"
"""The name under which the inbox keeps the server's events. All its processes share them."""

AT_ONCE, AT_ONCE_FOR_A_HOST = 32, 8
"""The callbacks that a process makes at the same time, in all and to one host."""

BUSY_HOST = 1.0
"""Seconds until the next look at an event whose host has that many callbacks already."""

REFUSED_ATTEMPTS = 3
"""After this many attempts, a callback that was answered 4xx is given up."""

ATTEMPTS = 84
"""After this many attempts, about three days, any callback is given up."""

_WORTH_REPEATING = frozenset({408, 425, 429})

ACCOUNT, ORIGIN = "account", "origin"
"""What an inbox entry keeps beside the event: the account's SID, and the server's public address."""


@frozen(kw_only=True)
class Owner:
    """One account, and the *receiver* with its settings for callbacks."""

    account: Account
    receiver: Receiver


@define(eq=False)
class Relay:
    """Delivers the inbox entries of *owners*, by account SID, in threads of this process."""

    ledger: Ledger
    owners: Mapping[str, Owner]
    http: CallbackHttp
    keeper: LeaseKeeper = field(factory=LeaseKeeper)
    workers: InboxWorkers = field(init=False)
    _hosts: Counter[str] = field(factory=Counter, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.workers = InboxWorkers(
            self.ledger, self._deliver, self.keeper, application=APPLICATION, at_once=AT_ONCE
        )

    def _deliver(self, entry: InboxEntry) -> None:
        owner = self.owners.get(entry.headers.get(ACCOUNT, ""))
        if owner is None:
            # Another process of this server may have the account in its configuration.
            logger.warning("an event of an account that is not configured here waits in the inbox")
            self._postpone(entry, 60.0, "its account is not configured")
            return
        parts = urlsplit(entry.url)
        host = parts.netloc.rpartition("@")[2]
        with self._lock:
            is_busy = self._hosts[host] >= AT_ONCE_FOR_A_HOST
            if not is_busy:
                self._hosts[host] += 1
        if is_busy:
            self._postpone(entry, BUSY_HOST, None)
            return
        try:
            self._call(entry, owner)
        finally:
            with self._lock:
                self._hosts[host] -= 1
                if not self._hosts[host]:
                    del self._hosts[host]

    def _call(self, entry: InboxEntry, owner: Owner) -> None:
        event = event_of(entry)
        if event.is_final:
            # A handler that fetches the fax finds its pages and its end.
            self.ledger.remember(event.fax_id, facts_of(event))
        rules = owner.receiver.rules
        if rules.links is not None:
            links = evolve(rules.links, origin=entry.headers.get(ORIGIN, ""))
            rules = evolve(rules, links=links)
        answers: list[AppAnswer] = []
        talk = deliver_from_inbox(event, entry.url, rules, entry.attempts)
        result = run(talk, partial(self._perform, owner, answers))
        if result == AGAIN and answers and _is_hopeless(answers[-1], entry.attempts):
            self.ledger.finish(entry.event_id)
            logger.error(
                "%s: a callback is given up after %d attempts: the last answer was %s",
                fax_sid(event.fax_id),
                entry.attempts,
                _described(answers[-1]),
            )

    def _perform(self, owner: Owner, answers: list[AppAnswer], step: Step) -> Any:
        if isinstance(step, CallApp):
            with counted_answer() as counted:
                counted.append(self.http.call(step, owner.account.callback_hosts))
            answers.append(counted[0])
            return counted[0]
        receiver = owner.receiver
        return carry_out_step(step, self.ledger, receiver.media, self.keeper, receiver.accounts)

    def _postpone(self, entry: InboxEntry, seconds: float, reason: str | None) -> None:
        self.keeper.drop(entry_key(entry.event_id))
        self.ledger.postpone(entry.event_id, seconds, count_attempt=False, reason=reason)


def _is_hopeless(answer: AppAnswer, attempts: int) -> bool:
    is_refusal = 400 <= answer.status < 500 and answer.status not in _WORTH_REPEATING
    return attempts >= (REFUSED_ATTEMPTS if is_refusal else ATTEMPTS)


def _described(answer: AppAnswer) -> str:
    return f"HTTP {answer.status}" if answer.status else answer.error or "none"
