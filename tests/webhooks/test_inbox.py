"""Handlers slower than Telnyx's patience: the durable inbox."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.helpers import TO, make_client, send
from tests.ledger.backends import SHARED, entry, place_of
from tests.webhooks.driving import EVENT, finish, forged, inbound
from tests.webhooks.serving import served
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.testing import TelnyxEmulator
from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware
from twilio_fax_compat.webhooks.inbox import InboxWorkers

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


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

    workers = [
        InboxWorkers(
            ledger, deliver, lambda e, s: ledger.postpone(e.event_id, s), poll=0.05, lease=0.5
        )
        for _ in range(2)
    ]
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

    workers = InboxWorkers(ledger, deliver, lambda *_: None, poll=0.05)
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
