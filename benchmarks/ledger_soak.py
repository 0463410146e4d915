"""
Many processes share a ledger: does it lose an event, or give one out again?

    python benchmarks/ledger_soak.py [--events 20000] [--ledger URL]

Servers store events with several threads, and fork children that store too. Workers take events, let some
fail, and finish the others. Both are reloaded, and killed with SIGKILL. Meanwhile short processes open the
ledger, look, and close it, as a polling job or ``twilio-fax-compat migration status`` does.

An event counts as acknowledged when `put` has returned: then Telnyx gets its 200. The program prints a JSON
object and exits with 1 if an acknowledged event was lost, or if an event was taken again after it was
finished. By default the ledger is a new SQLite file. A PostgreSQL URL must name an empty schema.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

from twilio_fax_compat.ledger import InboxEntry, Ledger, LedgerUnavailable, open_ledger

SERVERS, WORKERS, POLLERS = 2, 2, 1
ROLES = ("serve", "work", "poll")


def say(word: str, event_id: str = "") -> None:
    """Write a line to the parent, in one piece."""
    os.write(sys.stdout.fileno(), f"{word} {event_id}\n".encode())


def store(ledger: Ledger, go_on: threading.Event, limit: int = 10**9) -> None:
    """Store events until *go_on* is cleared, each until the ledger has it."""
    while go_on.is_set() and limit > 0:
        limit -= 1
        event_id = str(uuid.uuid4())
        while True:
            try:
                ledger.put(InboxEntry(event_id, b"x" * 700, {"a": "b"}, "http://h"))
            except LedgerUnavailable:
                say("unavailable", event_id)
                time.sleep(0.05)
            else:
                say("acknowledged", event_id)
                break


def serve(url: str, go_on: threading.Event) -> None:
    """Store with threads, and with the children of forks."""
    ledger = open_ledger(url)
    ledger.check()
    threads = [threading.Thread(target=store, args=(ledger, go_on)) for _ in range(3)]
    for thread in threads:
        thread.start()
    while go_on.is_set():
        time.sleep(0.3)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                store(ledger, go_on, 10)
                ledger.close()
                status = 0
            finally:
                os._exit(status)
        if os.waitpid(child, 0)[1] != 0:
            say("failed", "child")
    for thread in threads:
        thread.join()
    ledger.close()


def work(url: str, go_on: threading.Event, lease: float) -> None:
    """Take entries with threads; one in ten fails and is tried again."""
    ledger = open_ledger(url)

    def loop() -> None:
        while go_on.is_set():
            try:
                entry = ledger.take(lease)
                if entry is None:
                    time.sleep(0.02)
                    continue
                say("taken", entry.event_id)
                if random.random() < 0.1:
                    ledger.postpone(entry.event_id, 0.1)
                else:
                    ledger.finish(entry.event_id)
                    say("finished", entry.event_id)
            except LedgerUnavailable:
                say("unavailable")

    threads = [threading.Thread(target=loop) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()


def poll(url: str, go_on: threading.Event) -> None:
    """Open the ledger, look, and close it, over and over, two at a time."""
    while go_on.is_set():
        ledgers = [open_ledger(url), open_ledger(url)]
        for ledger in ledgers:
            ledger.waiting()
            list(ledger.recent(60))
        for ledger in ledgers:
            ledger.close()
        say("polled")
        time.sleep(0.01)


def run_role(role: str, url: str, lease: float) -> None:
    """Run until SIGTERM."""
    go_on = threading.Event()
    go_on.set()
    signal.signal(signal.SIGTERM, lambda *_: go_on.clear())
    if role == "work":
        work(url, go_on, lease)
    else:
        {"serve": serve, "poll": poll}[role](url, go_on)


class Soak:
    """Starts and ends processes, and keeps the books."""

    def __init__(self, url: str, events: int, lease: float) -> None:
        """Take the ledger's *url*, how many *events* are to be acknowledged, and workers' *lease*."""
        self.url, self.events, self.lease = url, events, lease
        self.read, self.write = os.pipe()
        self.buffer = b""
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.acknowledged: set[str] = set()
        self.finished: set[str] = set()
        self.again: list[str] = []
        self.counts: dict[str, int] = {}

    def start(self, role: str) -> None:
        """Start a process."""
        # Python 3.12 warns whenever a process with threads forks.
        command = [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", __file__]
        command += ["--ledger", self.url, "--role", role, "--lease", str(self.lease)]
        self.running.append((role, subprocess.Popen(command, stdout=self.write)))

    def listen(self, seconds: float) -> None:
        """Read what the processes say."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not select.select([self.read], [], [], 0.05)[0]:
                continue
            self.buffer += os.read(self.read, 1 << 20)
            *lines, self.buffer = self.buffer.split(b"\n")
            for line in lines:
                word, _, event_id = line.decode().partition(" ")
                self.counts[word] = self.counts.get(word, 0) + 1
                if word == "acknowledged":
                    self.acknowledged.add(event_id)
                elif word == "finished":
                    self.finished.add(event_id)
                elif word == "taken" and event_id in self.finished:
                    self.again.append(event_id)

    def end(self, number: int, how: signal.Signals) -> str:
        """End a process, and return its role."""
        role, process = self.running.pop(number)
        process.send_signal(how)
        while process.poll() is None:
            self.listen(0.05)
        if process.returncode not in (0, -how):
            self.counts["failed"] = self.counts.get("failed", 0) + 1
        word = "killed" if how == signal.SIGKILL else "ended"
        self.counts[word] = self.counts.get(word, 0) + 1
        return role

    def end_all(self, roles: set[str]) -> None:
        """End all processes of those *roles*."""
        for role, process in self.running:
            if role in roles:
                process.send_signal(signal.SIGTERM)
        for number in reversed(range(len(self.running))):
            if self.running[number][0] in roles:
                self.end(number, signal.SIGTERM)

    def run(self) -> dict[str, object]:
        """Run until all is acknowledged and finished, and return the figures."""
        began = time.monotonic()
        for role, number in (("serve", SERVERS), ("work", WORKERS), ("poll", POLLERS)):
            for _ in range(number):
                self.start(role)
        turn = 0
        while len(self.acknowledged) < self.events:
            self.listen(0.5)
            turn += 1
            how = signal.SIGKILL if turn % 3 == 0 else signal.SIGTERM
            self.start(self.end(random.randrange(len(self.running)), how))
        self.end_all({"serve"})
        stored = time.monotonic()
        ledger = open_ledger(self.url)
        # Entries of a killed worker are taken after their lease.
        while ledger.waiting() and time.monotonic() - stored < 180:
            self.listen(0.5)
        self.end_all(set(ROLES))
        self.listen(0.5)
        # A worker may have been killed after it finished an event, and before it could say so.
        unsaid = self.acknowledged - self.finished
        self.finished |= {event_id for event_id in unsaid if ledger.claim(event_id, 1) == "done"}
        waiting = ledger.waiting()
        ledger.close()
        return {
            "ledger": self.url.partition(":")[0],
            "seconds": round(time.monotonic() - began, 1),
            "acknowledged": len(self.acknowledged),
            "lost": len(self.acknowledged - self.finished),
            "taken_again_after_success": len(self.again),
            "left_in_the_inbox": waiting,
            **{
                word: self.counts.get(word, 0)
                for word in ("taken", "polled", "ended", "killed", "unavailable", "failed")
            },
        }


def main() -> int:
    """Run the soak, or one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--ledger", metavar="URL")
    parser.add_argument("--lease", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        run_role(arguments.role, arguments.ledger, arguments.lease)
        return 0
    with tempfile.TemporaryDirectory() as directory:
        url = arguments.ledger or f"sqlite:///{Path(directory) / 'fax.db'}"
        figures = Soak(url, arguments.events, arguments.lease).run()
    print(json.dumps(figures))
    is_bad = figures["lost"] or figures["taken_again_after_success"] or figures["failed"]
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
