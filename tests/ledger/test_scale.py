"""Operations take the time of what they return, and not of what is stored."""

import sqlite3
import time

import pytest

from tests.ledger.backends import SHARED, entry, place_of
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.ledger import _sql

POSTPONED = 30_000
FACTS = 100_000


@pytest.fixture(name="place", params=SHARED)
def _place(request, tmp_path):
    with place_of(request.param, tmp_path) as place:
        yield place


def fill(place, table, columns, rows):
    """Write rows past the ledger, which would take long."""
    names = ", ".join(columns)
    if place.url.startswith("sqlite:"):
        marks = ", ".join("?" * len(columns))
        other = sqlite3.connect(place.url[len("sqlite:///") :])
        with other:
            other.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        other.close()
        return
    import psycopg

    copying = f"COPY {table} ({names}) FROM STDIN"
    with psycopg.connect(place.url) as other, other.cursor().copy(copying) as copy:
        for row in rows:
            copy.write_row(row)


def milliseconds(work):
    """Return the median of several runs."""
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return sorted(times)[4] * 1000


def test_taking_does_not_depend_on_what_waits(place):
    """Thousands of postponed entries do not slow down the others, nor a look that finds none."""
    ledger = place.open()
    ledger.take(60)
    later = time.time() + 3000
    columns = ("event_id", "application", "body", "headers", "url", "attempts", "due", "at")
    rows = ((str(n), "app", b"x" * 700, "{}", "http://h", 9, later, 0.0) for n in range(POSTPONED))

    def deliver():
        ledger.put(entry("new", application="app"))
        assert ledger.take(60, "app").event_id == "new"
        ledger.postpone("new", -3600)  # the longest due

    looking, delivering = milliseconds(lambda: ledger.take(60, "app")), milliseconds(deliver)
    ledger.finish("new")
    ledger.take(60, "app")
    fill(place, "fax_ledger_inbox", columns, rows)
    assert milliseconds(lambda: ledger.take(60, "app")) < 5 * looking + 3
    ledger.put(entry("newer", application="app"))
    assert ledger.take(60, "app").event_id == "newer"
    ledger.postpone("newer", -3600)
    assert milliseconds(lambda: ledger.take(60, "app")) < 5 * delivering + 5


def test_recent_faxes_do_not_depend_on_old_ones(place):
    """The first and all recent faxes come at once, whatever is older."""
    ledger = place.open()
    for number in range(3):
        ledger.remember(f"new {number}", Facts(True))
    few = milliseconds(lambda: list(ledger.recent(3600)))
    old = time.time() - 100_000
    rows = ((f"{n:036d}", '{"status": "delivered"}', old) for n in range(FACTS))
    fill(place, "fax_ledger_facts", ("fax_id", "document", "at"), rows)
    assert len(list(ledger.recent(3600))) == 3
    assert milliseconds(lambda: list(ledger.recent(3600))) < 5 * few + 3
    assert milliseconds(lambda: next(ledger.recent(1e6))) < 50
    assert sum(1 for _ in ledger.recent(1e6)) == FACTS + 3


def test_a_sweep_deletes_in_small_steps(place, monkeypatch):
    """No transaction deletes more rows than one step, and in the end all are gone."""
    ledger = place.open()
    ledger.remember("new", Facts(True))
    old = time.time() - 1e9
    rows = [(f"{n:036d}", "{}", old) for n in range(1200)]
    fill(place, "fax_ledger_facts", ("fax_id", "document", "at"), rows)
    fill(place, "fax_ledger_events", ("event_id", "at"), [(name, at) for name, _, at in rows[:700]])
    hours = [(number, "name", 1) for number in range(600)]
    fill(place, "fax_ledger_counts", ("hour", "name", "number"), hours)
    steps = []
    transact = type(ledger).transact

    def counting(self, work, **options):
        number = transact(self, work, **options)
        if isinstance(number, tuple):
            steps.append(number)
        return number

    monkeypatch.setattr(type(ledger), "transact", counting)

    assert ledger.sweep(1000) == 1200 + 700 + 600
    assert max(max(step) for step in steps) == _sql._STEP
    assert len(steps) == 3
    assert dict(ledger.recent(1e12)) == {"new": Facts(True)}


def test_each_call_sweeps_a_little(place):
    """Calls that write delete what is too old, a step at a time, until it is gone."""
    ledger = place.open()
    old = time.time() - ledger.retention - 1000
    ledger.check()
    rows = [(f"{n:036d}", "{}", old) for n in range(3 * _sql._STEP - 1)]
    fill(place, "fax_ledger_facts", ("fax_id", "document", "at"), rows)
    left = []
    for number in range(4):
        ledger.claim(str(number), 60)
        left.append(sum(1 for _ in ledger.recent(1e12)))
        time.sleep(2 * _sql._BETWEEN_STEPS)
    assert left == [2 * _sql._STEP - 1, _sql._STEP - 1, 0, 0]
