"""Random ids for faxes and events."""

from __future__ import annotations

import os
from typing import Iterator
from uuid import UUID

_BATCH = 256


def random_ids() -> Iterator[str]:
    """Yield random UUIDs for ever. The generator is not thread-safe."""
    while True:
        # One call for many ids: a system call for each would be the slowest part of a send.
        entropy = os.urandom(16 * _BATCH)
        for start in range(0, len(entropy), 16):
            yield str(UUID(bytes=entropy[start : start + 16], version=4))
