"""The loop that feeds a flow: the network, the clock, warnings and the ledger."""

from __future__ import annotations

import os
import sys
import warnings
from datetime import datetime, timezone
from random import random
from time import sleep
from typing import TYPE_CHECKING, Any, Mapping

from twilio_fax_compat._core.exchange import Setup, exchange, twilio_request
from twilio_fax_compat._core.messages import (
    Effect,
    Flow,
    Mint,
    Minted,
    Pause,
    Recall,
    Remember,
    TelnyxRequest,
    TwilioRequest,
    TwilioResponse,
    Warn,
)
from twilio_fax_compat._http import Send, sender
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.warnings import TelnyxCompatibilityWarning

if TYPE_CHECKING:
    from twilio_fax_compat._core.media_links import Documents

_warned: set[str] = set()


class Exchange:
    """One Twilio account's fax API, answered by one Telnyx account."""

    def __init__(
        self,
        account_sid: str | None,
        settings: TelnyxSettings,
        http_client: Any,
        ledger: Ledger,
        documents: Documents | None = None,
    ) -> None:
        """Take complete *settings*, and what `sender` takes as *http_client*."""
        self.http_client = http_client
        self._send = sender(settings, http_client)
        self._ledger = ledger
        self._setup = Setup(
            account_sid=account_sid,
            connection_id=settings.connection_id or "",
            retry=settings.retry,
            unsupported=settings.unsupported,
            documents=documents,
        )

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> TwilioResponse:
        """Answer a request of Twilio's fax API."""
        return self.answer(twilio_request(method, url, params, data))

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        """Answer a *request* of Twilio's fax API that is read already."""
        return drive(exchange(request, self._setup), self._send, self._ledger)


def documents_at(host: str, auth_token: str | None) -> Documents:
    """
    Return the documents that an application at *host* serves, under links signed by *auth_token*.

    Raises TwilioException when either cannot be right.
    """
    from twilio_fax_compat._core.media_links import read_documents

    documents = read_documents(host, auth_token) if auth_token else None
    if documents is None:
        raise TwilioException(
            "media_host (TWILIO_FAX_COMPAT_MEDIA_HOST) must be an http or https URL as "
            "https://app.example.com, and needs the auth token that signs the links"
        )
    return documents


def drive(flow: Flow, send: Send, ledger: Ledger) -> TwilioResponse:
    """Run *flow* to its end and return what it returns."""
    result: Any = None
    try:
        while True:
            effect = flow.send(result)
            result = (
                send(effect) if isinstance(effect, TelnyxRequest) else carry_out(effect, ledger)
            )
    except StopIteration as end:
        response: TwilioResponse = end.value
        return response


def carry_out(effect: Effect, ledger: Ledger) -> Any:
    """Carry out an effect that is no request and return what answers it."""
    if isinstance(effect, Mint):
        return Minted(os.urandom(16).hex(), datetime.now(timezone.utc))
    if isinstance(effect, Recall):
        return ledger.recall(effect.fax_ids)
    if isinstance(effect, Remember):
        return ledger.remember(effect.fax_id, effect.facts)
    if isinstance(effect, Pause):
        return sleep(effect.seconds + effect.jitter * random())
    if isinstance(effect, Warn):
        return warn_once(effect)
    raise TypeError(type(effect).__name__)


def warn_once(warning: Warn) -> None:
    """Give *warning* to the developer, at the line that called this package."""
    if warning.parameter in _warned:
        return
    warnings.warn(warning.text, TelnyxCompatibilityWarning, stacklevel=_callers_level())
    _warned.add(warning.parameter)


def _callers_level() -> int:
    level = 1
    frame = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in (package, "twilio"):
            return level
        frame = frame.f_back
        level += 1
    return level
