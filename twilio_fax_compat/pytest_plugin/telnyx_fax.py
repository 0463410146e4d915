"""The fixture ``telnyx_fax``: the local Telnyx, controlled with Twilio's SIDs."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from twilio_fax_compat._core.translation.failure_reasons import FAILURE_REASONS
from twilio_fax_compat._core.translation.ids import fax_id, fax_sid
from twilio_fax_compat._suite.emulator import SuiteEmulator
from twilio_fax_compat.testing.journal import Exchange


@frozen
class TelnyxFax:
    """
    The local Telnyx that receives a test's faxes.

    Methods take a fax's Twilio SID; the default is the newest fax. They raise KeyError for an
    unknown SID. *emulator* is the whole `TelnyxEmulator`.
    """

    emulator: SuiteEmulator = field(repr=False)

    @property
    def faxes(self) -> list[dict[str, Any]]:
        """Copies of Telnyx's fax resources, oldest first."""
        return self.emulator.faxes

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies of the requests that sent a fax, as Telnyx received them, oldest first."""
        return [
            exchange.json
            for exchange in self.requests
            if (exchange.method, exchange.path) == ("POST", "/v2/faxes")
        ]

    @property
    def requests(self) -> list[Exchange]:
        """All requests that Telnyx received in this test, oldest first."""
        return self.emulator.journal

    def status(self, sid: str | None = None) -> str:
        """Return Telnyx's status of a fax, without moving the fax to its next status."""
        return str(self.emulator.fax(self._id(sid))["status"])

    def complete(self, sid: str | None = None) -> None:
        """Deliver a fax now, or receive an inbound one."""
        self.emulator.deliver(self._id(sid))

    def fail(self, reason: str = "receiver_no_answer", sid: str | None = None) -> None:
        """
        Fail a fax now, with one of Telnyx's failure reasons such as ``user_busy``.

        Raises ValueError for a reason that Telnyx does not have.
        """
        _check_reason(reason)
        self.emulator.fail(self._id(sid), reason)

    def outcome(self, number: str, what: str) -> None:
        """
        Choose how faxes to *number* end from now on: ``delivered`` or a failure reason.

        Raises ValueError for a reason that Telnyx does not have.
        """
        if what not in ("delivered", "received"):
            _check_reason(what)
        self.emulator.outcome(number, what)

    def hold(self) -> None:
        """Keep all faxes ``queued`` until `release`, however often they are read."""
        self.emulator.hold()

    def release(self) -> None:
        """Let faxes move on after `hold`."""
        self.emulator.release()

    def settle(self) -> None:
        """Move every fax that is not held to its final status now."""
        self.emulator.settle()

    def receive(self, from_: str, to: str, pages: int = 1, document: bytes | None = None) -> str:
        """Simulate an incoming fax, from the first ring to the document, and return its SID."""
        arrived = self.emulator.receive(from_, to, pages, document)
        self.emulator.deliver(arrived)
        return str(fax_sid(arrived))

    def _id(self, sid: str | None) -> str:
        if sid is None:
            faxes = self.emulator.faxes
            if not faxes:
                raise KeyError("no fax was sent")
            return str(faxes[-1]["id"])
        telnyx_id = fax_id(sid)
        if telnyx_id is None:
            raise KeyError(sid)
        return telnyx_id


def _check_reason(reason: str) -> None:
    if reason not in FAILURE_REASONS:
        raise ValueError(
            "{!r} is not a failure reason of Telnyx; these are: {}".format(
                reason, ", ".join(sorted(FAILURE_REASONS))
            )
        )
