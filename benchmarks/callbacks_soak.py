"""
Count callbacks that are lost or repeated while servers are killed, and handlers fail and stall.

    python benchmarks/callbacks_soak.py [--events 1000] [--servers gunicorn-sync,uvicorn] [--ledger URL]

Real servers serve an application with an inbox. Signed events are posted to it, as Telnyx does: again and
again until the answer is 200. Meanwhile workers are killed with SIGKILL, gunicorn reloads, and a job opens,
reads and closes the ledger. The exit status is 1 if an event was lost, or if a callback was repeated that
no kill interrupted. Needs gunicorn, uvicorn and waitress.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import httpx
from nacl.signing import SigningKey

from twilio_fax_compat.ledger import LedgerUnavailable
from twilio_fax_compat.ledger._opening import open_ledger
from twilio_fax_compat.testing.webhooks import signed_headers

HERE = Path(__file__).resolve().parent
GUNICORN = ["-m", "gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", "--log-level", "critical"]
SERVERS = {
    "gunicorn-sync": [*GUNICORN, "-k", "sync", "soak_app:wsgi"],
    "gunicorn-gthread": [*GUNICORN, "-k", "gthread", "--threads", "4", "soak_app:wsgi"],
    "gunicorn-preload": [
        *GUNICORN,
        "-k",
        "gthread",
        "--threads",
        "4",
        "--preload",
        "soak_app:wsgi",
    ],
    "uvicorn": [
        *("-m", "uvicorn", "--port", "{port}", "--workers", "2", "--log-level", "critical"),
        "soak_app:asgi",
    ],
    "waitress": ["-m", "waitress", "--listen=127.0.0.1:{port}", "--threads=4", "soak_app:wsgi"],
}
AFTER_A_KILL = 1.0
"""Seconds before a kill in which a callback may have succeeded without the ledger's note of it."""


class Server:
    """A server and its workers, which can be killed, reloaded and started again."""

    def __init__(self, name, folder, options):
        self.name, self.options = name, options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.notes = folder / "notes"
        self.ledger_url = options.ledger or f"sqlite:///{folder}/fax.db"
        self.end = time.monotonic() + options.limit
        self.killed: dict[int, float] = {}
        self.reloads = 0
        self.key = SigningKey.generate()
        self.log = (folder / "log").open("ab")
        self.child = self._start()

    def _start(self):
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
            "SOAK_KEY": b64encode(bytes(self.key.verify_key)).decode(),
            "SOAK_LEDGER": self.ledger_url,
            "SOAK_NOTES": str(self.notes),
            "SOAK_KIND": "asgi" if self.name == "uvicorn" else "wsgi",
            "SOAK_LEASE": str(self.options.lease),
        }
        command = [part.format(port=self.port) for part in SERVERS[self.name]]
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=HERE,
            env=environ,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def wait_until_served(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/up", timeout=5)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit(f"{self.name} does not start: see {self.log.name}")

    def workers(self):
        path = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        pids = [int(pid) for pid in path.read_text().split()] if path.exists() else []
        return [pid for pid in pids if b"resource_tracker" not in _command_of(pid)]

    def kill_one(self):
        """Kill a worker, or a server without workers, which is then started again."""
        pids = self.workers() or [self.child.pid]
        pid = random.choice(pids)
        self.killed[pid] = time.time()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        if pid == self.child.pid:
            self.child.wait()
            self.child = self._start()

    def reload(self):
        if self.name.startswith("gunicorn"):
            self.reloads += 1
            self.child.send_signal(signal.SIGHUP)

    def stop(self):
        for pid in self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.child.kill()
        self.child.wait()
        self.log.close()


def _command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def event(number, name):
    """Return the body of an event about fax *number*."""
    payload = {
        "fax_id": f"{number:08d}-0dab-4bcf-9c5f-{number:012d}",
        "direction": "outbound",
        "from": "+15005550006",
        "to": "+15005550009",
        "page_count": 1,
    }
    data = {"event_type": name, "id": f"{name}-{number}", "payload": payload}
    return json.dumps({"data": data}).encode()


def sid(number):
    return f"FX{number:08d}0dab4bcf9c5f{number:012d}"


def post(server, number, name, acknowledged):
    """Post an event until it is answered 200, as Telnyx does, but sooner."""
    body, url = event(number, name), f"http://127.0.0.1:{server.port}/fax/status"
    for attempt in range(1000):
        if time.monotonic() > server.end:
            return
        headers = signed_headers(server.key, body, datetime.now(timezone.utc))
        try:
            if httpx.post(url, content=body, headers=headers, timeout=5).status_code == 200:
                status = name.partition(".")[2]
                acknowledged[sid(number), status] = time.time()
                return
        except httpx.HTTPError:
            pass
        time.sleep(min(0.05 * 2 ** min(attempt, 4), 0.5))


def send_all(server, numbers, acknowledged):
    def both(number):
        post(server, number, "fax.queued", acknowledged)
        post(server, number, "fax.delivered", acknowledged)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(both, numbers))


