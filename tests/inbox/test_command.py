"""``twilio-fax-compat inbox``, beside an application whose handler fails."""

import json

import pytest

from tests.helpers import TO, make_client, send, wait_until
from tests.webhooks.serving import served
from twilio_fax_compat.__main__ import main
from twilio_fax_compat.ledger import InboxEntry
from twilio_fax_compat.ledger._opening import open_ledger
from twilio_fax_compat.testing import TelnyxEmulator

pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


@pytest.fixture(name="ledger")
def _ledger(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'fax.db'}"
    monkeypatch.setenv("TWILIO_FAX_COMPAT_LEDGER", url)
    ledger = open_ledger(url)
    ledger.check()
    yield ledger
    ledger.close()


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator(webhook_backoff=0.01) as telnyx:
        yield telnyx


@pytest.fixture(name="waiting")
def _waiting(telnyx, ledger):
    """Leave one event waiting that the handler answered with 500, and return its app and fax."""
    with served("flask", telnyx.public_key, ledger=ledger, inbox=True) as (origin, app):
        app.statuses = [500] * 4
        telnyx.hold()
        fax = send(make_client(telnyx), status_callback=origin + "/fax/status")
        telnyx.flush_webhooks()
        # Two pauses later there are some seconds until the next attempt.
        wait_until(lambda: [one.attempts for one in ledger.waiting_events()] == [3])
        wait_until(lambda: next(ledger.waiting_events()).due_in < 4.5)
        yield app, fax


def listed(capsys):
    assert main(["inbox", "list", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["waiting"]


def test_what_waits_and_why(waiting, capsys):
    """Each event with its fax, its attempts and the answer of the handler; no numbers."""
    _, fax = waiting
    (row,) = listed(capsys)
    assert (row["fax"], row["type"], row["attempts"]) == (fax.sid, "fax.queued", 3)
    assert row["reason"] == "POST /fax/status answered HTTP 500"
    assert 0 < row["due_in"] < 4.5
    assert main(["inbox", "list"]) == 0
    text = capsys.readouterr().out
    assert fax.sid in text
    assert "POST /fax/status answered HTTP 500" in text
    assert TO not in text


def test_retry_and_drop(waiting, ledger, capsys):
    """A retried event is delivered at once; a dropped one is gone and counts as delivered."""
    app, fax = waiting
    before = len(app.seen)
    assert main(["inbox", "retry", fax.sid]) == 0
    wait_until(lambda: len(app.seen) > before, seconds=3)
    wait_until(lambda: [one.attempts for one in ledger.waiting_events()] == [4])
    (row,) = listed(capsys) if capsys.readouterr() else []
    assert main(["inbox", "drop", row["event"]]) == 0
    assert "1 dropped" in capsys.readouterr().out
    assert ledger.waiting() == 0
    assert ledger.put(InboxEntry(row["event"], b"{}", {}, "")) is False
    assert main(["inbox", "list"]) == 0
    assert "Nothing waits." in capsys.readouterr().out
    assert main(["inbox", "retry", row["event"]]) == 1
    assert "no such event waits" in capsys.readouterr().err


def test_only_one_application(ledger, capsys):
    """Several applications share a ledger."""
    for name in ("one", "two"):
        ledger.put(InboxEntry(name, b"not json", {}, "", application=name))
    assert main(["inbox", "drop", "--all", "--application", "one"]) == 0
    capsys.readouterr()
    assert [row["event"] for row in listed(capsys)] == ["two"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["retry"], "inbox list"),
        (["drop", "event", "--all"], "inbox list"),
        (["list", "--ledger", "sqlite:////nowhere/fax.db"], "/nowhere does not exist"),
        (["list", "--ledger", "memory:"], "not shared"),
    ],
    ids=["nothing named", "both", "no ledger", "memory"],
)
def test_wrong_arguments(ledger, words, error, capsys):
    assert main(["inbox", *words]) == 2
    assert error in capsys.readouterr().err
