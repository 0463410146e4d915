"""Where the flag lives: constants, the environment and files."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.helpers import ACCOUNT
from tests.migration.helpers import FORM, in_threads, stage_of, warnings_in
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.migration import EnvironmentFlag, FileFlag, Plan, Rollout, Subject

ROOT = Path(__file__).parents[2]
LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.mark.parametrize(
    ("value", "plan"),
    [
        ("25%", Plan("ramp", 25)),
        (True, Plan("on")),
        ({"stage": "shadow"}, Plan("shadow")),
        (Plan("complete"), Plan("complete")),
        (lambda _: "on", Plan("on")),
    ],
)
def test_a_rollout_is_made_of_what_is_at_hand(value, plan):
    """Texts, booleans, mappings, plans and callables are sources."""
    assert Rollout.of(value).plan() == Rollout(value).plan() == plan


def test_a_rollout_stays_what_it_is():
    """What is a roll-out already keeps its settings."""
    rollout = Rollout("on", fallback=True)
    assert Rollout.of(rollout) is rollout


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"source": "half"}, "rollout: 'half' is not a stage"),
        ({"source": 25}, "not int"),
        ({"source": {"percent": 101}}, "percent: 101 is not a number"),
        ({"safe_stage": "unsafe"}, "'unsafe' is not a stage"),
        ({"key": "number"}, "key must be one of to, from, account"),
        ({"deadline": 0}, "deadline"),
        ({"deadline": "1"}, "deadline"),
    ],
)
def test_a_wrong_setting_is_told_at_once(settings, told):
    """A constant that cannot be right is an error, not a broken flag."""
    with pytest.raises(TwilioException, match=told):
        Rollout(**settings)


def test_the_environment_is_read_at_every_call(monkeypatch, caplog):
    """The variable of the process counts, now; without one the last stage does."""
    monkeypatch.setenv("TWILIO_FAX_COMPAT_ROLLOUT", "shadow")
    rollout = Rollout()
    assert stage_of(rollout) == "shadow"
    monkeypatch.setenv("TWILIO_FAX_COMPAT_ROLLOUT", "on")
    assert stage_of(rollout) == "on"
    monkeypatch.setenv("TWILIO_FAX_COMPAT_ROLLOUT", "nonsense")
    assert stage_of(rollout) == "on"
    monkeypatch.delenv("TWILIO_FAX_COMPAT_ROLLOUT")
    assert stage_of(rollout) == "on"
    assert stage_of(Rollout()) == "off"
    broken, unset = warnings_in(caplog)
    assert "TWILIO_FAX_COMPAT_ROLLOUT) is broken: 'nonsense' is not a stage" in broken
    assert "it is not set" in unset


def test_another_variable_may_be_named():
    """A client's own environment serves as well."""
    environ = {"FAX": "on"}
    rollout = Rollout(EnvironmentFlag("FAX", environ))
    assert stage_of(rollout) == "on"
    environ["FAX"] = "off"
    assert stage_of(rollout) == "off"
    assert rollout.source_name == "the environment variable FAX"


@pytest.mark.parametrize("shape", ["file:{}", "file://{}"])
def test_the_environment_may_name_a_file(shape, tmp_path):
    """Then the stage changes without a restart."""
    path = tmp_path / "rollout"
    path.write_text("shadow")
    named = shape.format(path)
    for rollout in (Rollout(EnvironmentFlag("FAX", {"FAX": named})), Rollout(named)):
        path.write_text("shadow")
        assert stage_of(rollout) == "shadow"
        path.write_text("on")
        assert stage_of(rollout) == "on"
        assert str(path) in rollout.source_name


def test_every_change_of_a_file_is_seen(tmp_path):
    """Even one within the same tick of its clock, of the same size, in place."""
    path = tmp_path / "rollout"
    rollout = Rollout(FileFlag(path))
    for number in range(300):
        path.write_text(f"{10 + number % 90}%")
        assert rollout.plan().percent == 10 + number % 90


def test_a_file_that_stays_is_not_read_again(tmp_path):
    """While a settled file looks the same, its text is the same object."""
    path = tmp_path / "rollout"
    path.write_text("25%")
    os.utime(path, LONG_AGO)
    flag = FileFlag(path)
    text = flag(Subject())
    assert flag(Subject()) is text
    path.write_text("75%")
    assert flag(Subject()) == "75%"
    os.utime(path, LONG_AGO)
    other = tmp_path / "other"
    other.write_text("50%")
    os.utime(other, LONG_AGO)
    assert flag(Subject()) == "75%"
    other.replace(path)
    assert flag(Subject()) == "50%"


