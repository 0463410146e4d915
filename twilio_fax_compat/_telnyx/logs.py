"""Keeps fax numbers and links out of the logs of HTTP clients while they make our requests."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Iterator

from twilio_fax_compat._core.masking import mask

LOGGERS = ("httpx", "twilio.http_client", "urllib3.connectionpool")
"""
The loggers that write the URL or the body of a request.

httpx (https://www.python-httpx.org/logging/), Twilio's client, and urllib3 below requests.
"""

_QUERY = re.compile(r"(/[^\s\"'?]*)\?[^\s\"']*")
_is_ours: ContextVar[bool] = ContextVar("twilio_fax_compat_request", default=False)


class _Mask(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if _is_ours.get():
            record.msg = mask(_QUERY.sub(r"\1?...", record.getMessage()))
            record.args = ()
        return True


_MASK = _Mask()


@contextmanager
def masked_logs(http_client: Any) -> Iterator[None]:
    """Mask what *http_client* logs in this block: no full number, no query, no path of a link."""
    own = getattr(http_client, "logger", None)
    for logger in (*map(logging.getLogger, LOGGERS), own):
        if isinstance(logger, logging.Logger):
            logger.addFilter(_MASK)  # which adds it once; the program may have removed it
    token = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(token)
