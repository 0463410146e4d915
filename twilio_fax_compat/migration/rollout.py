"""The roll-out: a flag, and the options of the gradual move."""

from __future__ import annotations

import logging
from typing import Any, Callable, Mapping

from attrs import Factory, field, frozen, validators

from twilio_fax_compat._core.masking import mask_number
from twilio_fax_compat._core.migration.decisions import (
    KEYS,
    Decision,
    Plan,
    Subject,
    decide_for,
    read_plan,
)
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.migration._flag_reader import Asking, log
from twilio_fax_compat.migration.flags import Constant, EnvironmentFlag, FileFlag, Flag, named_file

NOBODY = Subject()
"""The subject of a question that is not about one send."""


def _source(value: object) -> Callable[[Subject], Any]:
    if isinstance(value, str):
        path = named_file(value)
        if path is not None:
            return FileFlag(path)
    if isinstance(value, (str, bool, Mapping, Plan)):
        return Constant(_plan(value))
    if callable(value):
        return value
    raise TwilioException(
        "rollout: a flag is a stage, a mapping, a Plan or a callable, not {}".format(
            type(value).__name__
        )
    )


def _plan(value: object) -> Plan:
    try:
        return read_plan(value)
    except ValueError as error:
        raise TwilioException("rollout: {}".format(error)) from None


def _key(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value in KEYS):
        return value
    raise TwilioException("rollout: key must be one of {}".format(", ".join(KEYS)))


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 3600:
        raise TwilioException(
            "rollout: deadline must be a number of seconds, above 0 and below 3600"
        )
    return float(value)


@frozen(eq=False)
class Rollout:
    """
    A gradual move: a flag chooses the provider of each send.

    *source*: where the flag lives: `EnvironmentFlag` (the default), `FileFlag` or ``"file:PATH"``,
    `OpenFeatureFlag`, a callable that takes a `Subject` and returns a value for `read_plan`, or such
    a value itself.
    *safe_stage*: used if the flag cannot be read and never could be; a value for `read_plan`.
    *key*: ``to``, ``from`` or ``account``: what a percentage counts. It overrides the flag's.
    *fallback*: the legacy provider gets what Telnyx certainly did not send.
    *partial_results*: lists leave out a provider that is down, with a warning, instead of failing.
    *on_decision*: called with each `Decision`; its exceptions are logged.
    *deadline*: seconds that OpenFeature or a callable may take to answer, unless it is *inline*.

    Raises TwilioException for wrong values.
    """

    source: Callable[[Subject], Any] = field(factory=EnvironmentFlag, converter=_source)
    safe_stage: Plan = field(default=Plan("off"), converter=_plan)
    key: str | None = field(default=None, converter=_key)
    fallback: bool = field(default=False, validator=validators.instance_of(bool))
    partial_results: bool = field(default=False, validator=validators.instance_of(bool))
    on_decision: Callable[[Decision], object] | None = field(default=None, repr=False)
    deadline: float = field(default=1.0, converter=_seconds)
    _asking: Asking = field(
        default=Factory(lambda self: self._new_asking(), takes_self=True), init=False, repr=False
    )

    @classmethod
    def of(cls, value: object) -> Rollout:
        """
        Return *value* if it is a `Rollout`, else a roll-out with *value* as its source.

        None means the default source. Raises TwilioException for any other value.
        """
        if isinstance(value, Rollout):
            return value
        return cls() if value is None else cls(value)

    @property
    def source_name(self) -> str:
        """Where the flag lives, for people to read."""
        if isinstance(self.source, Flag):
            return str(self.source)
        return "the callable {}".format(
            getattr(self.source, "__qualname__", type(self.source).__qualname__)
        )

    @property
    def trouble(self) -> str | None:
        """What was wrong with the flag at the last read, None if nothing."""
        return self._asking.trouble

    def _new_asking(self) -> Asking:
        return Asking(self.source, self.source_name, self.safe_stage, self.deadline, self.key)

    def plan(self) -> Plan:
        """Return the flag's plan now, for no particular send."""
        return self._asking.plan(NOBODY)

    def decide(self, fields: Mapping[str, object], account_sid: str | None) -> Decision:
        """
        Return who sends the fax of a Twilio create form, *fields* by wire name.

        Never raises, and waits at most *deadline* seconds for a flag that is not *inline*. Logs the
        decision (INFO, to ``twilio_fax_compat.migration``) and passes it to *on_decision*.
        """
        decision = self.choose(fields, account_sid)
        self.record(decision, fields, account_sid)
        return decision

    def choose(self, fields: Mapping[str, object], account_sid: str | None) -> Decision:
        """Return who sends the fax, as `decide` does, without logging it."""
        subject = Subject.of(fields, account_sid, self.key or "to")
        return decide_for(self._asking.plan(subject), subject)

    def record(
        self, decision: Decision, fields: Mapping[str, object], account_sid: str | None
    ) -> None:
        """Log the *decision* about a create form, and pass it to *on_decision*."""
        if log.isEnabledFor(logging.INFO):
            _record(decision, Subject.of(fields, account_sid, self.key or "to"))
        if self.on_decision is not None:
            try:
                self.on_decision(decision)
            except Exception:  # noqa: BLE001 - a metrics hook must not stop a fax
                log.exception("on_decision failed")


def _record(decision: Decision, subject: Subject) -> None:
    to = mask_number(subject.to)
    log.info(
        "%s sends to %s (%s, %s)",
        decision.provider,
        to,
        decision.stage,
        decision.reason,
        extra={
            "fax_stage": decision.stage,
            "fax_provider": decision.provider,
            "fax_reason": decision.reason,
            "fax_key_hash": decision.key_hash,
            "fax_to": to,
        },
    )