def test_a_broken_file_changes_nothing(tmp_path, caplog):
    """Absent, torn, of another encoding, a folder or endless: the last good stage counts."""
    path = tmp_path / "rollout"
    rollout = Rollout(FileFlag(path), safe_stage="shadow")
    assert stage_of(rollout) == "shadow"
    assert "cannot be read: No such file" in warnings_in(caplog)[0]
    whole = json.dumps({"percent": 25, "allow": {"to": ["+1415*"]}})
    path.write_text(whole)
    assert rollout.plan().percent == 25
    assert "works again" in warnings_in(caplog)[0]
    for size in range(len(whole)):
        path.write_text(whole[:size])
        assert rollout.plan().percent == 25
    path.write_bytes(b"\xff")
    assert rollout.plan().percent == 25
    os.truncate(path, 5 << 20)
    assert rollout.plan().percent == 25
    path.unlink()
    assert rollout.plan().percent == 25
    path.mkdir()
    assert rollout.plan().percent == 25
    path.rmdir()
    os.mkfifo(path)
    assert rollout.plan().percent == 25
    assert len(warnings_in(caplog)) == 1
    path.unlink()
    path.write_text("on")
    assert stage_of(rollout) == "on"
    assert len(warnings_in(caplog)) == 1


WRITER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from tests.migration.test_flags import texts, write
path, way = sys.argv[2:]
print("ready", flush=True)
number = 0
while not os.path.exists(path + ".stop"):
    write(path, way, texts()[number % 2], str(os.getpid()))
    number += 1
"""


def texts():
    """Return two states, each of some length, so that half of one shows."""
    numbers = ["+1415%07d" % number for number in range(400)]
    return [
        json.dumps({"percent": 25, "allow": {"to": numbers}}),
        json.dumps({"percent": 75, "deny": {"to": numbers[:300]}}),
    ]


def write(path, way, text, who):
    """Write the file in place piece by piece, or replace it in one step."""
    target = path if way == "in place" else f"{path}.{who}"
    with open(target, "w") as file:
        for start in range(0, len(text), 1000):
            file.write(text[start : start + 1000])
            file.flush()
    if target != path:
        os.replace(target, path)


@pytest.mark.parametrize("way", ["in place", "replaced"])
def test_a_file_is_read_while_others_write_it(way, tmp_path, caplog):
    """Whatever a reader meets, it decides by a whole state, and by the last one in the end."""
    path = tmp_path / "rollout"
    path.write_text(texts()[0])
    rollout = Rollout(FileFlag(path), safe_stage="shadow")
    assert rollout.plan().percent == 25
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(ROOT), str(path), way],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(1 if way == "in place" else 2)
    ]
    stop = Event()

    def write_too():
        number = 0
        while not stop.is_set():
            write(str(path), "replaced", texts()[number % 2], "thread")
            number += 1

    thread = Thread(target=write_too)
    plans = [Rollout(text).plan() for text in texts()]
    seen = set()

    def read():
        end, number = time.monotonic() + 60, 0
        while number < 300 or (len(seen) < 2 and time.monotonic() < end):
            plan = rollout.plan()
            assert plan in plans
            seen.add(plan.percent)
            number += 1

    try:
        assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * len(writers)
        if way == "replaced":
            thread.start()
        in_threads(read)
    finally:
        stop.set()
        Path(f"{path}.stop").touch()
        for writer in writers:
            writer.communicate()
        if way == "replaced":
            thread.join()
    assert seen == {25, 75}
    path.write_text("on")
    assert stage_of(rollout) == "on"
    # Each trouble that was noticed is over.
    told = [text.rpartition("works again")[1] for text in warnings_in(caplog)]
    assert told.count("") == told.count("works again")


def test_a_subject_has_what_a_flag_may_ask_for():
    """A callable sees who sends where."""
    seen = []
    Rollout(lambda subject: seen.append(subject) or "on").decide(FORM, ACCOUNT)
    (subject,) = seen
    assert (subject.to, subject.sender, subject.account) == (FORM["To"], FORM["From"], ACCOUNT)
    assert subject.destination_prefix == "+1500"
