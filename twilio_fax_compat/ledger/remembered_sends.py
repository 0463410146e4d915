"""
Remembers the sends whose end is not known, in the ledger and in this process.

An entry names the process that works on it. An entry of a process that is gone, or without a process,
is taken over by one later call.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from pathlib import Path
from threading import Lock
from typing import Any, Callable, Mapping, Sequence

from attrs import define, field

from twilio_fax_compat._core.attempts import LEGACY, LIFETIME, TELNYX, Attempt, InProgress
from twilio_fax_compat._core.effects import BeginSend, KeepSend, LeaveSend, SendEffect
from twilio_fax_compat._core.facts import NOTHING_KNOWN, SEND_KEYS, Facts, merged
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable, MemoryLedger

logger = logging.getLogger("twilio_fax_compat")

ELSEWHERE = 120.0
"""Seconds for which an entry of another machine must not change before its process counts as gone."""

_TAKE_OVER = 600.0  # for this long nobody else takes the same entry over

_MINE, _THEIRS, _ELSEWHERE, _NOBODYS = "mine", "theirs", "elsewhere", "nobody's"


@define(eq=False)
class _Process:
    """The state of one process."""

    pid: int = field(factory=os.getpid)
    # The sends at work, with the event loop of each that runs on one.
    tokens: dict[str, Any] = field(factory=dict)
    owner: str = field(init=False)
    # When this process first saw an entry of another machine.
    seen: dict[tuple[str, object], float] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.owner = "|".join((_host(), str(self.pid), _started(self.pid) or ""))


# By process id: the child of a fork makes its own.
_processes: dict[int, _Process] = {}


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
_taken: dict[str, object] = {}


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
        _this_process().tokens[attempt.token] = loop
        return _write(ledger, attempt, attempt.entry(_this_process().owner, time.time()))
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
        ledger.remember(SEND_KEYS + token, Facts(sends={token: {}}))
    return len(tokens)


def is_in_progress(entry: Mapping[str, Any], token: str = "") -> bool:
    """
    Return whether a process, as far as this machine can see, works on the send of *entry*.

    Sends of this process are recognised by their *token*.
    """
    return bool(entry.get("owner")) and _who_has(token, entry, None) != _NOBODYS


def name_of_process() -> str:
    """Return the name of this process as the owner of an entry, also for `is_in_progress`."""
    return _this_process().owner


def _begin(
    effect: BeginSend, ledger: Ledger, opened: list[Attempt], loop: Any
) -> Attempt | InProgress:
    is_elsewhere = False
    process = _this_process()
    for token, entry in (_read(ledger, effect.key).sends or {}).items():
        is_own = entry.get("owner") == process.owner and entry.get("provider") != LEGACY
        if is_own and _works_on(process, token):
            continue  # of another call of this process, of which there may be many
        # This machine's clock may be wrong. Telnyx's clock decides when its faxes are too old.
        if entry.get("provider") == LEGACY and time.time() - _wall(entry) > LIFETIME:
            attempt = Attempt.of_entry(effect.key, token, entry)
            _end(attempt, ledger)
            continue
        owner = _who_has(token, entry, ledger)
        if owner == _NOBODYS:
            attempt = Attempt.of_entry(effect.key, token, entry)
            if _is_first_to_take(attempt, ledger):
                return _open(attempt, ledger, opened, loop)
            owner = _ELSEWHERE
        is_elsewhere = is_elsewhere or owner == _ELSEWHERE
    if is_elsewhere:
        return InProgress()
    attempt = Attempt(effect.key, effect.token, effect.provider, account=effect.account)
    return _open(attempt, ledger, opened, loop)


def _open(attempt: Attempt, ledger: Ledger, opened: list[Attempt], loop: Any) -> Attempt:
    process = _this_process()
    opened.append(attempt)
    process.tokens[attempt.token] = loop
    _write(ledger, attempt, attempt.entry(process.owner, time.time()))
    return attempt


def _leave(attempt: Attempt, ledger: Ledger) -> None:
    attempt.is_open = False
    try:
        _write(ledger, attempt, attempt.entry("", time.time()))
        if not attempt.is_retry:
            _index(ledger, attempt, {"key": attempt.key})
    finally:
        _this_process().tokens.pop(attempt.token, None)


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
            _index(ledger, attempt, {})
    finally:
        _this_process().tokens.pop(attempt.token, None)


def _index(ledger: Ledger, attempt: Attempt, entry: Mapping[str, Any]) -> None:
    """Store, or delete, the key of a token, for those who have only the token of an error."""
    try:
        ledger.remember(SEND_KEYS + attempt.token, Facts(sends={attempt.token: entry}))
    except Exception as error:  # noqa: BLE001 - nothing but the command reads it
        _warn(error)


def _is_first_to_take(attempt: Attempt, ledger: Ledger) -> bool:
    name = "{}{}:{}".format(SEND_KEYS, attempt.token, attempt.turn)
    try:
        return ledger.claim(name, _TAKE_OVER) == "new"
    except Exception as error:  # noqa: BLE001 - without the ledger, this process is alone
        _warn(error)
        taken = object()
        return _taken.setdefault(name, taken) is taken


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


def _this_process() -> _Process:
    pid = os.getpid()
    process = _processes.get(pid)
    # Of many threads that come here first, all get the same one.
    return _processes.setdefault(pid, _Process()) if process is None else process


def _who_has(token: str, entry: Mapping[str, Any], ledger: Ledger | None) -> str:
    owner = str(entry.get("owner") or "")
    if not owner:
        return _NOBODYS
    process = _this_process()
    if owner == process.owner:
        return _MINE if _works_on(process, token) else _NOBODYS
    if isinstance(ledger, MemoryLedger):
        # A fork copied it: the parent looks after the send itself.
        return _THEIRS
    host, pid, started = [*owner.split("|"), "", ""][:3]
    if host == _host() and pid.isdigit() and os.name == "posix":
        return _THEIRS if _is_alive(int(pid), started) else _NOBODYS
    now = time.monotonic()
    since = process.seen.setdefault((token, entry.get("turn")), now)
    return _NOBODYS if now - since >= ELSEWHERE else _ELSEWHERE


def _works_on(process: _Process, token: str) -> bool:
    if token not in process.tokens:
        return False
    # A task that is pending when its loop is closed never goes on.
    loop = process.tokens[token]
    return loop is None or not loop.is_closed()


def _is_alive(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    now = _started(pid)
    return now is None or now == started


def _started(pid: int) -> str | None:
    """Return when a process began, empty if it is dead and not reaped, None if that is unknown."""
    try:
        text = Path("/proc/{}/stat".format(pid)).read_text("ascii", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _host() -> str:
    """Return a name of the processes that can see each other's ids: a machine, or a container."""
    global _host_name
    if _host_name is None:
        parts = []
        for read in _HOST:
            try:
                parts.append(read())
            except (OSError, AttributeError):
                parts.append("")
        _host_name = "/".join(parts).replace("|", "")
    return _host_name


_host_name: str | None = None
_HOST: tuple[Callable[[], str], ...] = (
    platform.node,
    lambda: Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip(),
    lambda: os.readlink("/proc/self/ns/pid"),
)
