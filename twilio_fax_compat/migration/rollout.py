"""The roll-out: a flag, and what is done with its answers."""

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
"""Stands for no send in particular."""


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
        "rollout: a flag is a stage, a mapping, a Plan or something to call, not {}".format(
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
    raise TwilioException("rollout: key is one of {}".format(", ".join(KEYS)))


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 3600:
        raise TwilioException("rollout: deadline is a number of seconds, above 0 and below an hour")
    return float(value)


@frozen(eq=False)
class Rollout:
    """
    A gradual move: which provider sends each fax, as a flag says at that moment.

    *source*: where the flag lives: `EnvironmentFlag` (the default), `FileFlag` or ``"file:PATH"``,
    `OpenFeatureFlag`, anything to call with a `Subject` that returns what `read_plan` takes, or such a
    value itself.
    *safe_stage*: what counts while the flag cannot be read and never could; a value for `read_plan`.
    *key*: ``to``, ``from`` or ``account``: what a percentage is of, whatever the flag says.
    *fallback*: give to the legacy provider what Telnyx certainly did not send.
    *partial_results*: lists leave out a provider that is down, with a warning, instead of failing.
    *on_decision*: called with each `Decision`; what it raises is logged.
    *deadline*: seconds that OpenFeature or a callable may take for an answer.

    Raises TwilioException for values that cannot be right.
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
        Return *value* if it is a roll-out, else one whose source it is; None is the default one.

        Raises TwilioException for a value that is no stage and nothing to call.
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
        """What was wrong with the flag when it was last asked, None for nothing."""
        return self._asking.trouble

    def _new_asking(self) -> Asking:
        return Asking(self.source, self.source_name, self.safe_stage, self.deadline, self.key)

    def plan(self) -> Plan:
        """Return what the flag says now, about no send in particular."""
        return self._asking.plan(NOBODY)

    def decide(self, fields: Mapping[str, object], account_sid: str | None) -> Decision:
        """
        Return who sends what a Twilio create form, *fields* by wire name, asks for.

        It never raises, and waits for the flag no longer than the deadline. The decision is logged
        (INFO, to ``twilio_fax_compat.migration``) and given to *on_decision*.
        """
        subject = Subject.of(fields, account_sid, self.key or "to")
        decision = decide_for(self._asking.plan(subject), subject)
        if log.isEnabledFor(logging.INFO):
            _record(decision, subject)
        if self.on_decision is not None:
            try:
                self.on_decision(decision)
            except Exception:  # noqa: BLE001 - a hook for metrics stops no fax
                log.exception("on_decision failed")
        return decision


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
