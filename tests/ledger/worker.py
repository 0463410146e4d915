"""Another process that uses a ledger: ``python -m tests.ledger.worker URL WORK``."""

import os
import sys
import time

from tests.ledger.backends import entry
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.ledger._opening import open_ledger


def claim(ledger):
    """Say which of many events this process got."""
    return [name for name in map(str, range(50)) if ledger.claim(name, 60) == "new"]


def put(ledger):
    return [name for name in map(str, range(50)) if ledger.put(entry(name))]


def remember(ledger):
    for number in range(50):
        ledger.remember("fax", Facts(action={str(os.getpid()): str(number)}))
        ledger.remember(f"{os.getpid()}-{number}", Facts(page_count=number))
    return [str(os.getpid())]


def count(ledger):
    for _ in range(50):
        ledger.count("together")
    return []


def work(ledger):
    """Work on all that can be taken."""
    done = []
    while True:
        found = ledger.take(60)
        if found is None:
            return done
        done.append(found.event_id)
        ledger.finish(found.event_id)


def die(ledger):
    """Take an entry and wait for the end."""
    ledger.put(entry("killed"))
    yield ledger.take(0.5).event_id
    time.sleep(60)


def fork(ledger):
    """Use a ledger that was in use before a fork on both sides of it, many times over."""
    ledger.remember("before", Facts(True))
    for turn in range(5):
        child = os.fork()
        if child == 0:
            assert ledger.recall(["before"]) == {"before": Facts(True)}
            ledger.put(entry(f"child {turn}"))
            ledger.close()
            os._exit(0)
        ledger.put(entry(f"parent {turn}"))
        assert os.waitpid(child, 0)[1] == 0
        assert ledger.recall(["before"]) == {"before": Facts(True)}
    return sorted(work(ledger))


if __name__ == "__main__":
    ledger = open_ledger(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if sys.stdin.readline():  # so that all begin together
        for line in globals()[sys.argv[2]](ledger):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    ledger.close()
