"""Sends without a known end: who works on one, who takes it over, and how long it is remembered."""

import os
import subprocess
import sys
import threading

import pytest

from twilio_fax_compat._core.attempts import LEGACY, TELNYX, Attempt, InProgress
from twilio_fax_compat._core.effects import BeginSend, EndSend, KeepSend, LeaveSend
from twilio_fax_compat.ledger import LedgerUnavailable, MemoryLedger, processes
from twilio_fax_compat.ledger import remembered_sends as sends
from twilio_fax_compat.ledger.remembered_sends import carry_out_send, leave_open
from twilio_fax_compat.ledger.sqlite import SQLiteLedger

KEY = "send:1"


@pytest.fixture(name="ledger", params=["memory", "sqlite"])
def _ledger(request, tmp_path):
    ledger = MemoryLedger() if request.param == "memory" else SQLiteLedger(tmp_path / "fax.db")
    yield ledger
    ledger.close()


class Sender:
    """One who sends: a call in some process."""

    number = 0

    def __init__(self, ledger):
        self.ledger, self.opened = ledger, []

    def begin(self, provider=TELNYX):
        Sender.number += 1
        effect = BeginSend(KEY, provider, f"token{Sender.number}")
        return carry_out_send(effect, self.ledger, self.opened)

    def carry_out(self, effect):
        return carry_out_send(effect, self.ledger, self.opened)


def entries(ledger):
    facts = ledger.recall([KEY]).get(KEY)
    return facts.sends if facts else {}


def lose(ledger, provider=TELNYX, at=None):
    """Leave a send without a known end and return its token."""
    sender = Sender(ledger)
    attempt = sender.begin(provider)
    attempt.may_be_out, attempt.at = True, at
    sender.carry_out(LeaveSend(attempt))
    return attempt.token


def rewrite(ledger, **changes):
    """Change what is stored of all sends."""
    for token, entry in entries(ledger).items():
        Sender(ledger)
        ledger.remember(KEY, sends.Facts(sends={token: {**entry, **changes}}))


def test_it_is_stored_before_it_leaves_and_deleted_at_its_end(ledger):
    sender = Sender(ledger)
    attempt = sender.begin()
    assert list(entries(ledger)) == [attempt.token]
    sender.carry_out(EndSend(attempt))
    assert entries(ledger) == {}
    assert ledger.recall([KEY, "send:" + attempt.token]) == {}


def test_a_token_leads_to_its_key_until_the_end(ledger):
    token = lose(ledger)
    assert sends.key_of_token(ledger, token) == KEY
    sender = Sender(ledger)
    sender.carry_out(EndSend(sender.begin()))
    assert sends.key_of_token(ledger, token) is None
    assert sends.key_of_token(ledger, "another") is None


def test_a_send_in_progress_is_its_own(ledger):
    """An equal send meanwhile is another fax."""
    first, second = Sender(ledger).begin(), Sender(ledger).begin()
    assert first.token != second.token
    assert not second.is_retry


def test_a_lost_send_is_taken_over_once(ledger):
    token = lose(ledger, at=12.5)
    second, third = Sender(ledger).begin(), Sender(ledger).begin()
    assert (second.token, second.is_retry, second.turn, second.at) == (token, True, 1, 12.5)
    assert third.token != token


def test_a_lost_send_is_taken_over_again_and_again(ledger):
    token = lose(ledger)
    for turn in (1, 2, 3):
        sender = Sender(ledger)
        attempt = sender.begin()
        assert (attempt.token, attempt.turn) == (token, turn)
        sender.carry_out(LeaveSend(attempt))


def test_many_threads_take_over_one_each(ledger):
    lost = {lose(ledger)}
    for _ in range(3):
        sender = Sender(ledger)
        sender.begin()  # keeps what is lost busy, so that the next one is another
        lost.add(lose(ledger))
        sender.carry_out(LeaveSend(sender.opened[0]))
    start, taken = threading.Barrier(8), []

    def work():
        start.wait()
        attempt = Sender(ledger).begin()
        while isinstance(attempt, InProgress):
            attempt = Sender(ledger).begin()
        taken.append((attempt.token, attempt.is_retry))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({token for token, _ in taken}) == 8
    assert {token for token, is_retry in taken if is_retry} == lost


