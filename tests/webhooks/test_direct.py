"""Without an inbox: one event of a fax at a time, and locks that last as long as their process."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.webhooks.apps import RECEIVE
from tests.webhooks.driving import EVENT, forged
from tests.webhooks.serving import served
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.webhooks.leases import LEASE

ROOT = Path(__file__).parents[2]
FAX = EVENT["data"]["payload"]["fax_id"]


@pytest.fixture(name="framework", params=["flask", "starlette"])
def _framework(request):
    """One application of each kind: what differs between frameworks is tested elsewhere."""
    return request.param


def posted(app, telnyx, name, event_id, path="/fax/status", direction="outbound"):
    """Post an event and return the status of the answer."""
    payload = {**EVENT["data"]["payload"], "direction": direction}
    data = {"event_type": name, "id": event_id, "payload": payload}
    return forged(app, telnyx, json.dumps({"data": data}).encode(), path=path).status_code


def at_once(app, telnyx, *events, after=0.15):
    """Post *events*, each a little after the one before, and return the answers."""
    with ThreadPoolExecutor(len(events)) as pool:
        answers = []
        for event in events:
            answers.append(pool.submit(posted, app, telnyx, *event))
            time.sleep(after)
        return [answer.result() for answer in answers]


def test_a_late_queued_waits_for_the_end_that_is_at_work(app, telnyx):
    """The last status that the application hears of is the final one."""
    app.delay = 0.5
    answers = at_once(app, telnyx, ("fax.delivered", "e1"), ("fax.queued", "e2"))

    assert answers == [200, 200]
    assert app.statuses_told == ["delivered"]


def test_the_end_waits_for_the_beginning(app, telnyx):
    """Both are delivered, one after the other."""
    app.delay = 0.5
    answers = at_once(app, telnyx, ("fax.queued", "e1"), ("fax.delivered", "e2"))

    assert answers == [200, 200]
    assert app.statuses_told == ["queued", "delivered"]
    assert app.most_at_once == 1


def test_the_end_is_refused_while_the_beginning_takes_longer_than_telnyx_waits(app, telnyx):
    """Telnyx delivers it again, and nothing is lost."""
    app.delay = 2.5
    answers = at_once(app, telnyx, ("fax.queued", "e1"), ("fax.delivered", "e2"))
    app.delay = 0

    assert answers == [200, 503]
    assert posted(app, telnyx, "fax.delivered", "e2") == 200
    assert app.statuses_told == ["queued", "delivered"]


def test_twiml_is_asked_for_once(app, telnyx):
    """Two workers get the events of a fax at the same time."""
    app.delay, app.twiml = 0.3, RECEIVE
    answers = at_once(
        app,
        telnyx,
        ("fax.receiving.started", "e1", "/fax", "inbound"),
        ("fax.received", "e2", "/fax", "inbound"),
        after=0.02,
    )

    assert answers == [200, 200]
    assert app.paths == ["/fax", "/fax/received"]


@pytest.mark.parametrize("names", [("fax.received", "fax.delivered"), ("fax.failed", "fax.failed")])
def test_one_end_under_two_ids_is_one_request(app, telnyx, names):
    """Telnyx reports the end of a received fax by two events."""
    for number, name in enumerate(names):
        assert posted(app, telnyx, name, f"e{number}", "/fax", "inbound") == 200

    assert app.paths == ["/fax", "/fax/received"]


def test_one_end_of_a_sent_fax_under_two_ids_is_one_callback(app, telnyx):
    for number in range(2):
        assert posted(app, telnyx, "fax.delivered", f"e{number}") == 200

    assert app.statuses_told == ["delivered"]


def test_an_end_that_the_application_refused_is_delivered_again(app, telnyx):
    """Only a callback that was answered 2xx makes the second event superfluous."""
    app.statuses = [500]
    assert posted(app, telnyx, "fax.delivered", "e1") == 503
    assert posted(app, telnyx, "fax.delivered", "e2") == 200

    assert app.statuses_told == ["delivered", "delivered"]


def test_a_handler_that_takes_longer_than_a_lease_is_called_once(app, telnyx):
    """The lock is prolonged while the handler works."""
    app.middleware._receiver.keeper.lease = 0.4
    app.delay = 1.6
    events = [("fax.delivered", "e1")] * 3
    answers = at_once(app, telnyx, *events, after=0.5)

    assert answers == [200, 503, 503]
    assert posted(app, telnyx, "fax.delivered", "e1") == 200
    assert len(app.seen) == 1


def test_a_stalled_handler_is_in_the_log(app, telnyx, caplog):
    """It is named by the SID of its fax, and so is its late answer."""
    keeper = app.middleware._receiver.keeper
    keeper.lease, keeper.stalled = 0.2, 0.3
    app.delay = 0.8
    assert posted(app, telnyx, "fax.delivered", "e1") == 200

    ours = [r.getMessage() for r in caplog.records if r.name == "twilio_fax_compat.webhooks"]
    assert len(ours) == 2
    assert all(text.startswith("FX" + FAX.replace("-", "")) for text in ours)
    assert "has not answered" in ours[0]
    assert "answered after" in ours[1]


def test_the_event_of_a_killed_worker_is_taken_over_soon(telnyx, tmp_path):
    """After a lease, Telnyx's next delivery is handled."""
    notes, path = tmp_path / "notes", str(tmp_path / "fax.db")
    command = [sys.executable, "-m", "tests.webhooks.process", "sqlite:///" + path]
    command += [telnyx.public_key, str(notes), "60", "1"]
    body = json.dumps(EVENT).encode()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        worker.url = worker.stdout.readline().strip()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(forged, worker, telnyx, body)
            while not notes.exists():
                time.sleep(0.02)
            # Longer than the lease, which is prolonged.
            time.sleep(1.5)
            reader = SQLiteLedger(path)
            assert reader.claim("e1", 1) == "busy"
            os.kill(worker.pid, signal.SIGKILL)
            killed = time.monotonic()
            assert waiting.exception() is not None
    with served("flask", telnyx.public_key, ledger=reader) as (origin, log):
        log.url = origin
        while forged(log, telnyx, body).status_code != 200:
            assert time.monotonic() - killed < 4
            time.sleep(0.1)
    assert len(log.seen) == 1
    reader.close()


def test_a_lease_ends_before_telnyx_gives_up():
    """The default is a few seconds, and prolonged several times before it ends."""
    assert 5 <= LEASE <= 15