def make_trouble(server, over, options):
    """Kill and reload until *over* is set."""
    turn = 0
    while not over.wait(options.kill_every):
        turn += 1
        server.reload() if turn % 3 == 1 else server.kill_one()


def poll(server, over):
    """Open, read and close the ledger, as a job that polls does."""
    while not over.wait(0.2):
        ledger = open_ledger(server.ledger_url)
        try:
            ledger.waiting()
            ledger.recall(["x"])
        except LedgerUnavailable:
            pass
        finally:
            ledger.close()


def soak(name, options):
    """Run one server and return its figures."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        if sys.version_info
        >= (
            3,
            10,
        )
        else tempfile.TemporaryDirectory()
    ) as folder:
        server = Server(name, Path(folder), options)
        acknowledged: dict[tuple[str, str], float] = {}
        over = threading.Event()
        try:
            server.wait_until_served()
            threads = [
                threading.Thread(target=make_trouble, args=(server, over, options)),
                threading.Thread(target=poll, args=(server, over)),
            ]
            for thread in threads:
                thread.start()
            send_all(server, range(options.events // 2), acknowledged)
            over.set()
            for thread in threads:
                thread.join()
            server.wait_until_served()
            waiting = drain(server)
        finally:
            over.set()
            server.stop()
        return figures(server, acknowledged, waiting)


def drain(server):
    """Wait until the inbox is empty, and return how many entries it still has."""
    ledger = open_ledger(server.ledger_url)
    end = max(server.end, time.monotonic() + 15)
    waiting = None
    while waiting != 0 and time.monotonic() < end:
        time.sleep(0.1)
        # A worker that was started last delivers as soon as it gets a request.
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{server.port}/up", timeout=5)
        with contextlib.suppress(LedgerUnavailable):
            waiting = ledger.waiting()
    ledger.close()
    return waiting


def figures(server, acknowledged, waiting):
    """Compare what was acknowledged with what was handled."""
    handled = defaultdict(list)
    for line in server.notes.read_text().splitlines():
        at, pid, fax, status = line.split()
        handled[fax, status].append((float(at), int(pid)))
    superseded, lost, interrupted, repeated = [], [], [], []
    for key in acknowledged:
        fax, status = key
        if key not in handled:
            # A queued that comes after the end is old, and not delivered.
            late = status == "queued" and (fax, "delivered") in handled
            (superseded if late else lost).append(key)
    for key, times in handled.items():
        times.sort()
        for (at, pid), _ in zip(times, times[1:]):
            killed = server.killed.get(pid)
            explained = killed is not None and 0 <= killed - at <= AFTER_A_KILL
            (interrupted if explained else repeated).append(key)
    delays = [handled[key][0][0] - at for key, at in acknowledged.items() if key in handled]
    return {
        "server": server.name,
        "acknowledged": len(acknowledged),
        "lost": max(len(lost) - (waiting or 0), 0),
        "waiting": waiting,
        "repeated": len(repeated),
        "interrupted and repeated": len(interrupted),
        "superseded": len(superseded),
        "kills": len(server.killed),
        "reloads": server.reloads,
        "longest delay": round(max(delays, default=0.0), 1),
    }


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--events", type=int, default=1000, help="events for each server")
    parser.add_argument("--servers", default=",".join(SERVERS), help="names, with commas")
    parser.add_argument("--at-once", type=int, default=1, help="servers that run at the same time")
    parser.add_argument("--ledger", help="the URL of a PostgreSQL database; default: SQLite files")
    parser.add_argument("--lease", type=float, default=12.0, help="seconds of a lease")
    parser.add_argument("--kill-every", type=float, default=3.0, help="seconds between kills")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for each server")
    options = parser.parse_args(argv)
    names = options.servers.split(",")
    unknown = sorted(set(names) - set(SERVERS))
    if unknown or (options.ledger and len(names) > 1):
        parser.error(
            f"--servers must be among {', '.join(SERVERS)}"
            if unknown
            else "--ledger needs one server"
        )
    with ThreadPoolExecutor(options.at_once) as pool:
        results = list(pool.map(lambda name: soak(name, options), names))
    for result in results:
        print(", ".join(f"{name}: {value}" for name, value in result.items()))
    return int(any(result["lost"] or result["repeated"] for result in results))


if __name__ == "__main__":
    sys.exit(main())