@pytest.mark.parametrize("may_be_out", [True, False])
def test_a_call_that_is_broken_off(ledger, may_be_out):
    sender = Sender(ledger)
    attempt = sender.begin()
    attempt.may_be_out = may_be_out
    leave_open(sender.opened, ledger)
    assert Sender(ledger).begin().is_retry is may_be_out


@pytest.mark.skipif(os.name != "posix", reason="this system has no process ids as Unix has")
def test_a_process_that_is_gone(tmp_path):
    """Its send is taken over at once, though nobody saw its end; also before it is reaped."""
    ledger = SQLiteLedger(tmp_path / "fax.db")
    code = f"""
import os, signal
from tests.ledger.test_remembered_sends import Sender
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
print(Sender(SQLiteLedger({str(tmp_path / "fax.db")!r})).begin().token, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        token = process.stdout.readline().strip()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Sender(ledger).begin().token == token


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_leaves_its_parents_sends_alone(ledger):
    """The parent's thread goes on with its own; the child sends a fax of its own."""
    parent = Sender(ledger).begin()
    child = os.fork()
    if child == 0:
        attempt = Sender(ledger).begin()
        os._exit(int(attempt.is_retry or attempt.token == parent.token))
    assert os.waitpid(child, 0)[1] == 0


def test_another_machine_is_waited_for(tmp_path, monkeypatch):
    """Until its entry has not changed for longer than any call takes."""
    ledger = SQLiteLedger(tmp_path / "fax.db")
    token = lose(ledger)
    rewrite(ledger, owner="elsewhere|1|1")
    assert isinstance(Sender(ledger).begin(), InProgress)
    monkeypatch.setattr(processes, "ELSEWHERE", 0.0)
    assert Sender(ledger).begin().token == token


def test_another_machine_that_ends(tmp_path):
    ledger = SQLiteLedger(tmp_path / "fax.db")
    lose(ledger)
    rewrite(ledger, owner="elsewhere|1|1")
    assert isinstance(Sender(ledger).begin(), InProgress)
    sends.release(ledger, KEY, list(entries(ledger)))
    assert not Sender(ledger).begin().is_retry


@pytest.mark.parametrize(
    ("provider", "hours", "is_retry"),
    [(LEGACY, 23, True), (LEGACY, 25, False), (TELNYX, 25, True), (TELNYX, 99999, True)],
)
def test_how_long_a_send_is_remembered(ledger, provider, hours, is_retry, caplog):
    """A day by our own clock. Where Telnyx's clock decides, our own may be wrong by years."""
    lose(ledger, provider)
    (entry,) = entries(ledger).values()
    rewrite(ledger, wall=entry["wall"] - hours * 3600)
    attempt = Sender(ledger).begin(TELNYX)
    assert attempt.is_retry is is_retry
    assert ("no longer remembered" in caplog.text) is not is_retry
    if is_retry:
        assert attempt.provider == provider


def test_a_send_that_goes_on(ledger):
    sender = Sender(ledger)
    attempt = sender.begin()
    attempt.provider = LEGACY
    sender.carry_out(KeepSend(attempt))
    (entry,) = entries(ledger).values()
    assert entry["provider"] == LEGACY
    assert entry["owner"]
    assert not Sender(ledger).begin().is_retry


def test_faxes_do_not_push_out_sends():
    """A ledger in memory forgets its oldest faxes first."""
    ledger = MemoryLedger(limit=10)
    token = lose(ledger)
    for number in range(50):
        ledger.remember(f"fax{number}", sends.Facts(status="delivered"))
    assert Sender(ledger).begin().token == token
    assert isinstance(Attempt("", "t").entry("", 0.0), dict)


class _SlowLedger(MemoryLedger):
    """A ledger whose writes fail, until one waits for `go_on`."""

    def __init__(self):
        super().__init__()
        self.is_away, self.begun, self.go_on = True, threading.Event(), threading.Event()

    def remember(self, fax_id, facts):
        if self.is_away:
            raise LedgerUnavailable("away")
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(10)
        super().remember(fax_id, facts)


