"""What a client does while its ledger cannot be reached."""

import logging
import shutil
import sqlite3
import warnings

import pytest

from tests.helpers import FAST, make_client
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat._telnyx import client_facts
from twilio_fax_compat.ledger import LedgerUnavailable, MemoryLedger, open_ledger
from twilio_fax_compat.warnings import TelnyxCompatibilityWarning

FAX = {
    "to": "+15005550009",
    "from_": "+15005550006",
    "media_url": "https://www.example.com/fax.pdf",
}


class Away(MemoryLedger):
    """A ledger that can be away."""

    error = None

    def recall(self, fax_ids):
        self._fail()
        return super().recall(fax_ids)

    def remember(self, fax_id, facts):
        self._fail()
        super().remember(fax_id, facts)

    def count(self, name):
        self._fail()
        super().count(name)

    def _fail(self):
        if self.error is not None:
            raise self.error


def gone(tmp_path):
    """Return a ledger whose directory was deleted after the start."""
    directory = tmp_path / "gone"
    directory.mkdir()
    ledger = open_ledger(f"sqlite:///{directory}/fax.db")
    ledger.check()
    shutil.rmtree(directory)
    return ledger


def broken(_tmp_path):
    """Return a ledger that raises what it likes."""
    ledger = Away()
    ledger.error = RuntimeError("+15005550009 s3cret")
    return ledger


def use(client):
    """Do all that a program does with faxes."""
    faxes = client.fax.faxes
    fax = faxes.create(**FAX)
    assert faxes(fax.sid).fetch().sid == fax.sid
    assert [found.sid for found in faxes.list()] == [fax.sid]
    assert [found.sid for found in faxes.stream()] == [fax.sid]
    assert [found.sid for found in faxes.page()] == [fax.sid]
    assert fax.update(status="canceled").sid == fax.sid
    assert fax.delete()


@pytest.mark.parametrize("kind", ["gone", "broken"])
def test_no_call_fails_for_the_ledger(telnyx, tmp_path, caplog, kind):
    """Each call is answered, one warning is given, and the log says why without any number."""
    ledger = {"gone": gone, "broken": broken}[kind](tmp_path)
    with pytest.warns(TelnyxCompatibilityWarning, match="ledger cannot be reached") as caught:
        use(make_client(telnyx, retry=FAST, ledger=ledger))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    text = " ".join(record.getMessage() for record in caplog.records)
    assert "could not read the ledger: " in text
    assert "could not write to the ledger: " in text
    assert ("No such file or directory" in text) == (kind == "gone")
    for secret in ("5005550009", "s3cret"):
        assert secret not in text + str(caught[0].message)


def test_warnings_as_errors_change_nothing(telnyx, tmp_path):
    """A program that turns warnings into errors learns what Telnyx did all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use(make_client(telnyx, retry=FAST, ledger=gone(tmp_path)))


def test_a_locked_file_is_away_too(tmp_path, caplog):
    """The log says that it is locked."""
    path = tmp_path / "fax.db"
    ledger = open_ledger(f"sqlite:///{path}")
    ledger.timeout = 0.05
    ledger.check()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.warns(TelnyxCompatibilityWarning, match="locked"):
        client_facts.remember(ledger, "fax", Facts(True))
    assert "locked" in caplog.text
    other.close()
    assert client_facts.recall(ledger, ["fax"]) == {"fax": Facts(True)}
    assert ledger.recall(["fax"]) == {"fax": Facts(True)}
    ledger.close()


@pytest.mark.filterwarnings("ignore::twilio_fax_compat.warnings.TelnyxCompatibilityWarning")
def test_facts_are_written_when_the_ledger_is_back(telnyx):
    """A cancellation that the ledger could not take is known in this process, and then in all."""
    ledger = Away()
    client = make_client(telnyx, retry=FAST, ledger=ledger)
    ledger.remember("fax", Facts(page_count=2, status="delivered"))
    ledger.error = LedgerUnavailable("away")
    client_facts.remember(ledger, "fax", Facts(True))
    client_facts.remember(ledger, "fax", Facts(duration=3))
    client_facts.count(ledger, "name")
    assert client_facts.recall(ledger, ["fax", "other"]) == {"fax": Facts(True, duration=3)}
    ledger.error = None
    whole = Facts(True, "delivered", page_count=2, duration=3)
    assert client_facts.recall(ledger, ["fax", "other"]) == {"fax": whole}
    assert ledger.recall(["fax"]) == {"fax": whole}
    ledger.forget(["fax"])
    assert client_facts.recall(ledger, ["fax"]) == {}
    assert client.fax.faxes.list() == []


@pytest.mark.filterwarnings("ignore::twilio_fax_compat.warnings.TelnyxCompatibilityWarning")
def test_ledgers_are_kept_apart(caplog):
    """Facts that one ledger could not take never reach another."""
    one, other = Away(), Away()
    one.error = LedgerUnavailable("away")
    client_facts.remember(one, "fax", Facts(True))
    assert client_facts.recall(other, ["fax"]) == {}
    client_facts.remember(other, "fax", Facts(duration=1))
    assert other.recall(["fax"]) == {"fax": Facts(duration=1)}
    assert client_facts.recall(one, ["fax"]) == {"fax": Facts(True)}
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
