"""Asking a flag: it never stops a send, and each decision is told."""

import logging
import subprocess
import sys
from threading import Event

import pytest

from tests.helpers import ACCOUNT, TO
from tests.migration.helpers import FORM, LOGGER, in_threads, stage_of, warnings_in
from twilio_fax_compat.migration import Decision, Rollout

OTHER = "+15005550008"


class Hanging:
    """A callable that answers at once, or when it is let."""

    def __init__(self, value):
        self.value = value
        self.calls = 0
        self.gate = Event()
        self.gate.set()

    def __call__(self, subject):
        self.calls += 1
        value = self.value
        self.gate.wait(60)
        return value


def test_a_broken_callable_keeps_the_last_stage(caplog):
    """It is said once when it breaks and once when it works, however often it is asked."""
    answers = {"now": "shadow"}
    rollout = Rollout(lambda _: answers["now"], safe_stage="on")
    assert stage_of(rollout) == "shadow"
    del answers["now"]
    for _ in range(20):
        assert stage_of(rollout) == "shadow"
    answers["now"] = 17
    assert stage_of(rollout) == "shadow"
    (broken,) = warnings_in(caplog)
    assert "the callable" in broken
    assert "'now'" in broken
    answers["now"] = "25%"
    for _ in range(20):
        assert stage_of(rollout) == "ramp"
    assert len(warnings_in(caplog)) == 1


def test_a_flag_that_never_worked_is_at_the_safe_stage(caplog):
    """The configured stage counts until the flag was read once."""

    def broken(subject):
        raise SystemExit(f"no flag for {subject.to}")

    for safe in ("off", "shadow", "on"):
        assert stage_of(Rollout(broken, safe_stage=safe)) == safe
    assert Rollout(broken, key="from").plan().key == "from"
    assert TO not in " ".join(warnings_in(caplog))


def test_an_error_text_is_masked(caplog):
    """What a callable says about a number is not logged in full."""

    def broken(subject):
        raise LookupError(f"no flag for {subject.to}")

    stage_of(Rollout(broken))
    assert "no flag for ...0009" in warnings_in(caplog)[0]


def test_a_hanging_callable_is_left_alone(caplog):
    """While it hangs nobody asks it or waits for it; its late answer counts."""
    flag = Hanging("shadow")
    rollout = Rollout(flag, deadline=0.05)
    assert stage_of(rollout) == "shadow"
    flag.gate.clear()
    flag.value = "25%"
    assert stage_of(rollout) == "shadow"
    assert flag.calls == 2
    for _ in range(20):
        assert stage_of(rollout) == "shadow"
    in_threads(lambda: stage_of(rollout))
    assert flag.calls == 2
    (broken,) = warnings_in(caplog)
    assert "no answer in 0.05 seconds" in broken

    flag.value = None
    (hanging,) = [rollout._asking._workers._now.hanging]
    flag.gate.set()
    assert hanging.done.wait(60)
    assert stage_of(rollout) == "ramp"
    assert flag.calls == 3
    flag.value = "on"
    assert stage_of(rollout) == "on"
    assert "works again" in warnings_in(caplog)[0]


def test_threads_ask_at_the_same_time():
    """One slow answer keeps no other thread waiting for its turn."""
    together = Event()
    waiting = []

    def flag(subject):
        waiting.append(subject)
        if len(waiting) == 8:
            together.set()
        assert together.wait(60)
        return "on"

    rollout = Rollout(flag, deadline=60)
    stages = []
    in_threads(lambda: stages.append(stage_of(rollout)))
    assert stages == ["on"] * 8


def test_a_callable_sees_the_context_of_its_caller():
    """Context variables reach the worker, as those of a request do."""
    from contextvars import ContextVar

    tenant = ContextVar("tenant")
    rollout = Rollout(lambda _: tenant.get())
    for stage in ("shadow", "on"):
        tenant.set(stage)
        assert stage_of(rollout) == stage


