"""Telnyx's webhooks and links to documents, as routes of the server."""

from __future__ import annotations

from typing import Mapping, Sequence

from attrs import define
from starlette.routing import BaseRoute

from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.server.accounts import Account
from twilio_fax_compat.server.config import ServerConfig


@define(eq=False)
class Callbacks:
    """Receives Telnyx's events and calls the programs' URLs, from `start` to `stop`."""

    config: ServerConfig
    ledger: Ledger

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes of Telnyx's webhooks and of links to documents."""
        return ()

    async def start(self) -> None:
        """Begin to deliver, in the running event loop."""

    async def stop(self) -> None:
        """Finish the deliveries in hand."""

    def webhook_url(
        self, account: Account, fields: Mapping[str, object], origin: str
    ) -> str | None:
        """
        Return where Telnyx sends the events of a fax, or None for the ``StatusCallback`` itself.

        *fields* are the create form of *account*, by Twilio's names, and *origin* is the public address
        of this server, as ``https://fax.example.com``. Called before the fax is sent.
        """
        return None
