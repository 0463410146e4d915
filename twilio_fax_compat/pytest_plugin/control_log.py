"""The control run's calls, read from what Twilio's own package logs."""

from __future__ import annotations

import logging
import re
from typing import Callable

from attrs import define, field

from twilio_fax_compat._core.fax_api.routes import twilio_request
from twilio_fax_compat.pytest_plugin.report.records import TwilioCall
from twilio_fax_compat.rest import FAX_URL

_REQUEST = re.compile(r"(?:-- )?([A-Z]+) Request: (\S+)")


@define(eq=False)
class ControlLog(logging.Filter):
    """
    Reads the log of Twilio's HTTP client, and hides lines that nobody would have seen before.

    Twilio's client logs ``POST Request: URL`` for each request. Calls through another
    ``http_client``, and calls that fail before the request, are not seen.
    """

    record: Callable[[TwilioCall], None]
    _logger: logging.Logger = field(factory=lambda: logging.getLogger("twilio.http_client"))
    _level: int = logging.NOTSET

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def start(self) -> None:
        """Start reading the log."""
        self._level = self._logger.level
        self._logger.setLevel(logging.INFO)
        self._logger.addFilter(self)

    def stop(self) -> None:
        """Stop reading the log."""
        self._logger.removeFilter(self)
        self._logger.setLevel(self._level)

    def filter(self, record: logging.LogRecord) -> bool:
        """Record a request. Return whether the line would have been logged without us."""
        match = _REQUEST.match(record.getMessage())
        if match is not None and FAX_URL.match(match.group(2)):
            request = twilio_request(match.group(1), match.group(2))
            self.record(TwilioCall.of(request, "twilio"))
        parent = self._logger.parent
        inherited = logging.WARNING if parent is None else parent.getEffectiveLevel()
        return record.levelno >= (self._level or inherited)
