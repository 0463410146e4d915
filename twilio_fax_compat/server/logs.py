"""The log lines of the server: no number is in any."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import TwilioResponse

logger = logging.getLogger("twilio_fax_compat.server.requests")

_FIELDS = ("route", "method", "status", "seconds", "sid", "code")


def log_request(
    route: str, method: str, status: int, seconds: float, answer: TwilioResponse
) -> None:
    """Log one answered request: no path, no query and no form."""
    if not logger.isEnabledFor(logging.INFO):
        return
    payload = answer.payload or {}
    fields = {
        "route": route,
        "method": method,
        "status": status,
        "seconds": round(seconds, 4),
        "sid": payload.get("sid") if status < 300 else None,
        "code": payload.get("code") if status >= 400 else None,
    }
    logger.info(
        "%s %s: HTTP %d in %d ms", method, route, status, seconds * 1000, extra={"fields": fields}
    )


class JsonFormatter(logging.Formatter):
    """One JSON object for each line: time, level, logger, message, and the fields of a request."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*, with masked numbers."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update({name: fields[name] for name in _FIELDS if fields.get(name) is not None})
        if record.exc_info:
            line["error"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Lines for people, with masked numbers."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*."""
        return mask(super().format(record))


def set_up_logging(*, as_json: bool, level: str) -> None:
    """Write the log lines of the server and of uvicorn to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter()
        if as_json
        else TextFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs
    logging.captureWarnings(capture=True)


class _WithoutQuery(logging.Filter):
    """Cuts the query off the path of uvicorn's access lines: filters of lists are numbers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change *record*, and keep it."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            record.args = (client, method, str(path).partition("?")[0], *rest)
        return True


_WITHOUT_QUERY = _WithoutQuery()


def without_queries() -> None:
    """Let the access log of uvicorn leave out queries."""
    logging.getLogger("uvicorn.access").addFilter(_WITHOUT_QUERY)
