"""Every ledger keeps the same promises, across threads and processes where it says so."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.messages import Facts
from twilio_fax_compat.ledger import (
    LedgerUnavailable,
    MemoryLedger,
    open_ledger,
)
from twilio_fax_compat.ledger.sqlite import SQLiteLedger


@pytest.fixture(name="ledger", params=["memory", "sqlite"])
def _ledger(request, tmp_path):
    if request.param == "memory":
        yield MemoryLedger()
        return
    ledger = SQLiteLedger(str(tmp_path / "ledger.db"))
    yield ledger
    ledger.close()


def test_facts_add_up(ledger):
    """What is told later wins, what was told before stays."""
    ledger.remember("a", Facts(cancel_asked=True))
    ledger.remember("a", Facts(status="failed", failure_reason="user_busy"))
    ledger.remember("b", Facts(page_count=3, duration=31, action={"verb": "Reject"}))

    assert ledger.recall(["a", "b", "c"]) == {
        "a": Facts(cancel_asked=True, status="failed", failure_reason="user_busy"),
        "b": Facts(page_count=3, duration=31, action={"verb": "Reject"}),
    }
    assert ledger.recall([]) == {}


def test_recalling_many(ledger):
    """A long list is recalled whole."""
    for number in range(1200):
        ledger.remember(str(number), Facts(page_count=number))
    known = ledger.recall([str(number) for number in range(2000)])

    assert {fax: facts.page_count for fax, facts in known.items()} == {
        str(number): number for number in range(1200)
    }


def test_a_claim_has_one_holder(ledger):
    """An event is in one pair of hands, until it is settled, given up, or its lease ends."""
    assert ledger.claim("e", 60) == "new"
    assert ledger.claim("e", 60) == "busy"
    ledger.release("e")
    assert ledger.claim("e", 0.02) == "new"
    time.sleep(0.03)
    assert ledger.claim("e", 60) == "new"
    ledger.settle("e")
    assert ledger.claim("e", 60) == "done"
    ledger.release("e")
    assert ledger.claim("e", 60) == "done"
    ledger.release("never claimed")


def test_of_many_threads_one_wins(ledger):
    """However many ask at once, one gets it."""
    start = threading.Barrier(16)

    def work(_number):
        start.wait()
        return [ledger.claim(f"e{event}", 60) for event in range(10)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(work, range(16)))

    for event in range(10):
        assert sorted(answer[event] for answer in answers) == ["busy"] * 15 + ["new"]


def test_facts_of_many_threads_are_all_kept(ledger):
    """No thread's facts are lost to another's."""
    kinds = [{"cancel_asked": True}, {"status": "failed"}, {"page_count": 1}, {"duration": 2}]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ledger.remember("a", Facts(**kinds[number % 4])), range(64)))

    assert ledger.recall(["a"])["a"] == Facts(True, "failed", None, 1, 2)


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "settle", "release", "remember", "recall"]),
        st.sampled_from("ab"),
        st.builds(Facts, cancel_asked=st.booleans(), page_count=st.none() | st.integers(0, 9)),
    ),
    max_size=12,
)


@given(OPERATIONS)
def test_both_ledgers_agree(operations):
    """Any series of calls has the same results in memory and in a file."""

    def results(ledger):
        for name, key, facts in operations:
            if name == "claim":
                yield ledger.claim(key, 60)
            elif name == "remember":
                yield ledger.remember(key, facts)
            elif name == "recall":
                yield ledger.recall([key])
            else:
                yield getattr(ledger, name)(key)

    with TemporaryLedger() as ledger:
        assert list(results(MemoryLedger())) == list(results(ledger))


class TemporaryLedger:
    """A SQLite ledger in a folder that goes away."""

    def __enter__(self):
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.ledger = SQLiteLedger(os.path.join(self.folder.name, "ledger.db"))
        return self.ledger

    def __exit__(self, *_error):
        self.ledger.close()
        self.folder.cleanup()


CODE = """
import os, sys, time
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
ledger = SQLiteLedger(sys.argv[1])
"""


def run(code, path, **options):
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))}
    return subprocess.Popen(
        [sys.executable, "-c", CODE + code, str(path)], env=environ, text=True,
        stdout=subprocess.PIPE, **options,
    )  # fmt: skip


def test_of_many_processes_one_wins(tmp_path):
    """Processes that share the file get each event once, and lose no facts."""
    path = tmp_path / "ledger.db"
    code = """
