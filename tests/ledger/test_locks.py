"""Nothing touches an SQLite file beside SQLite, which would drop its locks."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.ledger.backends import entry
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.ledger import sqlite as module
from twilio_fax_compat.ledger.sqlite import SQLiteLedger

ROOT = Path(__file__).parents[2]
LOOK = (
    "import sys; from twilio_fax_compat.ledger.sqlite import SQLiteLedger as L\n"
    "ledger = L(sys.argv[1]); print(ledger.waiting()); ledger.close()"
)


def look_in_another_process(path):
    """Open the ledger as a polling job does, and return how many entries it sees."""
    command = [sys.executable, "-W", "error", "-c", LOOK, str(path)]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


def open_relative(path):
    return SQLiteLedger(os.path.relpath(path))


def open_symlink(path):
    link = path.with_name("link.db")
    if not link.exists():
        link.symlink_to(path)
    return SQLiteLedger(str(link))


def open_symlink_of_directory(path):
    link = path.parent.with_name(path.parent.name + "-link")
    if not link.exists():
        link.symlink_to(path.parent)
    return SQLiteLedger(str(link / path.name))


def open_same(path):
    return SQLiteLedger(str(path))


OPENERS = [open_same, open_relative, open_symlink, open_symlink_of_directory]


@pytest.mark.parametrize("opener", OPENERS)
def test_another_connection_drops_no_locks(tmp_path, opener):
    """Whatever opens the file again in this process, a process that closes it takes nothing away."""
    path = tmp_path / "a.db"
    ledger = SQLiteLedger(str(path))
    assert ledger.put(entry("one"))
    other = opener(path)
    other.waiting()
    other.check()
    other.close()
    another = opener(path)
    assert look_in_another_process(path) == 1
    assert ledger.put(entry("two"))
    assert look_in_another_process(path) == another.waiting() == ledger.waiting() == 2
    for opened in (ledger, another):
        opened.close()


def test_two_threads_drop_no_locks(tmp_path):
    """A second connection of the same ledger is opened safely too."""
    ledger = SQLiteLedger(str(tmp_path / "a.db"))
    ledger.put(entry("one"))

    def two_at_once(query):
        thread = threading.Thread(target=ledger.waiting)
        thread.start()
        thread.join()

    ledger.transact(two_at_once, writes=False)
    assert look_in_another_process(ledger.path) == 1
    assert ledger.put(entry("two"))
    assert look_in_another_process(ledger.path) == 2
    ledger.close()


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_is_created_once_for_its_owner(tmp_path, monkeypatch, has_links):
    """Threads that create it at once use the same file; nothing else stays in the directory."""

    def refuse(*_):
        raise PermissionError("no hard links here")

    if not has_links:
        monkeypatch.setattr(module.os, "link", refuse)
    (tmp_path / "link.db").symlink_to(tmp_path / "a?b#%41.db")  # which does not exist yet
    ledgers = [SQLiteLedger(str(tmp_path / "link.db")) for _ in range(4)]
    threads = [
        threading.Thread(target=ledger.put, args=(entry(str(number)),))
        for number, ledger in enumerate(ledgers)
    ]
    before = os.umask(0)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        os.umask(before)
    assert [ledger.waiting() for ledger in ledgers] == [4] * 4
    names = ["a?b#%41.db", "a?b#%41.db-shm", "a?b#%41.db-wal", "link.db"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names} == {0o600}
    assert look_in_another_process(tmp_path / "link.db") == 4
    for ledger in ledgers:
        ledger.close()


def raw_content(directory):
    return b"".join(path.read_bytes() for path in directory.iterdir())


def test_deleted_content_is_gone(tmp_path):
    """What was delivered or deleted is neither in the file nor in its write-ahead log."""
    ledger, other = (SQLiteLedger(str(tmp_path / "a.db")) for _ in range(2))
    other.waiting()
    secrets = [b"+15005550009", b"https://example.com/secret", b"long" * 500]
    url = secrets[1].decode()
    ledger.put(entry("event", body=secrets[0] + 9 * secrets[2], url=url))
    ledger.remember("secret-fax-id", Facts(failure_reason="secret reason"))
    other.put(entry("other"))
    assert all(secret in raw_content(tmp_path) for secret in secrets)

    ledger.take(60)
    ledger.finish("event")
    ledger._next_cleanup = 0.0  # as if a second had passed
    assert ledger.take(60).event_id == "other"
    assert ledger.take(60) is None

    assert not any(secret in raw_content(tmp_path) for secret in secrets)
    assert b"secret-fax-id" in raw_content(tmp_path)
    ledger.forget(["secret-fax-id"])
    assert b"secret" not in raw_content(tmp_path)
    assert other.waiting() == 1
    for opened in (ledger, other):
        opened.close()


def test_what_a_killed_process_left_is_cleaned(tmp_path):
    """The next process that uses the ledger removes what another one had deleted."""
    ledger = SQLiteLedger(str(tmp_path / "a.db"))
    ledger.put(entry("event", body=b"secret"))
    ledger.finish("event")
    assert b"secret" in raw_content(tmp_path)
    other = SQLiteLedger(str(tmp_path / "a.db"))
    other._next_cleanup = 0.0
    assert other.take(60) is None
    assert b"secret" not in raw_content(tmp_path)
    for opened in (ledger, other):
        opened.close()


def test_a_reader_delays_the_cleaning(tmp_path):
    """A reader delays the cleaning of the log without an error, and it is cleaned when the reader is gone."""
    ledger, other = (SQLiteLedger(str(tmp_path / "a.db"), timeout=0.1) for _ in range(2))
    ledger.remember("secret", Facts())

    def forget_meanwhile(query):
        query("SELECT * FROM fax_ledger_facts")
        ledger.forget(["secret"])

    other.transact(forget_meanwhile, writes=False)
    assert b"secret" in raw_content(tmp_path)
    ledger._next_cleanup = 0.0
    ledger.settle("event")
    assert b"secret" not in raw_content(tmp_path)
    for opened in (ledger, other):
        opened.close()
