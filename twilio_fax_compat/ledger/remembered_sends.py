"""
Remembers the sends whose end is not known, in the ledger and in this process.

An entry names the process that works on it. An entry of a process that is gone, or without a process,
is taken over by one later call.
"""

from __future__ import annotations

import logging
import os
import time
from threading import Lock
from typing import Any, Callable, Mapping, Sequence

from attrs import define, field

from twilio_fax_compat._core.attempts import LEGACY, LIFETIME, TELNYX, Attempt, InProgress
from twilio_fax_compat._core.effects import BeginSend, KeepSend, LeaveSend, SendEffect
from twilio_fax_compat._core.facts import NOTHING_KNOWN, SEND_KEYS, Facts, merged
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger.claims import Claim, take
from twilio_fax_compat.ledger.processes import (
    IS_ELSEWHERE,
    NOBODYS,
    this_process,
    who_has,
    works_on,
)

logger = logging.getLogger("twilio_fax_compat")

_TAKE_OVER = 600.0  # for this long nobody else takes the same entry over


@define(eq=False)
class _Unwritten:
    """
    What could not be written to *ledger*, by key and token. An empty entry deletes the stored one.

    *flushing* is held while one thread writes it.
    """

    ledger: Ledger
    entries: dict[tuple[str, str], Mapping[str, Any]] = field(factory=dict)
    flushing: Lock = field(factory=Lock)
    _guard: Lock = field(factory=Lock)

    def put(self, key: str, token: str, entry: Mapping[str, Any]) -> None:
        with self._guard:
            self.entries[key, token] = entry

    def all_keys(self) -> list[str]:
        with self._guard:
            return list(dict.fromkeys(key for key, _ in self.entries))

    def of_key(self, key: str) -> dict[str, Mapping[str, Any]]:
        """Return a copy of the entries of *key*, by token."""
        with self._guard:
            return {token: entry for (own, token), entry in self.entries.items() if own == key}

    def discard(self, key: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Delete those of *entries* that were not replaced meanwhile."""
        with self._guard:
            for token, entry in entries.items():
                if self.entries.get((key, token)) is entry:
                    del self.entries[key, token]


# By the ids of a process and of a ledger, which is kept so that the id stays its own.
_unwritten: dict[tuple[int, int], _Unwritten] = {}
_taken: dict[str, Claim] = {}


def carry_out_send(
    effect: SendEffect, ledger: Ledger, opened: list[Attempt], loop: Any = None
) -> Any:
    """
    Perform an effect about a send, and return its result.

    A begun attempt is added to *opened*, so that `leave_open` can settle it whatever happens. *loop* is
    the event loop of the call, if it has one: nobody works on the send once that is closed.
    """
    if isinstance(effect, BeginSend):
        return _begin(effect, ledger, opened, loop)
    attempt = effect.attempt
    if isinstance(effect, KeepSend):
        this_process().tokens[attempt.token] = loop
        return _write(ledger, attempt, attempt.entry(this_process().owner, time.time()))
    if isinstance(effect, LeaveSend):
        return _leave(attempt, ledger)
    return _end(attempt, ledger)


def leave_open(opened: list[Attempt], ledger: Ledger) -> None:
    """Settle the attempts of a flow that was broken off: what may be out stays remembered."""
    for attempt in opened:
        if attempt.is_open:
            (_leave if attempt.may_be_out else _end)(attempt, ledger)


def remembered_sends(ledger: Ledger, key: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of the sends of one form that have no known end, by token."""
    return _read(ledger, key).sends or {}


def key_of_token(ledger: Ledger, token: str) -> str | None:
    """Return the key of the form whose send has *token* and no known end; None if there is none."""
    index = SEND_KEYS + token
    entry = (ledger.recall((index,)).get(index, NOTHING_KNOWN).sends or {}).get(token, {})
    return str(entry["key"]) if "key" in entry else None


def release(ledger: Ledger, key: str, tokens: Sequence[str]) -> int:
    """Forget those sends of one form that have one of *tokens*, and return their number."""
    for token in tokens:
        ledger.remember(key, Facts(sends={token: {}}))
        _forget_token(ledger, token)
    return len(tokens)


def _begin(
    effect: BeginSend, ledger: Ledger, opened: list[Attempt], loop: Any
) -> Attempt | InProgress:
    is_elsewhere = False
    process = this_process()
    for token, entry in (_read(ledger, effect.key).sends or {}).items():
        is_own = entry.get("owner") == process.owner and entry.get("provider") != LEGACY
        if is_own and works_on(process, token):
            continue  # of another call of this process, of which there may be many
        # This machine's clock may be wrong. Telnyx's clock decides when its faxes are too old.
        if entry.get("provider") == LEGACY and time.time() - _wall(entry) > LIFETIME:
            attempt = Attempt.of_entry(effect.key, token, entry)
            _end(attempt, ledger)
            continue
        owner = who_has(token, entry, ledger)
        if owner == NOBODYS:
            attempt = Attempt.of_entry(effect.key, token, entry)
            claim = _take_over(attempt, ledger)
            if claim is not None:
                return _open_taken(attempt, claim, ledger, opened, loop)
            owner = IS_ELSEWHERE
        is_elsewhere = is_elsewhere or owner == IS_ELSEWHERE
    if is_elsewhere:
        return InProgress()
    attempt = Attempt(effect.key, effect.token, effect.provider, account=effect.account)
    return _open(attempt, ledger, opened, loop)


def _open(attempt: Attempt, ledger: Ledger, opened: list[Attempt], loop: Any) -> Attempt:
    process = this_process()
    opened.append(attempt)
    process.tokens[attempt.token] = loop
    _write(ledger, attempt, attempt.entry(process.owner, time.time()))
    return attempt


def _leave(attempt: Attempt, ledger: Ledger) -> None:
    attempt.is_open = False
    try:
        _write(ledger, attempt, attempt.entry("", time.time()))
        if not attempt.is_retry:
            # For those who have only the token of an error.
            facts = Facts(sends={attempt.token: {"key": attempt.key}})
            _quietly(lambda: ledger.remember(SEND_KEYS + attempt.token, facts))
    finally:
        this_process().tokens.pop(attempt.token, None)


def _end(attempt: Attempt, ledger: Ledger) -> None:
    attempt.is_open = False
    if attempt.may_be_out:
        logger.warning(
            "the send %s, whose end is unknown, is no longer remembered: it began more than %d hours ago "
            "by the clock of %s. An equal create sends a new fax",
            attempt.name,
            LIFETIME // 3600,
            "Telnyx" if attempt.provider == TELNYX else "this machine",
        )
    try:
        _write(ledger, attempt, {})
        if attempt.is_retry:
            _quietly(lambda: _forget_token(ledger, attempt.token))
    finally:
        this_process().tokens.pop(attempt.token, None)


def _forget_token(ledger: Ledger, token: str) -> None:
    """Delete the key of a token, and who claimed its send."""
    index = SEND_KEYS + token
    names = ledger.recall((index,)).get(index, NOTHING_KNOWN).sends
    if names:
        ledger.remember(index, Facts(sends={name: {} for name in names}))


def _quietly(write: Callable[[], object]) -> None:
    """Write what no other call depends on."""
    try:
        write()
    except Exception as error:  # noqa: BLE001 - the send itself goes on
        _warn(error)


def _take_over(attempt: Attempt, ledger: Ledger) -> Claim | None:
    """Return the claim of the one call that works on a send whose process is gone."""
    index = SEND_KEYS + attempt.token
    name = f"{index}:{attempt.turn}"
    try:
        return take(ledger, name, index, _TAKE_OVER)
    except Exception as error:  # noqa: BLE001 - without the ledger, this process is alone
        _warn(error)
        claim = Claim(name, name)
        return claim if _taken.setdefault(name, claim) is claim else None


def _open_taken(
    attempt: Attempt, claim: Claim, ledger: Ledger, opened: list[Attempt], loop: Any
) -> Attempt:
    try:
        _open(attempt, ledger, opened, loop)
    except BaseException:
        _quietly(lambda: claim.give_back(ledger))
        raise
    _quietly(lambda: claim.forget_claimers(ledger))
    return attempt


def _read(ledger: Ledger, key: str) -> Facts:
    _flush(ledger)
    waiting = _unwritten_of(ledger)
    unwritten = waiting.of_key(key) if waiting else {}
    stored = NOTHING_KNOWN
    try:
        stored = ledger.recall((key,)).get(key, NOTHING_KNOWN)
    except Exception as error:  # noqa: BLE001 - a ledger that is away must not stop a fax
        _warn(error)
    return merged(stored, Facts(sends=unwritten)) if unwritten else stored


def _write(ledger: Ledger, attempt: Attempt, entry: Mapping[str, Any]) -> None:
    if _flush(ledger):
        try:
            ledger.remember(attempt.key, Facts(sends={attempt.token: entry}))
        except Exception as error:  # noqa: BLE001 - this process remembers it instead
            _warn(error)
        else:
            return
    waiting = _unwritten_of(ledger) or _open_unwritten(ledger, {})
    waiting.put(attempt.key, attempt.token, entry)


def _flush(ledger: Ledger) -> bool:
    """
    Write what could not be written before, and return whether nothing is unwritten.

    An entry stays readable here until its write has ended. While one thread writes, others do not
    wait: they find what is unwritten in this process.
    """
    unwritten = _unwritten_of(ledger)
    if unwritten is None or not unwritten.entries:
        return True
    if not unwritten.flushing.acquire(blocking=False):
        return False
    try:
        for key in unwritten.all_keys():
            entries = unwritten.of_key(key)
            ledger.remember(key, Facts(sends=entries))
            unwritten.discard(key, entries)
    except Exception as error:  # noqa: BLE001 - it stays in this process
        _warn(error)
    finally:
        unwritten.flushing.release()
    return not unwritten.entries


def _unwritten_of(ledger: Ledger) -> _Unwritten | None:
    if not _unwritten:
        return None
    own = _unwritten.get((os.getpid(), id(ledger)))
    if own is None:
        for (_, name), parents in reversed(list(_unwritten.items())):
            if name == id(ledger):
                # A thread of the parent may have held the locks at the fork.
                return _open_unwritten(ledger, parents.entries)
    return own


def _open_unwritten(
    ledger: Ledger, entries: Mapping[tuple[str, str], Mapping[str, Any]]
) -> _Unwritten:
    place = os.getpid(), id(ledger)
    return _unwritten.setdefault(place, _Unwritten(ledger, dict(entries)))


def _warn(error: Exception) -> None:
    # Only errors of this package's own ledgers are known to contain nothing private.
    text = str(error) if isinstance(error, LedgerUnavailable) else type(error).__name__
    logger.warning("the ledger is away, so only this process remembers a send: %s", text)


def _wall(entry: Mapping[str, Any]) -> float:
    wall = entry.get("wall")
    return float(wall) if isinstance(wall, (int, float)) else 0.0
