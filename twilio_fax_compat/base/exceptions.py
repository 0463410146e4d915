"""
Twilio's exceptions: the classes of the installed ``twilio`` package, or else equal ones of our own.

So ``except twilio.base.exceptions.TwilioRestException`` catches ours where that package is installed.

    TwilioException             a setting is missing or wrong
      TwilioRestException       the fax API answered with an error, or did not answer
      TwilioIsMissing           a product other than fax needs the twilio package
    LedgerUnavailable           a ledger's database cannot be reached
    FlagUnavailable             a migration flag cannot be read
    NotACassette (ValueError)   a file is not a recording of vcrpy, or (BrokenCassette) is not safe to use
    NotRecorded                 a replayed request is not in the recording
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Mapping

__all__ = ["TwilioException", "TwilioRestException"]


def _is_installed() -> bool:
    # A module of that name may be our own alias, see `_install`.
    return not getattr(sys.modules.get("twilio"), "__twilio_fax_compat__", False)


class _OwnException(Exception):
    """The base of all errors."""


class _OwnRestException(_OwnException):
    """An error response of Twilio's API: *status*, *uri*, *msg*, *code*, *method*, *details*."""

    def __init__(
        self,
        status: int,
        uri: str,
        msg: str = "",
        code: int | None = None,
        method: str = "GET",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        # A repr shows an exception's arguments, so the details are not among them.
        self.status = status
        self.uri = uri
        self.msg = msg
        self.code = code
        self.method = method
        self.details = details

    def __str__(self) -> str:
        if getattr(sys.stderr, "isatty", None) and sys.stderr.isatty():
            return _on_a_terminal(self)
        return f"HTTP {self.status} error: {self.msg}"


def _on_a_terminal(error: _OwnRestException) -> str:
    def colour(number: int, text: object) -> str:
        return f"\033[{number}m\033[49m{text}\033[0m"

    text = "\n{} {}\n\n{}\n\n{}\n\n{}\n".format(
        colour(31, "HTTP Error"),
        colour(37, "Your request was:"),
        colour(36, f"{error.method} {error.uri}"),
        colour(37, "Twilio returned the following information:"),
        colour(34, error.msg),
    )
    if error.code:
        text += "\n{}\n\n{}\n\n".format(
            colour(37, "More information may be available here:"),
            colour(34, f"https://www.twilio.com/docs/errors/{error.code}"),
        )
    return text


for _class, _name in (
    (_OwnException, "TwilioException"),
    (_OwnRestException, "TwilioRestException"),
):
    _class.__name__ = _class.__qualname__ = _name

if TYPE_CHECKING:
    TwilioException = _OwnException
    TwilioRestException = _OwnRestException
else:
    TwilioException, TwilioRestException = _OwnException, _OwnRestException
    if _is_installed():
        with contextlib.suppress(ImportError):
            from twilio.base.exceptions import TwilioException, TwilioRestException
