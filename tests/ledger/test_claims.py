"""Claims: one caller has what it claimed, and a process that is killed right after its claim keeps nothing."""

import os
import subprocess
import sys
import threading

import pytest

from tests.ledger.test_remembered_sends import Sender, entries, lose
from twilio_fax_compat._core.effects import EndSend
from twilio_fax_compat.ledger import LedgerUnavailable, MemoryLedger
from twilio_fax_compat.ledger.claims import Claim, take
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.server.orders import Orders

PLACE = "send:place"

needs_kill = pytest.mark.skipif(os.name != "posix", reason="this system has no SIGKILL")


@pytest.fixture(name="ledger", params=["memory", "sqlite"])
def _ledger(request, tmp_path):
    ledger = MemoryLedger() if request.param == "memory" else SQLiteLedger(tmp_path / "fax.db")
    yield ledger
    ledger.close()


def claim(ledger, what="what"):
    return take(ledger, what, PLACE, 60.0)


def die_after_claiming(path, code):
    """Run *code* in a process that is killed as soon as the ledger has given it something."""
    program = f"""
import os, signal
from tests.ledger.test_claims import *
class Ledger(SQLiteLedger):
    def claim(self, event_id, lease):
        if super().claim(event_id, lease) == "new":
            os.kill(os.getpid(), signal.SIGKILL)
ledger = Ledger({str(path)!r})
{code}
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == -9, ended.stderr


def test_one_caller_has_it_until_it_is_given_back(ledger):
    first = claim(ledger)
    assert isinstance(first, Claim)
    assert claim(ledger) is None
    assert claim(ledger, "another") is not None
    first.give_back(ledger)
    second = claim(ledger)
    assert second is not None
    assert claim(ledger) is None


def test_of_many_threads_one_has_it(ledger):
    start, taken = threading.Barrier(8), []

    def work():
        start.wait()
        taken.append(claim(ledger))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in taken if one is not None]) == 1


@needs_kill
def test_what_killed_processes_claimed_is_free(tmp_path):
    """Also if several die one after another, and one of the living gives it back."""
    path = tmp_path / "fax.db"
    ledger = SQLiteLedger(path)
    for _ in range(3):
        die_after_claiming(path, "claim(ledger)")
    first = claim(ledger)
    assert first is not None
    assert claim(ledger) is None
    first.give_back(ledger)
    second = claim(ledger)
    assert second is not None
    second.forget_claimers(ledger)
    assert ledger.recall([PLACE]) == {}
    assert claim(ledger) is None


@needs_kill
def test_a_process_is_killed_while_it_takes_a_send_over(tmp_path):
    path = tmp_path / "fax.db"
    ledger = SQLiteLedger(path)
    token = lose(ledger)
    die_after_claiming(path, "Sender(ledger).begin()")
    sender = Sender(ledger)
    attempt = sender.begin()
    assert (attempt.token, attempt.is_retry) == (token, True)
    assert Sender(ledger).begin().token != token
    sender.carry_out(EndSend(attempt))
    assert token not in entries(ledger)
    assert ledger.recall(["send:" + token]) == {}


@needs_kill
def test_a_process_is_killed_while_it_claims_the_order_of_another_client(tmp_path):
    path = tmp_path / "fax.db"
    ledger = SQLiteLedger(path)
    orders = Orders(ledger)
    orders.accepted("send:form", "order", "FX1")
    die_after_claiming(
        path, 'orders = Orders(ledger); orders.claim(*orders.look("send:form").orders)'
    )
    (order,) = orders.look("send:form").orders
    claimed = orders.claim(order)
    assert claimed is not None
    assert orders.claim(order) is None
    orders.give_back(claimed)
    again = orders.claim(order)
    assert again is not None
    orders.deliver(again)
    assert orders.look("send:form").orders == ()
    assert ledger.recall(["send:order:form"]) == {}


class _Leaving(MemoryLedger):
    """A ledger that is away after it has said that a name is claimed."""

    is_away = False

    def claim(self, event_id, lease):
        answer = super().claim(event_id, lease)
        self.is_away = answer != "new"
        return answer

    def remember(self, fax_id, facts):
        if self.is_away:
            raise LedgerUnavailable("away")
        super().remember(fax_id, facts)


def test_a_ledger_that_goes_away_gives_it_to_nobody_else():
    """The call must not go on as if it were alone: it knows that another one is at work."""
    ledger = _Leaving()
    assert claim(ledger) is not None
    assert claim(ledger) is None
