"""Handlers slower than Telnyx's patience: the durable inbox."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.helpers import TO, make_client, send, wait_until
from tests.ledger.backends import SHARED, entry, place_of
from tests.webhooks.driving import EVENT, finish, forged, inbound
from tests.webhooks.serving import served
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.testing import TelnyxEmulator
from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware
from twilio_fax_compat.webhooks.inbox import MOST_STALLED, InboxWorkers
from twilio_fax_compat.webhooks.leases import LeaseKeeper

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


@pytest.fixture(name="ledger")
def _ledger(tmp_path):
    ledger = SQLiteLedger(str(tmp_path / "fax.db"))
    yield ledger
    ledger.close()


@pytest.fixture(name="patient")
def _patient(framework, telnyx, ledger):
    """Serve an app with an inbox."""
    with served(framework, telnyx.public_key, ledger=ledger, inbox=True) as (origin, log):
        log.url, log.ledger = origin, ledger
        yield log


def is_empty(app):
    return app.ledger.waiting() == 0


def test_a_slow_handler_is_called_once(patient, telnyx):
    """Telnyx has its answer long before the handler is done, and no reason to come again."""
    patient.delay = 3
    telnyx.hold()
    send(make_client(telnyx), status_callback=patient.url + "/fax/status")
    telnyx.flush_webhooks()
    (delivery,) = telnyx.deliveries
    assert delivery.status == 200
    assert patient.seen == []
    wait_until(lambda: is_empty(patient))

    assert [valid for *_, valid in patient.seen] == [True]
    assert forged(patient, telnyx, json.dumps(telnyx.events[0]).encode()).status_code == 200
    assert (len(patient.seen), patient.ledger.waiting()) == (1, 0)


def test_a_received_fax_through_the_inbox(patient, telnyx):
    """TwiML is asked for and the action called, with valid signatures, and facts are learned."""
    sid = inbound(patient, telnyx)
    wait_until(lambda: is_empty(patient))

    assert patient.paths == ["/fax", "/fax/received"]
    assert all(valid for *_, valid in patient.seen)
    assert patient.seen[1][2]["FaxSid"] == sid
    assert make_client(telnyx, ledger=patient.ledger).fax.faxes(sid).fetch().num_pages == 3


@pytest.mark.parametrize("failure", [500, 404, "crash"])
def test_a_failing_handler_is_called_until_it_does_not(patient, telnyx, failure, caplog):
    """Telnyx is not troubled with it."""
    if failure == "crash":
        patient.crash = True
    else:
        patient.statuses = [failure, failure]
    telnyx.hold()
    send(make_client(telnyx), status_callback=patient.url + "/fax/status")
    telnyx.flush_webhooks()
    wait_until(lambda: is_empty(patient))

    assert [delivery.status for delivery in telnyx.deliveries] == [200]
    assert patient.statuses_told == ["queued"] * (1 if failure == "crash" else 3)
    assert TO not in caplog.text


def test_the_end_does_not_overtake_the_beginning(patient, telnyx):
    """While one event of a fax is being handled, the next one waits."""
    patient.delay = 0.5
    send(make_client(telnyx), status_callback=patient.url + "/fax/status")
    finish(telnyx)
    wait_until(lambda: is_empty(patient))

    assert patient.statuses_told == ["queued", "delivered"]
    assert patient.most_at_once == 1


def test_waiting_for_ones_turn_is_no_attempt(patient, telnyx, caplog):
    """An event that waited long is tried as soon as any other after a failure."""
    patient.delay = 4
    send(make_client(telnyx), status_callback=patient.url + "/fax/status")
    finish(telnyx)
    wait_until(lambda: len(patient.seen) == 1)
    patient.delay, patient.statuses = 0, [500]
    began = time.monotonic()
    wait_until(lambda: is_empty(patient))

    assert patient.statuses_told == ["queued", "delivered", "delivered"]
    assert time.monotonic() - began < 10
    assert "attempts" not in caplog.text


def test_different_faxes_do_not_wait_for_each_other(patient, telnyx):
    patient.delay = 0.7
    telnyx.hold()
    client = make_client(telnyx)
    for _ in range(4):
        send(client, status_callback=patient.url + "/fax/status")
    wait_until(lambda: len(patient.seen) == 4)

    assert patient.most_at_once > 1


def test_an_event_that_cannot_be_stored_is_refused(framework, telnyx, tmp_path):
    """Telnyx is told to come again, and does."""
    folder = tmp_path / "not mounted yet"
    ledger = SQLiteLedger(str(folder / "fax.db"))
    with served(framework, telnyx.public_key, ledger=ledger, inbox=True) as (origin, log):
        log.url, log.ledger = origin, ledger
        assert forged(log, telnyx).status_code == 503
        folder.mkdir()
        assert forged(log, telnyx).status_code == 200
        wait_until(lambda: log.seen and is_empty(log))
    assert len(log.seen) == 1
    ledger.close()


@pytest.mark.parametrize("middleware", [WSGIMiddleware, ASGIMiddleware])
def test_an_inbox_in_memory_is_refused(middleware, telnyx):
    """It would lose what it promised to keep."""
    with pytest.raises(TwilioException, match="TWILIO_FAX_COMPAT_LEDGER"):
        middleware(
            None,
            auth_token="t",
            account_sid="AC",
            public_key=telnyx.public_key,
            inbox=True,
            environ={},
        )


def test_a_long_delivery_is_nobody_elses(ledger):
    """An entry that takes longer than its lease is kept by whoever is at it."""
    done = []

    def deliver(taken):
        time.sleep(2)
        done.append(taken.event_id)
        ledger.finish(taken.event_id)

    workers = [InboxWorkers(ledger, deliver, LeaseKeeper(lease=0.5), poll=0.05) for _ in range(2)]
    ledger.put(entry("long"))
    for worker in workers:
        worker.ensure()
    wait_until(lambda: ledger.waiting() == 0)
    for worker in workers:
        worker.stop()

    assert done == ["long"]


def test_stopping_waits_for_what_is_in_hand(ledger):
    done = []

    def deliver(taken):
        time.sleep(0.5)
        ledger.finish(taken.event_id)
        done.append(taken.event_id)

    workers = InboxWorkers(ledger, deliver, poll=0.05)
    ledger.put(entry("one"))
    workers.ensure()
    wait_until(lambda: ledger.take(0) is None)
    workers.stop()
    ledger.put(entry("two"))
    workers.wake()
    time.sleep(0.3)

    assert done == ["one"]
    assert ledger.waiting() == 1
    workers.start()
    wait_until(lambda: ledger.waiting() == 0)
    workers.stop()


@pytest.fixture(name="place", params=SHARED)
def _place(request, tmp_path):
    with place_of(request.param, tmp_path) as place:
        yield place


@contextmanager
def process(place, telnyx, notes, delay):
    """Serve an app, with an inbox, in a process of its own."""
    command = [sys.executable, "-m", "tests.webhooks.process", place.url, telnyx.public_key]
    command += [str(notes), str(delay)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        try:
            child.origin = child.stdout.readline().strip()
            yield child
        finally:
            child.kill()


def told(notes, what):
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [line.partition(" ")[2] for line in lines if line.startswith(what)]


def test_a_killed_process_loses_nothing(place, telnyx, tmp_path):
    """Events that were stored, taken or half handled when the power went are handled later."""
    notes, ledger = tmp_path / "notes", place.open()
    ids = [f"e{number}" for number in range(8)]
    with process(place, telnyx, notes, 60) as first:
        for number, event_id in enumerate(ids):
            payload = {
                **EVENT["data"]["payload"],
                "fax_id": f"{number:08x}-0dab-4bcf-9c5f-45dd5f0a2d2e",
            }
            body = {"data": {**EVENT["data"], "id": event_id, "payload": payload}}
            first.url = first.origin
            assert forged(first, telnyx, json.dumps(body).encode()).status_code == 200
        wait_until(lambda: len(told(notes, "begin")) == 4)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert ledger.waiting() == 8

    for event_id in ids:
        # As if their leases had ended.
        ledger.postpone(event_id, 0)
        ledger.release("fax:" + f"{ids.index(event_id):08x}-0dab-4bcf-9c5f-45dd5f0a2d2e")
    with process(place, telnyx, notes, 0) as second:
        assert httpx.get(second.origin + "/other").status_code == 200
        wait_until(lambda: ledger.waiting() == 0)

    assert Counter(told(notes, "end")) == Counter(
        f"FX{number:08x}0dab4bcf9c5f45dd5f0a2d2e queued" for number in range(8)
    )
    assert [ledger.claim(event_id, 1) for event_id in ids] == ["done"] * 8


def test_two_processes_share_the_work(place, telnyx, tmp_path):
    """Every event is handled, and by one of them."""
    notes, ledger = tmp_path / "notes", place.open()
    with TelnyxEmulator(webhook_backoff=0.01) as other, process(
        place, telnyx, notes, 0.05
    ) as one, process(place, other, notes, 0.05) as two:
        faxes = []
        for number in range(20):
            emulator, child = ((telnyx, one), (other, two))[number % 2]
            fax = send(make_client(emulator), status_callback=child.origin + "/fax/status")
            faxes.append(fax.sid)
        for emulator in (telnyx, other):
            finish(emulator)
        wait_until(lambda: ledger.waiting() == 0)

    expected = [f"{sid} {status}" for sid in faxes for status in ("queued", "delivered")]
    handled = Counter(told(notes, "end"))
    # An end that was handled first makes the beginning old news.
    assert set(handled) <= set(expected)
    assert set(handled) >= {line for line in expected if line.endswith("delivered")}
    assert set(handled.values()) == {1}


def inbox_of(ledger, deliver, **options):
    """Return workers that look often, and whose *deliver* finishes what it is given."""

    def finish_it(taken):
        deliver(taken)
        ledger.finish(taken.event_id)

    return InboxWorkers(
        ledger, finish_it, LeaseKeeper(lease=0.5, stalled=0.3), poll=0.05, **options
    )


def test_threads_that_cannot_be_started_for_a_while(ledger, monkeypatch, caplog):
    """At the limit of threads events wait, and are delivered as soon as it is past."""
    done = []
    workers = inbox_of(ledger, lambda taken: done.append(taken.event_id))
    workers.start()

    def refuse(_self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        ledger.put(entry("e1"))
        ledger.put(entry("e2"))
        workers.wake()
        wait_until(lambda: "can't start new thread" in caplog.text)
        time.sleep(0.3)
        assert done == []
    wait_until(lambda: ledger.waiting() == 0)
    workers.stop()

    assert sorted(done) == ["e1", "e2"]
    assert caplog.text.count("Traceback") == 1


def test_the_first_thread_that_cannot_be_started(ledger, monkeypatch, caplog):
    """The request is answered all the same, and the next one starts it."""

    def refuse(_self):
        raise RuntimeError("can't start new thread")

    workers = inbox_of(ledger, lambda _taken: None)
    ledger.put(entry("e1"))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        workers.wake()
    assert "can't start new thread" in caplog.text
    workers.wake()
    wait_until(lambda: ledger.waiting() == 0)
    workers.stop()


def test_any_failure_of_the_ledger_is_survived(ledger, monkeypatch, caplog):
    """It is said once, and not each second."""
    real, calls = SQLiteLedger.take, []

    def fail(*arguments):
        calls.append(1)
        if len(calls) < 6:
            raise MemoryError
        return real(*arguments)

    monkeypatch.setattr(SQLiteLedger, "take", fail)
    workers = inbox_of(ledger, lambda _taken: None)
    ledger.put(entry("e1"))
    workers.start()
    wait_until(lambda: ledger.waiting() == 0)
    workers.stop()

    assert caplog.text.count("the inbox cannot be delivered") == 1
    assert "MemoryError" in caplog.text


def test_a_thread_that_is_gone_is_started_again(ledger, caplog):
    """With the next request, and that it was gone is in the log."""
    workers = inbox_of(ledger, lambda _taken: None)
    workers.start()
    # As nothing is known that ends the thread, it is replaced by one that has ended.
    gone = threading.Thread(target=lambda: None)
    gone.start()
    gone.join()
    workers._state.stopping.set()
    workers._state.thread.join()
    workers._state.thread = gone
    ledger.put(entry("e1"))
    workers.wake()
    wait_until(lambda: ledger.waiting() == 0)
    workers.stop()

    assert "is gone" in caplog.text


def test_handlers_that_never_answer_do_not_stop_the_others(ledger):
    """Their places are given to others, and they are not called twice."""
    begun, release = [], threading.Event()

    def deliver(taken):
        begun.append(taken.event_id)
        if taken.event_id.startswith("stuck"):
            release.wait()

    workers = inbox_of(ledger, deliver, at_once=2)
    for number in range(2):
        ledger.put(entry(f"stuck{number}"))
    workers.start()
    wait_until(lambda: len(begun) == 2)
    for number in range(5):
        ledger.put(entry(f"quick{number}"))
    wait_until(lambda: ledger.waiting() == 2)
    time.sleep(0.7)
    assert Counter(begun) == Counter(
        [f"stuck{n}" for n in range(2)] + [f"quick{n}" for n in range(5)]
    )
    release.set()
    wait_until(lambda: ledger.waiting() == 0)
    # The places are those of the beginning again.
    workers._state.slots.acquire(timeout=1)
    workers.stop()


def test_stalled_handlers_have_a_limit(ledger):
    """A program that never answers does not get threads without end."""
    begun, release = [], threading.Event()

    def deliver(taken):
        begun.append(taken.event_id)
        release.wait()

    workers = inbox_of(ledger, deliver, at_once=1)
    workers.keeper.stalled = 0.05
    for number in range(MOST_STALLED + 4):
        ledger.put(entry(f"e{number}"))
    workers.start()
    wait_until(lambda: len(begun) == MOST_STALLED + 1)
    time.sleep(0.5)
    assert len(begun) == MOST_STALLED + 1
    release.set()
    wait_until(lambda: ledger.waiting() == 0)
    workers.stop()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_child_of_a_fork_has_threads_of_its_own(tmp_path):
    """The parent's are not there, and a lock that the parent held is not held."""
    path = str(tmp_path / "fax.db")
    parent = SQLiteLedger(path)
    workers = inbox_of(parent, lambda _taken: None)
    # The thread sleeps at the fork, so that it is not in the middle of the ledger's work.
    workers.poll = 60
    workers.start()
    wait_until(lambda: workers._state.wake._cond._waiters)
    workers.poll = 0.05
    workers._starting.acquire()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            workers.ledger.put(entry("e1"))
            workers.wake()
            end = time.monotonic() + 10
            while workers.ledger.waiting() and time.monotonic() < end:
                time.sleep(0.01)
            status = 0 if workers._state.pid == os.getpid() else 1
        finally:
            os._exit(status)
    workers._starting.release()
    workers.stop()
    _, status = os.waitpid(child, 0)
    parent.close()

    assert status == 0
