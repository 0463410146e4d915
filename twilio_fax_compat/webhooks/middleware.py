"""The common base of the WSGI and the ASGI middleware."""

from __future__ import annotations

import logging
from typing import Collection, Generic, Mapping, Sequence, TypeVar

from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.webhooks.events import FaxEvent
from twilio_fax_compat._core.webhooks.public_url import FORWARDED_HEADERS
from twilio_fax_compat.ledger import InboxEntry, Ledger
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.webhooks.accounts import AuthTokens
from twilio_fax_compat.webhooks.inbox import InboxWorkers
from twilio_fax_compat.webhooks.media import Media
from twilio_fax_compat.webhooks.receiver import Receiver

logger = logging.getLogger("twilio_fax_compat.webhooks")

A = TypeVar("A")


class Middleware(Generic[A]):
    """Wraps *app*. The settings are checked when the middleware is created."""

    def __init__(
        self,
        app: A,
        *,
        auth_token: AuthTokens | None = None,
        account_sid: str | None = None,
        public_key: str | Sequence[str] | None = None,
        ledger: Ledger | str | None = None,
        forward: str = "final",
        max_body: int = 1024 * 1024,
        media: Media | TelnyxSettings | bool = False,
        inbox: bool = False,
        incoming_method: str = "POST",
        number_accounts: Mapping[str, str] | None = None,
        application: str | None = None,
        public_url: str | None = None,
        forwarded_headers: Collection[str] = FORWARDED_HEADERS,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.app = app
        self._receiver = Receiver.of(
            auth_token=auth_token,
            account_sid=account_sid,
            public_key=public_key,
            ledger=ledger,
            forward=forward,
            max_body=max_body,
            media=media,
            inbox=inbox,
            incoming_method=incoming_method,
            number_accounts=number_accounts or {},
            application=application,
            public_url=public_url,
            forwarded_headers=forwarded_headers,
            environ=environ,
        )
        self._workers = (
            InboxWorkers(
                self._receiver.ledger,
                self._deliver_entry,
                self._receiver.keeper,
                application=self._receiver.application,
            )
            if inbox
            else None
        )

    def start(self) -> None:
        """Start to deliver from the inbox now. Otherwise the first request of the process does so."""
        if self._workers is not None:
            self._workers.start()

    def close(self, timeout: float = 10.0) -> None:
        """Stop delivering from the inbox; wait up to *timeout* seconds for running deliveries."""
        if self._workers is not None:
            self._workers.stop(timeout)

    def _deliver_entry(self, entry: InboxEntry) -> None:
        raise NotImplementedError


def log_late_failure(event: FaxEvent, status: int, error: BaseException) -> None:
    """Log that the application failed after it had answered a callback with *status*."""
    logger.error(
        "the application failed after it had answered a callback about %s with HTTP %d, "
        "which counts",
        fax_sid(event.fax_id),
        status,
        exc_info=error,
    )


def log_failure_after_cancel(event: FaxEvent, error: BaseException) -> None:
    """Log that a delivery failed after its request had been cancelled."""
    logger.error(
        "a callback about %s failed after the request of its event had been cancelled; Telnyx "
        "delivers the event again",
        fax_sid(event.fax_id),
        exc_info=error,
    )
