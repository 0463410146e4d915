"""
Imports what fax calls need, in one go, and lets no fork happen meanwhile.

A process that forks while another thread imports a module leaves the child with an import lock that
nobody releases: the child hangs as soon as it imports that module.
"""

from __future__ import annotations

import logging  # noqa: F401 - it has hooks for a fork, which must not be added while one waits
import os
from contextlib import suppress
from importlib import import_module
from threading import RLock, get_ident
from typing import ContextManager, Iterable

FORK_WAIT = 10.0
"""Seconds that a fork waits at most for another thread's imports."""

TELNYX = (
    "encodings.ascii",
    "encodings.idna",  # the first look-up of a host name imports it
    "twilio_fax_compat._telnyx.api",
    "twilio_fax_compat._core.fax_api.lists",
    "twilio_fax_compat._core.translation.media_links",
    "twilio_fax_compat.http._connections",
    "twilio_fax_compat.ledger._opening",
    "twilio_fax_compat.rest.fax",
    "twilio_fax_compat.settings",
)
"""What every fax call needs."""

ROUTED = (
    "twilio_fax_compat._core.migration.merged_list",
    "twilio_fax_compat._core.migration.routed_create",
    "twilio_fax_compat._install",
    "twilio_fax_compat.migration._provider_of",
    "twilio_fax_compat.migration._routed_api",
    "twilio_fax_compat.rest._twilio_package",
)
"""What a client with a roll-out needs besides."""

ASYNC = (
    "anyio",
    "anyio._backends._asyncio",
    "twilio_fax_compat._telnyx.async_api",
    "twilio_fax_compat.migration._async_routed_api",
)
"""What asynchronous calls need besides."""

LEDGERS = {
    "sqlite": "twilio_fax_compat.ledger.sqlite",
    "postgres": "twilio_fax_compat.ledger.postgres",
    "postgresql": "twilio_fax_compat.ledger.postgres",
}
"""The module of each ledger, by the scheme of its URL."""

_lock = RLock()
_forking: set[int] = set()


def no_fork() -> ContextManager[object]:
    """Return the lock to hold while importing modules or setting up OpenSSL. A fork waits for it."""
    return _lock


def preload(*names: str) -> None:
    """Import the modules *names*. One that cannot be imported fails where it is used."""
    with no_fork():
        for name in names:
            with suppress(ImportError):
                import_module(name)


def modules_for(is_routed: bool, ledger_url: object) -> Iterable[str]:
    """Return the names of the modules that the fax calls of a client need."""
    yield from TELNYX
    if is_routed:
        yield from ROUTED
    if isinstance(ledger_url, str):
        module = LEDGERS.get(ledger_url.partition(":")[0])
        if module:
            yield module


def _before_fork() -> None:
    if _lock.acquire(timeout=FORK_WAIT):
        _forking.add(get_ident())


def _after_fork_in_parent() -> None:
    if get_ident() in _forking:
        _forking.remove(get_ident())
        _lock.release()


def _after_fork_in_child() -> None:
    global _lock
    if get_ident() in _forking:
        _lock.release()
    else:  # another thread holds it, which does not exist here
        _lock = RLock()
    _forking.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
