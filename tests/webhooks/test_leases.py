"""Leases are prolonged in the background, until they are dropped."""

import os
import threading
import time

import pytest

from tests.helpers import wait_until
from twilio_fax_compat.webhooks.leases import LeaseKeeper


def keepers():
    return [thread for thread in threading.enumerate() if thread.name == "fax-leases"]


def test_a_held_lease_is_prolonged_until_it_is_dropped():
    prolonged = []
    keeper = LeaseKeeper(lease=0.2)
    keeper.hold("a", prolonged.append, "FX1")
    wait_until(lambda: len(prolonged) > 2)
    keeper.drop("a")
    count = len(prolonged)
    time.sleep(0.3)

    assert set(prolonged) == {0.2}
    assert len(prolonged) == count


def test_the_thread_ends_when_nothing_is_held():
    keeper, before = LeaseKeeper(lease=0.1), len(keepers())
    keeper.hold("a", lambda _: None, "FX1")
    assert len(keepers()) == before + 1
    keeper.drop("a")
    wait_until(lambda: len(keepers()) == before)
    keeper.hold("b", lambda _: None, "FX1")
    assert len(keepers()) == before + 1
    keeper.drop("b")


def test_dropping_waits_for_a_prolongation_that_runs():
    """Otherwise an event could be prolonged after it was given back."""
    order, begun = [], threading.Event()

    def prolong(_seconds):
        begun.set()
        time.sleep(0.2)
        order.append("prolonged")

    keeper = LeaseKeeper(lease=0.1)
    keeper.hold("a", prolong, "FX1")
    begun.wait()
    keeper.drop("a")
    order.append("dropped")
    time.sleep(0.3)

    assert order == ["prolonged", "dropped"]


def test_one_failure_does_not_end_the_others(caplog):
    """A ledger that is away for a moment is tried again."""
    prolonged = []

    def fail(_seconds):
        raise ValueError("the ledger is away")

    keeper = LeaseKeeper(lease=0.1)
    keeper.hold("a", fail, "FX1")
    keeper.hold("b", prolonged.append, "FX1")
    wait_until(lambda: len(prolonged) > 2)
    keeper.drop("a")
    keeper.drop("b")

    assert "FX1: its lock could not be prolonged: the ledger is away" in caplog.text


def test_without_a_thread_there_is_a_warning(monkeypatch, caplog):
    """The event is delivered all the same."""

    def refuse(_self):
        raise RuntimeError("can't start new thread")

    keeper, prolonged = LeaseKeeper(lease=0.1), []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        keeper.hold("a", prolonged.append, "FX1")
    assert "can't start new thread" in caplog.text
    keeper.hold("b", prolonged.append, "FX1")
    wait_until(lambda: len(prolonged) > 2)
    keeper.drop("a")
    keeper.drop("b")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_child_of_a_fork_has_its_own_leases():
    """It does not prolong what its parent holds, and can hold leases of its own."""
    keeper = LeaseKeeper(lease=0.1)
    keeper.hold("parent", lambda _: None, "FX1")
    child = os.fork()
    if child == 0:
        prolonged = threading.Event()
        keeper.hold("child", lambda _: prolonged.set(), "FX1")
        os._exit(0 if prolonged.wait(5) and list(keeper._held) == ["child"] else 1)
    _, status = os.waitpid(child, 0)
    keeper.drop("parent")

    assert status == 0