def test_what_another_thread_is_writing_is_still_remembered():
    """A retry finds a lost send also while the ledger, which was away, is slow to take it."""
    ledger = _SlowLedger()
    token = lose(ledger)
    ledger.is_away = False
    other = threading.Thread(target=sends.remembered_sends, args=(ledger, "send:2"))
    other.start()
    assert ledger.begun.wait(10)
    attempt = Sender(ledger).begin()
    assert (attempt.token, attempt.is_retry) == (token, True)
    ledger.go_on.set()
    other.join()
    Sender(ledger).carry_out(EndSend(attempt))
    assert entries(ledger) == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_writes_what_its_parent_could_not():
    """Also if a thread of the parent was writing it at the fork."""
    ledger = _SlowLedger()
    lose(ledger)
    ledger.is_away = False
    other = threading.Thread(target=sends.remembered_sends, args=(ledger, "send:2"))
    other.start()
    assert ledger.begun.wait(10)
    child = os.fork()
    if child == 0:
        ledger.go_on = threading.Event()
        ledger.go_on.set()
        sends.remembered_sends(ledger, KEY)
        os._exit(0 if entries(ledger) else 1)
    ledger.go_on.set()
    other.join()
    assert os.waitpid(child, 0)[1] == 0


def test_a_send_without_a_known_end_is_not_forgotten_in_silence(ledger, caplog):
    lose(ledger)
    sender = Sender(ledger)
    attempt = sender.begin()
    sender.carry_out(EndSend(attempt))
    assert "no longer remembered" in caplog.text
    caplog.clear()
    sender.carry_out(EndSend(sender.begin()))
    assert caplog.text == ""


def test_sends_push_out_the_keys_of_tokens_first(caplog):
    """A form's sends are forgotten only if there is room for nothing else, and the log says so."""
    ledger = MemoryLedger(limit=4)
    for number in range(4):
        sender = Sender(ledger)
        effect = BeginSend(f"send:form{number}", TELNYX, f"token{number}")
        attempt = carry_out_send(effect, ledger, sender.opened)
        attempt.may_be_out = True
        sender.carry_out(LeaveSend(attempt))
    assert len(ledger.recall([f"send:form{number}" for number in range(4)])) == 4
    assert "no room" not in caplog.text
    carry_out_send(BeginSend("send:form4", TELNYX, "token4"), ledger, [])
    assert "no room for more than 4 sends" in caplog.text
    assert "form0" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="this system does not delete open files")
@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_is_deleted_or_replaced_while_it_is_in_use(tmp_path, caplog, is_replaced):
    """The new file is used, with a warning, and the sends without a known end are copied to it."""
    path = tmp_path / "fax.db"
    ledger = SQLiteLedger(path)
    token = lose(ledger)
    if is_replaced:
        other = SQLiteLedger(tmp_path / "other.db")
        other.remember("fax", sends.Facts(status="delivered"))
        other.close()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if is_replaced:
        (tmp_path / "other.db").rename(path)
    sender = Sender(ledger)
    attempt = sender.begin()
    assert (attempt.token, attempt.is_retry) == (token, True)
    assert caplog.text.count("deleted or replaced") == 1
    assert list(entries(SQLiteLedger(path))) == [token]
    assert bool(ledger.recall(["fax"])) is is_replaced
    sender.carry_out(EndSend(attempt))
    assert entries(ledger) == entries(SQLiteLedger(path)) == {}
    assert caplog.text.count("deleted or replaced") == 1


@pytest.mark.skipif(os.name != "posix", reason="this system does not delete open files")
def test_a_file_that_cannot_be_made_again(tmp_path):
    """Its sends are copied when it can be."""
    folder = tmp_path / "folder"
    folder.mkdir()
    ledger = SQLiteLedger(folder / "fax.db")
    token = lose(ledger)
    folder.rename(tmp_path / "away")
    with pytest.raises(LedgerUnavailable):
        ledger.recall([KEY])
    folder.mkdir()
    assert list(entries(ledger)) == [token]
