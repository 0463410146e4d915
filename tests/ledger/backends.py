"""The ledgers under test, each with a place of its own."""

import os
from contextlib import contextmanager
from itertools import count
from urllib.parse import quote

import pytest

from twilio_fax_compat.ledger import InboxEntry, MemoryLedger
from twilio_fax_compat.ledger._opening import open_ledger

SERVER = os.environ.get("TWILIO_FAX_COMPAT_POSTGRESQL")
NEEDS_SERVER = pytest.mark.skipif(
    not SERVER,
    reason="TWILIO_FAX_COMPAT_POSTGRESQL is not set; `.ci/postgresql python -m pytest` starts a server",
)
SHARED = ["sqlite", "postgresql"] if SERVER else ["sqlite"]
_numbers = count()


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


class Place:
    """Where a ledger's state is: the ledgers opened here share it."""

    def __init__(self, url):
        self.url = url
        self.opened = []

    def open(self, clock=None):
        if self.url == "memory:":
            ledger = MemoryLedger(clock=clock) if clock else MemoryLedger()
        else:
            ledger = open_ledger(self.url)
            if clock:
                ledger.clock = clock
        self.opened.append(ledger)
        return ledger


@contextmanager
def place_of(kind, directory):
    """Make a new place, and leave nothing open in it."""
    with _schema() if kind == "postgresql" else _file(kind, directory) as url:
        place = Place(url)
        try:
            yield place
        finally:
            for ledger in place.opened:
                ledger.close()


@contextmanager
def _file(kind, directory):
    yield "memory:" if kind == "memory" else f"sqlite:///{directory}/{next(_numbers)}.db"


@contextmanager
def _schema():
    import psycopg

    name = f"ledger_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE SCHEMA {name}")
        try:
            mark = "&" if "?" in SERVER else "?"
            yield SERVER + mark + "options=" + quote(f"-csearch_path={name}", safe="")
        finally:
            server.execute(f"DROP SCHEMA {name} CASCADE")


def entry(event_id, **other):
    """Return an inbox entry that has everything."""
    told = {
        "body": b'{"data": "\xc3\xa9 \x00"}',
        "headers": {"telnyx-timestamp": "1", "x": "\xe9"},
        "url": "https://example.com/fax?a=b",
    }
    return InboxEntry(event_id, **{**told, **other})
