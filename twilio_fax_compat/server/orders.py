"""
Creates whose client went away before it had its answer, in the ledger.

No SDK says that a create is a repeat (https://www.twilio.com/docs/fax/api/fax-resource has no
idempotency key). A client that got no answer repeats the same form within seconds. So its first
create is remembered from the moment the client goes away until a minute after it ended, and one equal
create gets its answer.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any, Callable, Collection, Mapping, TypeVar

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.facts import NOTHING_KNOWN, SEND_KEYS, Facts
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger.claims import Claim, take
from twilio_fax_compat.ledger.processes import is_in_progress, name_of_process

logger = logging.getLogger("twilio_fax_compat.server")

T = TypeVar("T")

WINDOW = 60.0
"""Seconds after the end of a create for which an equal form gets its fax, if it had no answer."""

CLAIM = 40.0
"""Seconds for which a repeat has an order for itself; longer than one call takes."""

RUNNING, ACCEPTED, ANSWERED = "running", "accepted", "answered"

TRACE = 3.0
"""Seconds for which the other processes see that a create was answered."""


@frozen
class Order:
    """
    One create whose client went away.

    *key* is the `send_key` of its form, *sid* its fax once that was accepted. It *is_running* while a
    live process works on it. *claim* is the ledger's, if this process claimed it.
    """

    key: str
    token: str
    sid: str = ""
    is_running: bool = False
    claim: Claim | None = field(default=None, repr=False)


@frozen
class Known:
    """
    What the ledger has about the creates of one form.

    *was_answered*: an equal create was answered a moment ago. *is_busy*: a live process sends an equal
    fax. *is_unsettled*: an equal send ended without a known result, or its process is gone.
    *is_readable*: the ledger answered.
    """

    orders: tuple[Order, ...] = ()
    was_answered: bool = False
    is_busy: bool = False
    is_unsettled: bool = False
    is_readable: bool = True


@define(eq=False)
class Orders:
    """The orders in *ledger*. Without the ledger, nothing is known of any."""

    ledger: Ledger = field(repr=False)

    def look(self, key: str, own: Collection[str] = (), attempt: str = "") -> Known:
        """
        Return what the ledger has about a form.

        *own* are the tokens of the creates that this process works on, and *attempt* is the token of
        our own send, which is in the ledger already.
        """
        own_key = _key(key)
        nothing: dict[str, Facts] | None = None
        facts = self._asked(lambda: self.ledger.recall((own_key, key)), nothing)
        if facts is None:
            return Known(is_readable=False)
        entries = facts.get(own_key, NOTHING_KNOWN).sends or {}
        orders, was_answered = [], False
        for token, entry in entries.items():
            if entry.get("state") == ANSWERED:
                age = time.time() - float(entry.get("wall") or 0)
                was_answered = was_answered or age < TRACE
            is_running = entry.get("state") == RUNNING and (token in own or is_in_progress(entry))
            if not is_running and time.time() - float(entry.get("wall") or 0) > WINDOW:
                self.forget(key, token)
                continue
            if is_running or entry.get("sid"):
                orders.append(Order(key, token, str(entry.get("sid") or ""), is_running))
        sends = facts.get(key, NOTHING_KNOWN).sends or {}
        others = {token: entry for token, entry in sends.items() if token != attempt}
        busy = [token for token, entry in others.items() if is_in_progress(entry, token)]
        return Known(tuple(orders), was_answered, bool(busy), len(busy) < len(others))

    def lock(self, key: str) -> bool:
        """Return whether the caller is the only one, of all processes, to send this form now."""
        return self._asked(lambda: self.ledger.claim(f"form:{key}", CLAIM), "new") == "new"

    def unlock(self, key: str) -> None:
        """Let another process send this form."""
        self._asked(lambda: self.ledger.release(f"form:{key}"), None)

    def answered(self, key: str, token: str) -> None:
        """Note that the client of a create read its answer just now."""
        self._write(key, token, {"state": ANSWERED, "wall": time.time()})

    def run_on(self, key: str, token: str) -> None:
        """Note that the client of a create is gone, and that this process works on it."""
        entry = {"state": RUNNING, "owner": name_of_process(), "wall": time.time()}
        self._write(key, token, entry)

    def accepted(self, key: str, token: str, sid: str) -> None:
        """Note the fax of a create whose client is gone."""
        self._write(key, token, {"state": ACCEPTED, "sid": sid, "wall": time.time()})

    def forget(self, key: str, token: str) -> None:
        """Forget a create: it was answered, or it ended without a fax."""
        self._write(key, token, {})

    def claim(self, order: Order) -> Order | None:
        """Return *order* with its claim if the caller is the one repeat that gets it, else None."""
        name = f"order:{order.token}"
        otherwise: Claim | None = Claim(name, name)
        claim = self._asked(lambda: take(self.ledger, name, _key(order.key), CLAIM), otherwise)
        return None if claim is None else evolve(order, claim=claim)

    def deliver(self, order: Order) -> None:
        """Note that a repeat got its answer."""
        claim = order.claim
        if claim is not None:
            self._asked(lambda: self.ledger.settle(claim.name), None)
        self.forget(order.key, order.token)
        if claim is not None:
            self._asked(lambda: claim.forget_claimers(self.ledger), None)

    def give_back(self, order: Order) -> None:
        """Let the next repeat claim the order."""
        claim = order.claim
        if claim is not None:
            self._asked(lambda: claim.give_back(self.ledger), None)

    def _write(self, key: str, token: str, entry: Mapping[str, Any]) -> None:
        facts = Facts(sends={token: entry})
        self._asked(lambda: self.ledger.remember(_key(key), facts), None)

    def _asked(self, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - a ledger that is away must not stop a fax
            text = str(error) if isinstance(error, LedgerUnavailable) else type(error).__name__
            logger.warning(
                "the ledger is away, so a repeated create may not be recognised: %s", text
            )
            return otherwise


def new_token() -> str:
    """Return the name of a new order."""
    return os.urandom(16).hex()


def _key(key: str) -> str:
    return f"{SEND_KEYS}order:{key[len(SEND_KEYS) :]}"