def test_a_fork_leaves_both_a_flag():
    """In a child the flag is asked anew, though the parent's flag hangs, and though it is broken."""
    code = """
import os, threading
from twilio_fax_compat.migration import Rollout
parent, gate = os.getpid(), threading.Event()
calls = []
def flag(subject):
    calls.append(1)
    if os.getpid() == parent and len(calls) > 1:
        gate.wait(60)
    return "on" if os.getpid() != parent else "shadow"
rollout = Rollout(flag, deadline=0.05)
form = {"To": "+15005550009"}
assert rollout.decide(form, None).stage == "shadow"
assert rollout.decide(form, None).stage == "shadow"
child = os.fork()
if child == 0:
    os._exit(0 if rollout.decide(form, None).stage == "on" else 1)
assert os.waitpid(child, 0)[1] == 0
assert rollout.decide(form, None).stage == "shadow"
assert len(calls) == 2
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


def test_a_hanging_flag_does_not_keep_the_process():
    """The interpreter ends while the flag hangs."""
    code = (
        "import threading\n"
        "from twilio_fax_compat.migration import Rollout\n"
        "rollout = Rollout(lambda subject: threading.Event().wait(), deadline=0.01)\n"
        "print(rollout.decide({}, None).stage)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == "off\n"


def test_a_flag_for_each_send_keeps_each_its_own(caplog):
    """When it breaks, each destination stays with its provider; a new one is safe."""

    def flag(subject):
        if broken:
            raise OSError("gone")
        return answers[subject.to]

    flag.per_send = True
    answers, broken = {TO: "on", OTHER: "off"}, []
    rollout = Rollout(flag, safe_stage="shadow")
    assert (stage_of(rollout, TO), stage_of(rollout, OTHER)) == ("on", "off")
    broken.append(True)
    assert [stage_of(rollout, to) for to in (TO, OTHER, TO)] == ["on", "off", "on"]
    assert stage_of(rollout, "+15005550007") == "shadow"

    broken.clear()
    answers = dict.fromkeys([TO, OTHER], "25%")
    assert (stage_of(rollout, TO), stage_of(rollout, OTHER)) == ("ramp", "ramp")
    broken.append(True)
    assert stage_of(rollout, "+15005550007") == "ramp"


def test_the_last_plans_have_a_limit():
    """The oldest of very many destinations are forgotten, the others are not."""
    from twilio_fax_compat.migration import Plan, Subject
    from twilio_fax_compat.migration._flag_reader import LastPlans

    last = LastPlans(limit=10)
    plans = [Plan("ramp", percent) for percent in range(35)]
    for percent, plan in enumerate(plans):
        last.keep(Subject(str(percent)), plan)
    known = [last.find(Subject(str(percent))) for percent in range(35)]
    assert known[-15:] == plans[-15:]
    assert known[:10] == [None] * 10


def test_a_key_may_be_fixed():
    """The roll-out's own key wins over the flag's."""
    rollout = Rollout({"percent": 50, "key": "to"}, key="account")
    decisions = {rollout.decide({**FORM, "To": f"+1500555{n:04}"}, ACCOUNT) for n in range(50)}
    assert len(decisions) == 1
    assert rollout.plan().key == "account"


def test_a_decision_is_a_record(caplog):
    """Stage, provider, reason and hash are fields of the record; the number is masked."""
    rollout = Rollout({"allow": {"to": [TO]}})
    with caplog.at_level(logging.INFO, LOGGER):
        decision = rollout.decide(FORM, ACCOUNT)
    (record,) = caplog.records
    assert decision == Decision("ramp", "telnyx", "allowed", decision.key_hash)
    assert record.name == LOGGER
    assert (record.fax_stage, record.fax_provider) == ("ramp", "telnyx")
    assert (record.fax_reason, record.fax_key_hash) == ("allowed", decision.key_hash)
    assert record.fax_to == "...0009"
    assert TO[1:] not in str(vars(record))
    assert record.getMessage() == "telnyx sends to ...0009 (ramp, allowed)"


def test_decisions_are_not_logged_unless_wanted(caplog):
    """Without INFO there is no record."""
    with caplog.at_level(logging.WARNING, LOGGER):
        stage_of(Rollout("on"))
    assert caplog.records == []


def test_a_hook_gets_each_decision(caplog):
    """What the hook raises is logged and stops nothing."""
    seen = []
    rollout = Rollout("on", on_decision=seen.append)
    assert [rollout.decide(FORM, ACCOUNT) for _ in range(2)] == seen

    def broken(decision):
        raise RuntimeError("no metrics today")

    assert stage_of(Rollout("on", on_decision=broken)) == "on"
    assert "no metrics today" in caplog.text


def test_sending_stays_light():
    """Neither the client nor the flag loads what only some use."""
    code = (
        "import sys, twilio_fax_compat.rest\n"
        "assert not [name for name in sys.modules if name.startswith('twilio_fax_compat.migration')]\n"
        "from twilio_fax_compat.migration import Rollout\n"
        "Rollout('on').decide({}, None)\n"
        "assert not {'openfeature', 'sqlite3', 'argparse'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_has_what_it_says():
    """Each name can be imported, another is told."""
    from twilio_fax_compat import migration

    for name in migration.__all__:
        if name != "OpenFeatureFlag":
            assert getattr(migration, name).__name__ == name
            assert name in dir(migration)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        migration.Nothing  # noqa: B018
