"""``twilio-fax-compat fax purge`` leaves nothing of a fax."""

import json

import pytest

from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat.ledger import InboxEntry
from twilio_fax_compat.ledger._opening import open_ledger
from twilio_fax_compat.webhooks.storage import Storage

FAX, OTHER = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a", "0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b"
SID = fax_sid(FAX)
NUMBER = "+15550100777"


def event(fax):
    payload = {"fax_id": fax, "direction": "inbound", "from": NUMBER}
    data = {"data": {"id": "event " + fax, "event_type": "fax.received", "payload": payload}}
    return InboxEntry("event " + fax, json.dumps(data).encode(), {"x": "1"}, "http://a/fax")


@pytest.fixture(name="ledger")
def _ledger(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'fax.db'}"
    monkeypatch.setenv("TWILIO_FAX_COMPAT_LEDGER", url)
    ledger = open_ledger(url)
    for fax in (FAX, OTHER):
        action = {"verb": "Receive", "url": "https://example.com/" + fax}
        ledger.remember(fax, Facts(action=action, status="received", reported="received"))
        ledger.put(event(fax))
    yield ledger
    ledger.close()


def test_nothing_is_left_on_the_disk(ledger, tmp_path, capsys):
    """Neither in the database nor in its write-ahead log nor among the documents; others stay."""
    store = tmp_path / "faxes"
    for fax in (FAX, OTHER):
        Storage(store.as_uri()).put(fax_sid(fax), b"%PDF of " + fax.encode())
    (store / f"{SID}.pdf.0123.part").write_bytes(b"half a document")
    assert main(["fax", "purge", SID, "--store", store.as_uri()]) == 0
    output = capsys.readouterr()
    assert f"{SID}: facts deleted, 1 waiting events dropped, document deleted" in output.out
    assert output.err == ""

    assert [path.name for path in store.iterdir()] == [f"{fax_sid(OTHER)}.pdf"]
    assert set(ledger.recall([FAX, OTHER])) == {OTHER}
    assert [waiting.event_id for waiting in ledger.waiting_events()] == ["event " + OTHER]
    # Telnyx may send it again; it is not delivered.
    assert ledger.put(event(FAX)) is False
    ledger.close()
    for path in tmp_path.glob("fax.db*"):
        assert b"example.com/" + FAX.encode() not in path.read_bytes()
        assert NUMBER.encode() not in path.read_bytes() or OTHER.encode() in path.read_bytes()


def test_no_number_is_left(ledger, tmp_path):
    """After both are purged, their numbers are in no file."""
    assert main(["fax", "purge", SID, OTHER]) == 0
    ledger.close()
    files = list(tmp_path.glob("fax.db*"))
    assert files
    assert not any(NUMBER.encode() in path.read_bytes() for path in files)


def test_again_and_unknown(ledger, capsys):
    """Purging a fax that the ledger does not have succeeds."""
    assert main(["fax", "purge", SID]) == 0
    assert main(["fax", "purge", SID]) == 0
    assert "nothing in the ledger" in capsys.readouterr().out


def test_an_unfinished_fax_is_named(ledger, capsys):
    """Its later events would be stored again."""
    ledger.forget([FAX])
    ledger.remember(FAX, Facts(cancel_asked=True))
    assert main(["fax", "purge", SID]) == 0
    assert "purge it again" in capsys.readouterr().err


def test_what_is_being_delivered_stays(ledger, capsys):
    """The handler at work would store it again."""
    ledger.claim("fax:" + FAX, 60)
    assert main(["fax", "purge", SID, OTHER]) == 1
    assert "try again in a minute" in capsys.readouterr().out
    assert set(ledger.recall([FAX, OTHER])) == {FAX}


def test_a_document_that_cannot_be_deleted(ledger, tmp_path, capsys):
    store = tmp_path / "faxes"
    (store / f"{SID}.pdf").mkdir(parents=True)
    assert main(["fax", "purge", SID, "--store", store.as_uri()]) == 1
    assert "cannot be deleted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["purge"], "write: "),
        (["purge", SID, "nonsense"], "not a Twilio SID"),
        (["purge", SID, "--store", "nonsense://x"], "nonsense"),
        ([SID, "--store", "file:///tmp"], "--store goes with purge"),
    ],
    ids=["no fax", "one wrong", "store", "show"],
)
def test_wrong_arguments(ledger, words, error, capsys):
    assert main(["fax", *words]) == 2
    assert error in capsys.readouterr().err
    assert set(ledger.recall([FAX, OTHER])) == {FAX, OTHER}


def test_nowhere_to_purge_from(monkeypatch, capsys):
    monkeypatch.delenv("TWILIO_FAX_COMPAT_LEDGER", raising=False)
    assert main(["fax", "purge", SID]) == 2
    assert "--ledger URL" in capsys.readouterr().err
