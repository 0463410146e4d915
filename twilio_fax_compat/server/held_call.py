"""A flow's run whose finished send is forgotten only after the client got its answer."""

from __future__ import annotations

from typing import Any, Awaitable, Callable

from attrs import evolve

from twilio_fax_compat._core.attempts import Attempt
from twilio_fax_compat._core.effects import Effect, EndSend
from twilio_fax_compat._telnyx.driver import Call
from twilio_fax_compat.ledger import Ledger

Check = Callable[[], Awaitable[None]]


class HeldCall(Call):
    """
    A `Call` that keeps the ledger's entry of a finished send until `settle`.

    If this process is killed between Telnyx's answer and ours, the next equal create finds the entry
    and looks for the fax.
    """

    def __init__(self, ledger: Ledger, check: Check | None = None) -> None:
        """
        Take a ledger. *check* is called when a send was begun, before its request leaves.

        What it raises ends the flow.
        """
        super().__init__(ledger)
        self.check = check
        self._held: tuple[Attempt, Attempt] | None = None

    def carry_out(self, effect: Effect) -> Any:
        """Perform an effect other than a request, and return its result."""
        self._forget_held()
        if isinstance(effect, EndSend):
            # A flow that goes on changes its attempt, so what ended is copied.
            self._held = effect.attempt, evolve(effect.attempt)
            return None
        return super().carry_out(effect)

    @property
    def token(self) -> str:
        """The token of the send that was begun last, an empty text if there is none."""
        return self._opened[-1].token if self._opened else ""

    @property
    def is_retry(self) -> bool:
        """Whether the send that was begun last is one that an earlier call left without an end."""
        return bool(self._opened) and self._opened[-1].is_retry

    @property
    def may_be_out(self) -> bool:
        """Whether a request of this call may have left, and no answer has settled it."""
        return any(attempt.may_be_out for attempt in self._opened)

    def settle(self) -> None:
        """Write how the sends of this call ended."""
        self._forget_held()
        super().__exit__()

    def __exit__(self, *_error: object) -> None:
        """Leave the sends as they are, for `settle`."""

    def _forget_held(self) -> None:
        if self._held is None:
            return
        (attempt, ended), self._held = self._held, None
        super().carry_out(EndSend(ended))
        if attempt.token == ended.token:
            attempt.is_open = False
