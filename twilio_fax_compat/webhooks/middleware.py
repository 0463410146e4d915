"""The common base of the WSGI and the ASGI middleware."""

from __future__ import annotations

from typing import Generic, Mapping, Sequence, TypeVar

from twilio_fax_compat.ledger import InboxEntry, Ledger
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.webhooks.accounts import AuthTokens
from twilio_fax_compat.webhooks.inbox import InboxWorkers
from twilio_fax_compat.webhooks.media import Media
from twilio_fax_compat.webhooks.receiver import Receiver

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


def path_inside(target: str, called: str, own: str) -> str:
    """
    Return the server's path for *target*, a path on the host that Telnyx called.

    A proxy may map the public path *called* to the server's path *own*.
    """
    if target == called:
        return own
    before = called[: -len(own)] if own and called.endswith(own) else ""
    return target[len(before) :] if before and target.startswith(before + "/") else target
