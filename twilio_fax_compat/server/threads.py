"""Threads for what blocks: the ledger, and the former provider."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Callable, TypeVar

from attrs import define, field

from twilio_fax_compat.ledger import Ledger, MemoryLedger

T = TypeVar("T")

LEDGER, LEGACY = 8, 64
"""The threads of each pool. A slow provider never takes those of the ledger."""


def _pool(name: str, size: int) -> Callable[[], ThreadPoolExecutor]:
    return partial(ThreadPoolExecutor, size, thread_name_prefix=f"twilio-fax-compat-{name}")


@define(eq=False)
class Threads:
    """Runs blocking calls outside the event loop."""

    ledger: Ledger
    _for_ledger: ThreadPoolExecutor = field(factory=_pool("ledger", LEDGER))
    _for_legacy: ThreadPoolExecutor = field(factory=_pool("legacy", LEGACY))

    @property
    def blocks(self) -> bool:
        """Whether a call of the ledger may wait."""
        return not isinstance(self.ledger, MemoryLedger)

    async def of_ledger(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what *function*, which asks the ledger, returns for *arguments*."""
        if not self.blocks:
            return function(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._for_ledger, partial(function, *arguments))

    async def of_legacy(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what *function*, which asks the former provider, returns for *arguments*."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._for_legacy, partial(function, *arguments))

    def close(self) -> None:
        """Let the threads end when their work is done."""
        self._for_ledger.shutdown(wait=False)
        self._for_legacy.shutdown(wait=False)
