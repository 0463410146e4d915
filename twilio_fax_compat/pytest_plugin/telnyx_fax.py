"""The fixture ``telnyx_fax``: the local Telnyx, spoken to with Twilio's SIDs."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from twilio_fax_compat._core.translation.ids import fax_id, fax_sid
from twilio_fax_compat.pytest_plugin.backends.emulator import SuiteEmulator
from twilio_fax_compat.testing.journal import Exchange


@frozen
class TelnyxFax:
    """
    The Telnyx that a test's faxes go to.

    A fax is named by its Twilio SID; without one the newest fax is meant. Methods that take a SID
    raise KeyError for an unknown one. *emulator* is the whole `TelnyxEmulator`.
    """

    emulator: SuiteEmulator = field(repr=False)

    @property
    def faxes(self) -> list[dict[str, Any]]:
        """Copies of Telnyx's fax resources, oldest first."""
        return self.emulator.faxes

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies of the requests that sent a fax, oldest first, as Telnyx got them."""
        return [
            exchange.json
            for exchange in self.requests
            if (exchange.method, exchange.path) == ("POST", "/v2/faxes")
        ]

    @property
    def requests(self) -> list[Exchange]:
        """All requests that Telnyx saw in this test, oldest first."""
        return self.emulator.journal

    def status(self, sid: str | None = None) -> str:
        """Return Telnyx's status of a fax; to ask takes it no further."""
        return str(self.emulator.fax(self._id(sid))["status"])

    def complete(self, sid: str | None = None) -> None:
        """Let a fax be delivered, or received, now."""
        self.emulator.deliver(self._id(sid))

    def fail(self, reason: str = "receiver_no_answer", sid: str | None = None) -> None:
        """Let a fax fail now, for one of Telnyx's reasons such as ``user_busy``."""
        self.emulator.fail(self._id(sid), reason)

    def outcome(self, number: str, what: str) -> None:
        """Say how faxes to *number* end from now on: ``delivered`` or a reason of failure."""
        self.emulator.outcome(number, what)

    def hold(self) -> None:
        """Let no fax get beyond ``queued`` until `release`, however often it is looked at."""
        self.emulator.hold()

    def release(self) -> None:
        """Let faxes go on."""
        self.emulator.release()

    def settle(self) -> None:
        """Let every fax that is not held come to its end now."""
        self.emulator.settle()

    def receive(self, from_: str, to: str, pages: int = 1, document: bytes | None = None) -> str:
        """Let a fax arrive, from its first ring to the document, and return its SID."""
        arrived = self.emulator.receive(from_, to, pages, document)
        self.emulator.deliver(arrived)
        return str(fax_sid(arrived))

    def _id(self, sid: str | None) -> str:
        if sid is None:
            faxes = self.emulator.faxes
            if not faxes:
                raise KeyError("no fax was sent")
            return str(faxes[-1]["id"])
        found = fax_id(sid)
        if found is None:
            raise KeyError(sid)
        return found
