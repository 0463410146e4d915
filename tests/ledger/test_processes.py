"""What several processes promise each other."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.ledger.backends import entry
from twilio_fax_compat._core.facts import Facts

ROOT = Path(__file__).parents[2]


@contextmanager
def started(place, work):
    """Start a process that is about to *work*, and let it when a line is written to it."""
    command = [sys.executable, "-W", "error", "-m", "tests.ledger.worker", place.url, work]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def all_of(place, work, processes=4):
    """Do the same in several processes at once and return what each said."""
    with ExitStack() as stack:
        workers = [stack.enter_context(started(place, work)) for _ in range(processes)]
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        said = [worker.stdout.read().splitlines() for worker in workers]
        assert [worker.wait(60) for worker in workers] == [0] * processes
        return said


def test_one_process_wins_a_claim(shared):
    """Each event is new to exactly one of all processes."""
    won = [name for names in all_of(shared, "claim") for name in names]
    assert sorted(won) == sorted(map(str, range(50)))


def test_one_process_puts_an_event(shared):
    """Each event is stored by exactly one of all processes, and worked on by one."""
    put = [name for names in all_of(shared, "put") for name in names]
    done = [name for names in all_of(shared, "work") for name in names]
    assert sorted(put) == sorted(done) == sorted(map(str, range(50)))
    assert shared.open().waiting() == 0
    assert all_of(shared, "put") == [[]] * 4


def test_processes_add_to_the_same_facts(shared):
    """No process's facts are lost."""
    names = [name for names in all_of(shared, "remember") for name in names]
    expected = {
        f"{name}-{number}": Facts(page_count=number) for name in names for number in range(50)
    }
    ledger = shared.open()
    assert ledger.recall(list(expected)) == expected
    assert ledger.recall(["fax"])["fax"].action in [{name: "49"} for name in names]


def test_processes_count_together(shared):
    """No process's counting is lost."""
    assert all_of(shared, "count") == [[]] * 4
    assert shared.open().counts(7200) == {"together": 200}


def test_a_killed_process_loses_nothing(shared):
    """An entry that was taken by a process that died is taken again after the lease."""
    ledger = shared.open()
    with started(shared, "die") as process:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "killed\n"
        assert ledger.take(60) is None
        process.kill()
        process.wait()
    assert (ledger.put(entry("killed")), ledger.waiting()) == (False, 1)
    end = time.monotonic() + 20
    found = None
    while found is None and time.monotonic() < end:
        found = ledger.take(60)
        time.sleep(0.02)
    assert found == entry("killed", attempts=2)
    ledger.finish("killed")
    assert (ledger.waiting(), ledger.claim("killed", 1)) == (0, "done")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_leaves_both_a_ledger(shared):
    """A child opens its own connections and leaves those of its parent alone."""
    ((*done,),) = all_of(shared, "fork", 1)
    assert done == [f"{who} {turn}" for who in ("child", "parent") for turn in range(5)]
