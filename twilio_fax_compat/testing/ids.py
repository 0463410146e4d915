from __future__ import annotations

import os
from typing import Iterator
from uuid import UUID

_BATCH = 256


def random_ids() -> Iterator[str]:
    """Yield random UUIDs without end; one generator is not for several threads at a time."""
    while True:
        # One call for many ids: asking the system for each is what a send would wait for most.
        entropy = os.urandom(16 * _BATCH)
        for start in range(0, len(entropy), 16):
            yield str(UUID(bytes=entropy[start : start + 16], version=4))
