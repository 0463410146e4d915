"""Processes that fork while they use a ledger."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Python 3.12 warns whenever a process with threads forks.
NO_FORK_WARNING = "ignore::DeprecationWarning"
# In Python 3.8's development mode, a child of a process with threads crashes when it exits.
ENDS = ["ends at once"] if sys.version_info < (3, 9) else ["exits", "ends at once"]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

PRELUDE = """
import json, os, signal, sys, threading, time
from tests.ledger.backends import entry
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.ledger import LedgerUnavailable, MemoryLedger, open_ledger

def child_does(work):
    # Return the exit status of a child that runs *work* and ends as a program ends.
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        import traceback
        traceback.print_exc()
        status = 1
    else:
        status = 0
    sys.stdout.flush()
    sys.stderr.flush()
    if "exits" in sys.argv:
        sys.exit(status)
    os._exit(status)

def status_of(pid, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.01)
    os.kill(pid, 9)
    return "hangs"
"""


def run(url, program, *arguments):
    """Run a program under -X dev, where a ResourceWarning is printed, and return what it printed."""
    code = PRELUDE + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", NO_FORK_WARNING, "-c", code, url, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout.splitlines()[-1])


UNDER_LOAD = """
url = sys.argv[1]
ledger = open_ledger(url)
go_on, stored, errors = threading.Event(), [], []
go_on.set()

def load(number):
    turn = 0
    while go_on.is_set():
        name = f"parent {number} {turn}"
        turn += 1
        try:
            ledger.put(entry(name))
            ledger.recall([name])
            stored.append(name)
        except LedgerUnavailable as error:
            errors.append(str(error))
        time.sleep(0.002)

threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()

def child(turn):
    for number in range(5):
        ledger.put(entry(f"child {turn} {number}"))
    assert ledger.waiting() >= 5
    ledger.close()

times, statuses = [], []
for turn in range(8):
    time.sleep(0.02)
    begin = time.monotonic()
    pid = child_does(lambda: child(turn))
    times.append(time.monotonic() - begin)
    statuses.append(status_of(pid))
go_on.clear()
for thread in threads:
    thread.join()
ledger.close()
ledger = open_ledger(url)
lost = len(stored) + 8 * 5 - ledger.waiting()
ledger.close()
print(json.dumps([statuses, errors, lost, len(stored) > 20, max(times) < 4]))
"""


@pytest.mark.parametrize("end", ENDS)
def test_forks_under_load(shared, end):
    """Children work at once, what they and their parent stored is there, and no fork waits long."""
    assert run(shared.url, UNDER_LOAD, end) == [[0] * 8, [], 0, True, True]


IN_USE = """
ledger = open_ledger(sys.argv[1])
ledger.put(entry("before"))
import twilio_fax_compat.ledger._forks as forks
forks.PATIENCE = 0.2
inside, leave = threading.Event(), threading.Event()

def hold(query):
    inside.set()
    leave.wait(20)

thread = threading.Thread(target=lambda: ledger.transact(hold, writes=False))
thread.start()
inside.wait()

def child():
    try:
        print(json.dumps(ledger.waiting()))
    except LedgerUnavailable as error:
        print(json.dumps("ledger.close() before the fork" in str(error)))
    ledger.close()

status = status_of(child_does(child))
leave.set()
thread.join()
ledger.put(entry("after"))
assert (status, ledger.waiting()) == (0, 2)
ledger.close()
"""


@pytest.mark.parametrize("end", ENDS)
def test_a_connection_that_is_in_use_for_long(shared, end):
    """The fork goes on. The child says what to do (SQLite) or works (PostgreSQL); the parent works."""
    expected = True if shared.url.startswith("sqlite") else 1
    assert run(shared.url, IN_USE, end) == expected


INSIDE = """
ledger = open_ledger(sys.argv[1])
ledger.put(entry("before"))
pids = []

def fork_inside(query):
    query("SELECT 1")
    if not pids:
        pids.append(os.fork())

try:
    ledger.transact(fork_inside)
except LedgerUnavailable as error:
    assert pids == [0], error
    os._exit(7)
if pids == [0]:
    os._exit(8)
ledger.put(entry("after"))
print(json.dumps([os.WEXITSTATUS(status_of(pids[0])), ledger.waiting()]))
ledger.close()
"""


def test_a_fork_inside_of_an_operation(shared):
    """The child, in which the transaction is its parent's, commits nothing; the parent does."""
    assert run(shared.url, INSIDE) == [7, 2]


WITHOUT_HOOKS = """
import ctypes
ledger = open_ledger(sys.argv[1])
ledger.put(entry("before"))
if "checked" in sys.argv:
    ledger.close()
    ledger.check()
libc = ctypes.PyDLL(None)
pid = libc.fork()  # as a server in C does
if pid == 0:
    try:
        print(json.dumps(ledger.waiting()))
    except LedgerUnavailable as error:
        print(json.dumps("lazy-apps" in str(error)))
    sys.stdout.flush()
    os._exit(0)
assert status_of(pid) == 0
ledger.put(entry("after"))
assert ledger.waiting() == 2
ledger.close()
"""


@pytest.mark.parametrize("state", ["checked", "open"])
def test_a_server_that_forks_without_hooks(shared, state):
    """After a check nothing is open, so that children work. Else an SQLite ledger says what to do."""
    is_refused = state == "open" and shared.url.startswith("sqlite")
    assert run(shared.url, WITHOUT_HOOKS, state) == (True if is_refused else 1)


MEMORY = """
ledger = MemoryLedger()
go_on = threading.Event()
go_on.set()

def load(number):
    while go_on.is_set():
        ledger.remember(str(number), Facts(True))
        ledger.recent(60)

threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
statuses = []
for turn in range(10):
    pid = child_does(lambda: [ledger.remember("child", Facts()), ledger.recall(["1"])])
    statuses.append(status_of(pid))
go_on.clear()
for thread in threads:
    thread.join()
print(json.dumps(statuses))
"""


def test_memory_is_not_locked_in_a_child():
    """A thread that used the ledger while the process forked leaves no lock behind."""
    assert run("memory:", MEMORY) == [0] * 10


def test_a_ledger_that_is_dropped_or_never_closed_warns_of_nothing(shared):
    """Connections are closed when a ledger is deleted, and when the program ends."""
    program = """
    import gc
    for _ in range(3):
        ledger = open_ledger(sys.argv[1])
        ledger.put(entry("event"))
        del ledger
        gc.collect()
    ledger = open_ledger(sys.argv[1])
    print(json.dumps(ledger.waiting()))
    """
    assert run(shared.url, program) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_short_soak(shared):
    """Processes that store, take, poll, fork, reload and die lose no event and repeat none."""
    program = ROOT / "benchmarks" / "ledger_soak.py"
    command = [sys.executable, str(program), "--events", "300", "--lease", "4"]
    command += ["--ledger", shared.url]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    figures = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert figures["acknowledged"] >= 300
    assert figures["polled"] > 0
    assert figures["lost"] == figures["taken_again_after_success"] == figures["failed"] == 0
