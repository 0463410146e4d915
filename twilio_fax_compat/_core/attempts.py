"""One try to send a fax, and what the ledger stores of it until its end is known."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Mapping

from attrs import define, field, frozen

LEGACY, TELNYX = "legacy", "telnyx"

NAMES: Mapping[str, str] = {LEGACY: "the legacy provider", TELNYX: "Telnyx"}
"""The providers' names in messages."""

LIFETIME = 24 * 3600.0
"""How long a send without a known end is remembered, in seconds."""


def account_mark(base_url: str, connection_id: str) -> str:
    """Return a short text that differs for Telnyx accounts. It has no API key, because keys are replaced."""
    return sha256(repr((base_url.rstrip("/"), connection_id)).encode()).hexdigest()[:16]


@define
class Attempt:
    """
    One send of a fax, from before its request leaves until its end is known.

    *key* is the form's key in the ledger (`send_key`), an empty text if nothing is remembered. *token*
    is in the fax's ``client_state``. *provider* may have the fax. *turn* counts the calls that worked
    on this send. *at* is the provider's time when the last request left, in seconds since 1970, None
    if unknown. *account* is the `account_mark` of the Telnyx account that was asked, an empty text if
    unknown. *is_retry*: an earlier call left this send without a known end. *may_be_out*: a request
    may have left and no answer has settled it. *was_out*: that was so before the last request.
    """

    key: str = field(repr=False)
    token: str
    provider: str = TELNYX
    turn: int = 0
    at: float | None = None
    account: str = ""
    is_retry: bool = False
    may_be_out: bool = False
    was_out: bool = False
    is_open: bool = True

    @property
    def name(self) -> str:
        """The part of the key that people type: 32 hexadecimal digits."""
        return self.key.rpartition(":")[2]

    def leaves(self) -> None:
        """Note that a request is about to leave."""
        self.was_out, self.may_be_out = self.may_be_out, True

    def has_not_left(self) -> None:
        """Note that the request that was about to leave did not."""
        self.may_be_out = self.was_out

    def entry(self, owner: str, wall: float) -> dict[str, Any]:
        """Return what a ledger stores, as JSON. *owner* names the process at work, or is empty."""
        return {
            "owner": owner,
            "provider": self.provider,
            "turn": self.turn,
            "at": self.at,
            "account": self.account,
            "wall": wall,
        }

    @classmethod
    def of_entry(cls, key: str, token: str, entry: Mapping[str, Any]) -> Attempt:
        """Return the attempt of a stored *entry*, for the next call that works on it."""
        at = entry.get("at")
        return cls(
            key,
            token,
            str(entry.get("provider") or TELNYX),
            int(entry.get("turn") or 0) + 1,
            float(at) if isinstance(at, (int, float)) else None,
            str(entry.get("account") or ""),
            is_retry=True,
            may_be_out=True,
        )


@frozen
class InProgress:
    """Another machine may be sending an equal fax right now: ask again after a moment."""
