"""Which ledger a URL names, and what is told when it is not there."""

import importlib.util
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger.backends import NEEDS_SERVER, SERVER, SHARED, Clock, entry, place_of
from tests.ledger.test_contract import together
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import LedgerUnavailable, MemoryLedger
from twilio_fax_compat.ledger._opening import PROCESS_LEDGER, chosen_ledger, open_ledger
from twilio_fax_compat.ledger._tables import MIGRATIONS
from twilio_fax_compat.ledger.sqlite import SQLiteLedger

SECRET = "s3cret"


def test_a_url_names_a_ledger(tmp_path, monkeypatch):
    """Paths are relative after three slashes and absolute after four, when the ledger is opened."""
    monkeypatch.chdir(tmp_path)
    relative, absolute = open_ledger("sqlite:///a.db"), open_ledger(f"sqlite:///{tmp_path}/a.db")
    monkeypatch.chdir("/")
    relative.remember("fax", Facts(True))
    assert absolute.recall(["fax"]) == {"fax": Facts(True)}
    assert open_ledger("memory:") is PROCESS_LEDGER
    for ledger in (relative, absolute):
        ledger.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory",
        "memory:x",
        "/a.db",
        "sqlite:a.db",
        "sqlite://a.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///nowhere/a.db",
        "sqlite:////tmp",
        "sqlite:///a\0b.db",
        "SQLITE:///a.db",
        "postgresql:x",
        "postgresql+psycopg://u:{}@h/d",
        "postgresql://u:{}%zz@h/d",
        "postgresql://u:{}@h/d?nonsense=1",
        "mysql://u:{}@h/d",
        "u:{}@h/d",
    ],
)
def test_other_urls_are_refused(url):
    """What names no ledger is told, and no password with it."""
    pytest.importorskip("psycopg")
    with pytest.raises(TwilioException, match="ledger") as caught:
        open_ledger(url.format(SECRET))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [1, b"memory:", Path("a.db"), object(), MemoryLedger])
def test_what_is_not_a_ledger_is_refused(value):
    """The type is named, and what a URL looks like."""
    for opening in (open_ledger, lambda ledger: chosen_ledger(ledger, {})):
        if value is MemoryLedger and opening is not open_ledger:
            continue  # a class has the methods too
        with pytest.raises(TwilioException, match=type(value).__name__) as caught:
            opening(value)
        assert "sqlite:////absolute/path.db" in str(caught.value)


def test_a_missing_directory_is_an_error_at_once(tmp_path, monkeypatch):
    """The client says it when it is used, before anything is sent; and it says what to do."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TwilioException, match=r"directory .*/var does not exist: create it"):
        chosen_ledger(None, {"TWILIO_FAX_COMPAT_LEDGER": "sqlite:///var/a.db"})
    (tmp_path / "var").mkdir()
    ledger = open_ledger("sqlite:///var/a.db")
    ledger.check()
    ledger.close()
    assert (tmp_path / "var" / "a.db").exists()


def test_a_check_finds_what_is_wrong(tmp_path):
    """A ledger that cannot be written is found at the start."""
    (tmp_path / "other").write_bytes(b"this is no database at all" * 100)
    other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledgers = [SQLiteLedger(str(tmp_path / name), timeout=0.05) for name in ("other", "locked.db")]
    ledgers.append(SQLiteLedger(str(tmp_path / "none" / "a.db")))
    if importlib.util.find_spec("psycopg"):
        ledgers.append(open_ledger("postgresql://127.0.0.1:1/d"))
    for ledger in ledgers:
        with pytest.raises(LedgerUnavailable):
            ledger.check()
    other.close()
    ledgers[1].check()


def test_the_driver_of_postgresql_is_named():
    """Without psycopg the error says what to install."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from twilio_fax_compat.ledger import open_ledger\n"
        "try: open_ledger('postgresql://h/d')\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'twilio-fax-compat[postgresql]'" in said.stdout


