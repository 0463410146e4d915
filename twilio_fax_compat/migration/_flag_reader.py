"""Read a flag without letting a broken or slow flag block a send."""

from __future__ import annotations

from logging import getLogger
from threading import Lock
from typing import Any, Callable

from attrs import define, evolve, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.migration.decisions import Plan, Subject, read_plan
from twilio_fax_compat.migration._deadline import Workers

log = getLogger("twilio_fax_compat.migration")

_TEXTS = 64  # parsed texts that are kept, so that each text is parsed once


@define(eq=False)
class LastPlans:
    """The last plans of up to 2 x *limit* subjects."""

    limit: int = 1024
    _young: dict[str, Plan] = field(factory=dict, init=False)
    _old: dict[str, Plan] = field(factory=dict, init=False)

    def keep(self, subject: Subject, plan: Plan) -> None:
        """Keep the plan of *subject*."""
        self._young[subject.key_hash()] = plan
        if len(self._young) >= self.limit:
            self._old, self._young = self._young, {}

    def find(self, subject: Subject) -> Plan | None:
        """Return the last plan of *subject*; else the plan that all subjects share; else None."""
        young, old = self._young, self._old
        key_hash = subject.key_hash()
        plan = young.get(key_hash) or old.get(key_hash)
        if plan is not None:
            return plan
        plans = [*young.values(), *old.values()]
        return plans[0] if plans and all(other == plans[0] for other in plans) else None


@define(eq=False)
class Asking:
    """
    Reads the plan from *source*. If that fails, uses the last good plan, else *safe*.

    A source that is not inline has *deadline* seconds. A source that hangs is not called again until
    it returns. *key* replaces the key of every plan. *trouble* says what is wrong with the source
    now. No method waits for a lock.
    """

    source: Callable[[Subject], Any]
    name: str
    safe: Plan
    deadline: float
    key: str | None
    trouble: str | None = field(default=None, init=False)
    _is_inline: bool = field(init=False)
    _is_per_send: bool = field(init=False)
    _plans: dict[str, Plan] = field(factory=dict, init=False)
    _last: Plan | None = field(default=None, init=False)
    _last_plans: LastPlans = field(factory=LastPlans, init=False)
    _workers: Workers = field(factory=Workers, init=False)
    # Locked while the source is broken; of many threads that notice, one takes it and logs.
    _broken: Lock = field(factory=Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._is_inline = getattr(self.source, "inline", False)
        self._is_per_send = getattr(self.source, "per_send", False)
        self.safe = self._with_key(self.safe)

    def plan(self, subject: Subject) -> Plan:
        """Return the plan for *subject*. Never raises."""
        try:
            if self._is_inline:
                plan = self._learn(subject)
            else:
                plan = self._workers.run(lambda: self._learn(subject), self.deadline)
        except Exception as error:  # noqa: BLE001 - no error of a flag stops a fax
            self._note_broken(error)
            return self._last_good(subject)
        if self._broken.locked():
            self._note_good()
        return plan

    def _learn(self, subject: Subject) -> Plan:
        """Return the source's plan, and keep it even if the deadline has passed."""
        self._last = plan = self._read(self.source(subject))
        if self._is_per_send:
            self._last_plans.keep(subject, plan)
        return plan

    def _last_good(self, subject: Subject) -> Plan:
        last = self._last_plans.find(subject) if self._is_per_send else self._last
        return last or self.safe

    def _read(self, value: object) -> Plan:
        if not isinstance(value, str):
            return self._with_key(read_plan(value))
        plan = self._plans.get(value)
        if plan is None:
            plan = self._with_key(read_plan(value))
            if len(self._plans) >= _TEXTS:
                self._plans.clear()
            self._plans[value] = plan
        return plan

    def _with_key(self, plan: Plan) -> Plan:
        return plan if self.key in (None, plan.key) else evolve(plan, key=self.key)

    def _note_broken(self, error: Exception) -> None:
        self.trouble = trouble = mask(str(error) or type(error).__name__)
        if self._broken.acquire(blocking=False):
            log.warning(
                "the rollout flag (%s) is broken: %s; until it works, the last good stage is "
                "used, or the safe one (%s)",
                self.name,
                trouble,
                self.safe.stage,
            )

    def _note_good(self) -> None:
        try:
            self._broken.release()
        except RuntimeError:
            return
        self.trouble = None
        log.warning("the rollout flag (%s) works again", self.name)
