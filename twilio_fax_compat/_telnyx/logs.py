"""
Keeps fax numbers, documents and links out of the logs of HTTP libraries while they make our requests.

httpx logs each URL, httpcore the headers of each response, and Twilio's client the body. The filter only
changes records of our own requests; the program's are logged as before.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Iterator

from twilio_fax_compat._core.masking import mask

LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "twilio.http_client",
    "urllib3.connectionpool",
    "urllib3.util.retry",
)
"""
The loggers that write the URL, the headers or the body of a request.

httpx (https://www.python-httpx.org/logging/) and httpcore, Twilio's client, and urllib3 below requests.
"""

_QUERY = re.compile(r"(/[^\s\"'?]*)\?[^\s\"']*")

_MASKED, _SILENT = "masked", "silent"
_request: ContextVar[str] = ContextVar("twilio_fax_compat_request", default="")


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        how = _request.get()
        if how == _MASKED:
            record.msg = mask(_QUERY.sub(r"\1?...", record.getMessage()))
            record.args = ()
        return how != _SILENT


_FILTER = _Filter()


@contextmanager
def masked_logs(http_client: Any) -> Iterator[None]:
    """Mask what *http_client* logs in this block: no full number, no query, no path of a link."""
    own = getattr(http_client, "logger", None)
    with _filtered(_MASKED, own if isinstance(own, logging.Logger) else None):
        yield


@contextmanager
def no_logs() -> Iterator[None]:
    """Let HTTP libraries log nothing in this block, which fetches a document or calls a handler."""
    with _filtered(_SILENT):
        yield


@contextmanager
def _filtered(how: str, own: logging.Logger | None = None) -> Iterator[None]:
    for logger in (*map(logging.getLogger, LOGGERS), own):
        if logger is not None:
            logger.addFilter(_FILTER)  # which adds it once; the program may have removed it
    token = _request.set(how)
    try:
        yield
    finally:
        _request.reset(token)