def test_importing_it_loads_no_database():
    """The ledger in memory costs no more than itself."""
    code = (
        "import sys, twilio_fax_compat.ledger\n"
        "assert not {'sqlite3', 'psycopg'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_full_memory_refuses_entries_and_forgets_the_rest():
    """The oldest facts and events go, but no entry is dropped silently."""
    ledger = MemoryLedger(limit=2)
    for name in "abc":
        ledger.remember(name, Facts(True))
        ledger.settle(name)
        ledger.count(name)
    assert ledger.counts(0) == {"b": 1, "c": 1}
    assert set(ledger.recall("abc")) == {"b", "c"}
    assert [ledger.claim(name, 1) for name in "bca"] == ["done", "done", "new"]
    assert ledger.put(entry("d"))
    assert ledger.put(entry("e"))
    with pytest.raises(LedgerUnavailable, match="full"):
        ledger.put(entry("f"))
    assert not ledger.put(entry("d"))
    assert ledger.waiting() == 2


@pytest.mark.parametrize("kind", SHARED)
def test_the_old_go_with_the_new(kind, tmp_path):
    """Without anybody's doing, what is older than the retention goes with a new event."""
    clock = Clock()
    with place_of(kind, tmp_path) as place:
        ledger = place.open(clock)
        ledger.remember("old", Facts(True))
        ledger.settle("old")
        clock.pass_by(ledger.retention - 1)
        ledger.remember("young", Facts(True))
        clock.pass_by(2)
        assert ledger.claim("event", 1) == "new"
        assert set(ledger.recall(["old", "young"])) == {"young"}
        assert ledger.claim("old", 1) == "new"


def test_a_new_file_is_its_owners(tmp_path):
    """Others can neither read the file nor what SQLite keeps beside it."""
    ledger = SQLiteLedger(str(tmp_path / "a.db"))
    ledger.put(entry("event"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["a.db", "a.db-wal", "a.db-shm"], 0o600)
    ledger.close()


def test_unusable_files_are_told(tmp_path):
    """A folder, a file of another kind and one that is locked are no ledgers."""
    (tmp_path / "other").write_bytes(b"this is no database at all" * 100)
    for path in (tmp_path, tmp_path / "none" / "a.db", tmp_path / "other"):
        with pytest.raises(LedgerUnavailable, match=str(path)):
            SQLiteLedger(str(path)).claim("event", 1)

    ledger = SQLiteLedger(str(tmp_path / "a.db"), timeout=0.05)
    ledger.claim("event", 60)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked"):
        ledger.claim("event", 60)
    assert ledger.recall(["fax"]) == {}
    assert ledger.take(60) is None
    other.close()
    assert ledger.claim("event", 60) == "busy"
    ledger.close()


def test_a_file_of_the_first_version_grows(tmp_path):
    """What it knows stays, and it counts; facts of then have no provider."""
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.executescript(MIGRATIONS[0].format(sequence="INTEGER", bytes="BLOB"))
    other.execute("PRAGMA user_version = 1")
    other.execute("INSERT INTO fax_ledger_facts VALUES ('fax', '{\"status\": \"delivered\"}', 1e9)")
    other.execute("INSERT INTO fax_ledger_inbox VALUES (7, 'event', x'7B7D', '{}', '', 2, 1.0)")
    other.close()

    ledger = SQLiteLedger(str(tmp_path / "a.db"), clock=Clock())
    assert ledger.take(1, "one") == entry("event", body=b"{}", headers={}, url="", attempts=3)
    ledger.count("a")
    ledger.remember("fax", Facts(page_count=3))

    assert ledger.counts(0) == {"a": 1}
    assert ledger.recall(["fax"]) == {"fax": Facts(status="delivered", page_count=3)}
    ledger.close()


def test_a_counter_sweeps_too(tmp_path):
    """Where no events come, what is old goes with the counting."""
    clock = Clock()
    ledger = SQLiteLedger(str(tmp_path / "a.db"), clock=clock)
    ledger.remember("old", Facts(True))
    clock.pass_by(ledger.retention + 1)
    ledger.count("a")
    assert ledger.recall(["old"]) == {}
    ledger.close()


def test_a_newer_file_is_left_alone(tmp_path):
    """An older package does not touch what it does not know."""
    other = sqlite3.connect(tmp_path / "a.db")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(LedgerUnavailable, match="version 99"):
        SQLiteLedger(str(tmp_path / "a.db")).claim("event", 1)


def test_an_unreachable_server_is_told_without_its_password():
    """The text names the host and the cause, and no credentials."""
    pytest.importorskip("psycopg")
    for url in (
        f"postgresql://u:{SECRET}@127.0.0.1:1/d",
        f"postgres://127.0.0.1:1/d?password={SECRET}",
    ):
        ledger = open_ledger(url)
        with pytest.raises(LedgerUnavailable, match=r"127\.0\.0\.1.*refused") as caught:
            ledger.claim("event", 1)
        assert SECRET not in str(caught.value) + repr(ledger)


@NEEDS_SERVER
class TestServer:
    """What needs a server of PostgreSQL."""

    @pytest.fixture(name="place")
    def _place(self, tmp_path):
        with place_of("postgresql", tmp_path) as place:
            yield place

    def test_lost_connections_are_replaced(self, place):
        """After the server ended all connections the next call of each thread works."""
        import psycopg

        ledger = place.open()
        together(lambda number: ledger.claim(str(number), 60))
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'twilio_fax_compat'"
            )
        assert together(lambda number: ledger.claim(str(number), 60)) == ["busy"] * 8

    def test_a_wrong_password_is_told(self):
        """The text says that the server refuses, and not what it was told."""
        from urllib.parse import urlsplit

        parts = urlsplit(SERVER)
        host = parts.netloc.rpartition("@")[2]
        ledger = open_ledger(parts._replace(netloc=f"nobody:{SECRET}@{host}").geturl())
        with pytest.raises(LedgerUnavailable, match="nobody") as caught:
            ledger.claim("event", 1)
        assert SECRET not in str(caught.value)

    def test_newer_tables_are_left_alone(self, place):
        """An older package does not touch what it does not know."""
        import psycopg

        place.open().claim("event", 1)
        with psycopg.connect(place.url, autocommit=True) as server:
            server.execute("UPDATE fax_ledger_version SET version = 99")
        with pytest.raises(LedgerUnavailable, match="version 99"):
            place.open().claim("event", 1)

    def test_tables_of_the_first_version_grow(self, place):
        """What they know stays, and they count."""
        import psycopg

        with psycopg.connect(place.url, autocommit=True) as server:
            for statement in MIGRATIONS[0].split(";"):
                identity = "BIGINT GENERATED ALWAYS AS IDENTITY"
                server.execute(statement.format(sequence=identity, bytes="BYTEA"))
            server.execute("CREATE TABLE fax_ledger_version (version INTEGER NOT NULL)")
            server.execute("INSERT INTO fax_ledger_version VALUES (1)")
            server.execute("INSERT INTO fax_ledger_events VALUES ('event', NULL, 1e12)")
        ledger = place.open()
        ledger.count("a")
        assert ledger.counts(3600) == {"a": 1}
        assert ledger.claim("event", 1) == "done"

    def test_missing_tables_are_told(self, place):
        """What the server refuses is told as such, not raised as the driver's error."""
        import psycopg

        ledger = place.open()
        ledger.claim("event", 1)
        with psycopg.connect(place.url, autocommit=True) as server:
            server.execute("DROP TABLE fax_ledger_inbox")
        with pytest.raises(LedgerUnavailable, match="fax_ledger_inbox"):
            ledger.take(1)
        assert ledger.claim("event", 60) in ("busy", "new")
