"""
Who works on an entry of the ledger: this process, another one that is alive, or nobody any more.

An entry names its process. The processes of one machine can see each other; those of another machine
count as gone when their entries have not changed for some time.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any, Callable, Mapping

from attrs import define, field

from twilio_fax_compat.ledger import Ledger, MemoryLedger

ELSEWHERE = 120.0
"""Seconds for which an entry of another machine must not change before its process counts as gone."""

MINE, THEIRS, IS_ELSEWHERE, NOBODYS = "mine", "theirs", "elsewhere", "nobody's"


@define(eq=False)
class Process:
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
_processes: dict[int, Process] = {}


def is_in_progress(entry: Mapping[str, Any], token: str = "") -> bool:
    """
    Return whether a process, as far as this machine can see, works on the send of *entry*.

    Sends of this process are recognised by their *token*.
    """
    return bool(entry.get("owner")) and who_has(token, entry, None) != NOBODYS


def name_of_process() -> str:
    """Return the name of this process as the owner of an entry, also for `is_in_progress`."""
    return this_process().owner


def this_process() -> Process:
    """Return the state of this process."""
    pid = os.getpid()
    process = _processes.get(pid)
    # Of many threads that come here first, all get the same one.
    return _processes.setdefault(pid, Process()) if process is None else process


def who_has(token: str, entry: Mapping[str, Any], ledger: Ledger | None) -> str:
    """Return one of `MINE`, `THEIRS`, `IS_ELSEWHERE` and `NOBODYS` for the *entry* of a send in *ledger*."""
    owner = str(entry.get("owner") or "")
    if not owner:
        return NOBODYS
    process = this_process()
    if owner == process.owner:
        return MINE if works_on(process, token) else NOBODYS
    if isinstance(ledger, MemoryLedger):
        # A fork copied it: the parent looks after the send itself.
        return THEIRS
    host, pid, started = [*owner.split("|"), "", ""][:3]
    if host == _host() and pid.isdigit() and os.name == "posix":
        return THEIRS if _is_alive(int(pid), started) else NOBODYS
    now = time.monotonic()
    since = process.seen.setdefault((token, entry.get("turn")), now)
    return NOBODYS if now - since >= ELSEWHERE else IS_ELSEWHERE


def works_on(process: Process, token: str) -> bool:
    """Return whether *process*, which is this one, works on the send with *token*."""
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