print(sum(ledger.claim("e%d" % number, 60) == "new" for number in range(200)))
from twilio_fax_compat._core.messages import Facts
for number in range(50):
    ledger.remember("f%d" % number, Facts(cancel_asked=True))
"""
    workers = [run(code, path) for _ in range(4)]
    won = [int(worker.communicate(timeout=60)[0]) for worker in workers]

    assert [worker.returncode for worker in workers] == [0] * 4
    assert sum(won) == 200
    ledger = SQLiteLedger(str(path))
    assert len(ledger.recall([f"f{number}" for number in range(50)])) == 50
    ledger.close()


def test_a_killed_process_loses_its_claim_with_the_lease(tmp_path):
    """What a process was delivering when it was killed is delivered by another."""
    path = tmp_path / "ledger.db"
    worker = run('print(ledger.claim("e", 0.3), flush=True); time.sleep(60)', path)
    assert worker.stdout.readline() == "new\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    ledger = SQLiteLedger(str(path))

    assert ledger.claim("e", 60) == "busy"
    time.sleep(0.35)
    assert ledger.claim("e", 60) == "new"
    ledger.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_opens_its_own_connection(tmp_path):
    """After a fork both go on using the file."""
    path = tmp_path / "ledger.db"
    code = """
ledger.claim("a", 60)
child = os.fork()
for number in range(100):
    ledger.claim("%d-%d" % (child == 0, number), 60)
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    worker = run(code, path)
    worker.communicate(timeout=60)

    assert worker.returncode == 0
    ledger = SQLiteLedger(str(path))
    assert [ledger.claim(f"{who}-99", 60) for who in (0, 1)] == ["busy", "busy"]
    ledger.close()


def test_what_is_old_is_forgotten(tmp_path):
    """After the retention facts and events go, with the next new event."""
    now = [1000.0]
    ledger = SQLiteLedger(str(tmp_path / "ledger.db"), retention=100, clock=lambda: now[0])
    ledger.remember("old", Facts(cancel_asked=True))
    ledger.settle("old")
    now[0] += 60
    ledger.remember("new", Facts(cancel_asked=True))
    now[0] += 60
    ledger.claim("e", 60)

    assert set(ledger.recall(["old", "new"])) == {"new"}
    assert ledger.claim("old", 60) == "new"
    ledger.close()


def test_memory_is_bounded():
    """A ledger in memory forgets the oldest."""
    ledger = MemoryLedger(limit=2)
    for name in "abc":
        ledger.remember(name, Facts(cancel_asked=True))
        ledger.claim(name, 60)

    assert set(ledger.recall("abc")) == {"b", "c"}
    assert ledger.claim("a", 60) == "new"


def test_a_file_that_cannot_be_used_is_an_error(tmp_path):
    """A folder, a file of another kind and one of a newer release are told plainly."""
    with pytest.raises(LedgerUnavailable, match="cannot be used"):
        SQLiteLedger(str(tmp_path))
    other = tmp_path / "other.db"
    other.write_bytes(b"this is no database at all, but text" * 100)
    with pytest.raises(LedgerUnavailable, match="cannot be used"):
        SQLiteLedger(str(other))
    newer = tmp_path / "newer.db"
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerUnavailable, match="newer release"):
        SQLiteLedger(str(newer))


def test_ledgers_are_opened_by_url(tmp_path, monkeypatch):
    """A URL names a ledger, and one that cannot be meant is refused without being repeated."""
    monkeypatch.chdir(tmp_path)
    for url, path in ((f"sqlite:///{tmp_path}/a.db", "a.db"), ("sqlite:///b.db", "b.db")):
        ledger = open_ledger(url)
        assert ledger.claim("e", 1) == "new"
        assert (tmp_path / path).exists()
        ledger.close()
    assert open_ledger("memory:").claim("e", 1) == "new"
    for wrong in ("sqlite:", "sqlite:///", "/path", "mysql://user:secret@host/db"):
        with pytest.raises(ValueError, match="memory:") as caught:
            open_ledger(wrong)
        assert "secret" not in str(caught.value)
