"""
Compare this library with other clients, as ratios in one interleaved run.

    python benchmarks/run.py [--quick] [--markdown]

A bare ``httpx.Client`` is 1, and less is better. All servers are on loopback, in processes of their own. CPU
is that of the client's process. Needs ``twilio==7.5.1``, ``telnyx`` and the emulator's extra; what is missing
is reported and skipped. SignalWire's package cannot be installed beside ``twilio==7.5.1``: its fax client is
that of ``twilio`` 6.54.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from datetime import date
from functools import partial
from typing import Any, Callable, Dict, List

import peers as clients_of
from servers import ACCOUNT, FROM, MEDIA_URL, TO, Servers, everything

BASE = "httpx.Client"

FIRST = {
    "httpx.Client": (
        "import os, httpx\n"
        "with httpx.Client() as c: c.post(os.environ['TELNYX_BASE_URL'] + '/faxes', json={'connection_id': "
        f"os.environ['TELNYX_CONNECTION_ID'], 'from': '{FROM}', 'to': '{TO}', 'media_url': '{MEDIA_URL}'}}, "
        "headers={'Authorization': 'Bearer ' + os.environ['TELNYX_API_KEY']}).json()"
    ),
    "twilio_fax_compat": (
        "from twilio_fax_compat.rest import Client\n"
        f"Client().fax.faxes.create('{TO}', '{MEDIA_URL}', from_='{FROM}')"
    ),
    "twilio 7.5.1": (
        "import os\nfrom twilio.rest import Client\nclient = Client()\n"
        "client.fax.base_url = os.environ['TWILIO_BASE']\n"
        f"client.fax.faxes.create('{TO}', '{MEDIA_URL}', from_='{FROM}')"
    ),
    "telnyx": (
        "import os, telnyx\ntelnyx.Telnyx().faxes.create("
        f"connection_id=os.environ['TELNYX_CONNECTION_ID'], from_='{FROM}', to='{TO}', media_url='{MEDIA_URL}')"
    ),
}
IMPORTS = {
    "python alone": "pass",
    "httpx.Client": "import httpx",
    "twilio_fax_compat": "import twilio_fax_compat.rest",
    "twilio 7.5.1": "import twilio.rest",
    "telnyx": "import telnyx",
}

Times = Dict[str, List[float]]


def interleaved(
    tasks: dict[str, Callable[[], Any]], rounds: int, times: int
) -> tuple[Times, Times]:
    """Run each task *times* in each round, in turn; return CPU and wall seconds per call."""
    cpu: Times = {name: [] for name in tasks}
    wall: Times = {name: [] for name in tasks}
    for name, task in tasks.items():
        for _ in range(min(times, 30)):
            task()
    for _ in range(rounds):
        for name, task in tasks.items():
            gc.collect()
            began_cpu, began = time.process_time(), time.perf_counter()
            for _ in range(times):
                task()
            cpu[name].append((time.process_time() - began_cpu) / times)
            wall[name].append((time.perf_counter() - began) / times)
    return cpu, wall


def show(
    title: str, seconds: Times, unit: float = 1e6, suffix: str = "us", base: str = ""
) -> Times:
    """Print the median of each client, and the median of its ratio to the base in each round."""
    base = base or next(iter(seconds))
    print(f"\n{title}")
    for name, values in seconds.items():
        print(
            f"  {name:<20} {statistics.median(values) * unit:9.1f} {suffix}   "
            f"{_ratio(values, seconds[base]):5.2f} x",
            flush=True,
        )
    return seconds


def _ratio(values: list[float], base: list[float]) -> float:
    return statistics.median(value / other for value, other in zip(values, base))


def in_new_processes(codes: dict[str, str], environ: dict[str, str], times: int) -> Times:
    """Return the wall-clock seconds of new processes that run each code, in turn."""
    usable = {}
    for name, code in codes.items():
        tried = subprocess.run(
            [sys.executable, "-c", code], env=environ, check=False, capture_output=True
        )
        if tried.returncode == 0:
            usable[name] = code
        else:
            print("skipped in new processes:", name)
    seconds: Times = {name: [] for name in usable}
    for _ in range(times):
        for name, code in usable.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], env=environ, check=True)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def threads_on_one(task: Callable[[], Any], threads: int, times: int) -> tuple[float, int]:
    """Return the wall-clock seconds per call of *threads* threads on one client, and the errors."""
    barrier = threading.Barrier(threads + 1)
    errors = []

    def work() -> None:
        barrier.wait()
        for _ in range(times):
            try:
                task()
            except Exception as error:
                errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    return (time.perf_counter() - began) / (threads * times), len(errors)


def memory_of(stream: Any) -> tuple[int, float, float]:
    """Return the number of faxes, and the peak memory in KiB after 1,000 faxes and at the end."""
    gc.collect()
    tracemalloc.start()
    count = early = 0
    for _ in stream:
        count += 1
        if count == 1000:
            early = tracemalloc.get_traced_memory()[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, early / 1024, peak / 1024


class Report:
    """Prints each measurement, and keeps its ratios for a table."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, float]]] = []

    def add(self, title: str, seconds: Times, unit: float = 1e6, suffix: str = "us") -> None:
        """Show and keep *seconds* of each client."""
        show(title, seconds, unit, suffix, BASE)
        base = seconds[BASE]
        self.rows.append((title, {name: _ratio(own, base) for name, own in seconds.items()}))

    def markdown(self) -> str:
        """Return the table."""
        columns = list(dict.fromkeys(name.split()[0] for _, row in self.rows for name in row))
        full = {name.split()[0]: name for _, row in self.rows for name in row if " " in name}
        lines = [
            "| | " + " | ".join(f"`{full.get(name, name)}`" for name in columns) + " |",
            "|---|" + "---:|" * len(columns),
        ]
        for title, row in self.rows:
            ratios = {name.split()[0]: ratio for name, ratio in row.items()}
            cells = [f"{ratios[name]:.2f}" if name in ratios else "" for name in columns]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--quick", action="store_true", help="do a tenth of the work")
    parser.add_argument("--markdown", action="store_true", help="end with a table in Markdown")
    options = parser.parse_args()
    part = 10 if options.quick else 1
    report = Report()
    faxes = max(1000, 10_000 // part)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.system()}"
    print(f"{machine}, {date.today()}, loopback; medians, and ratios to {BASE}")
    with tempfile.TemporaryDirectory() as folder, Servers(faxes, folder) as servers:
        environ = {**everything(servers.environ), "TWILIO_BASE": servers.twilio}
        runs = max(3, 21 // part)
        seconds = in_new_processes(IMPORTS, environ, runs)
        alone = seconds.pop("python alone")
        above = {
            name: [max(value - other, 1e-6) for value, other in zip(values, alone)]
            for name, values in seconds.items()
        }
        report.add("import of the client", above, 1e3, "ms")
        report.add("first fax of a process", in_new_processes(FIRST, environ, runs), 1e3, "ms")
        if servers.tls_environ is not None:
            codes = {name: code for name, code in FIRST.items() if not name.startswith("twilio 7")}
            seconds = in_new_processes(codes, everything(servers.tls_environ), runs)
            report.add("first fax of a process, https", seconds, 1e3, "ms")
        compare(report, servers, faxes, part)
    if options.markdown:
        print(f"\n{machine}, {date.today()}:\n\n{report.markdown()}")


def compare(report: Report, servers: Servers, faxes: int, part: int) -> None:
    """Add what one process does to *report*."""
    bare = clients_of.bare(servers.environ, servers.lists)
    found = [
        bare,
        clients_of.ours(servers.environ, servers.lists, bare.fax_id),
        clients_of.twilio(servers.twilio),
        clients_of.telnyx(servers.environ, servers.lists, bare.fax_id),
    ]
    peers = [peer for peer in found if peer is not None]
    for title in ("create", "fetch"):
        tasks = {peer.name: getattr(peer, title) for peer in peers}
        cpu, wall = interleaved(tasks, 9, max(20, 300 // part))
        report.add(f"{title}, CPU", cpu)
        report.add(f"{title}, latency", wall)
    if servers.tls_environ is not None:
        os.environ["SSL_CERT_FILE"] = servers.tls_environ["SSL_CERT_FILE"]
        secure = clients_of.bare(servers.tls_environ, servers.lists)
        own = clients_of.ours(servers.tls_environ, servers.lists, secure.fax_id)
        tasks = {peer.name: peer.create for peer in (secure, own)}
        report.add("create, CPU, https", interleaved(tasks, 9, max(20, 300 // part))[0])
    for size in (50, 250):
        for times in ("distinct", "equal"):
            for peer in peers:
                assert peer.stream(size, times) == faxes, peer.name
            tasks = {peer.name: partial(peer.stream, size, times) for peer in peers}
            cpu, _wall = interleaved(tasks, 5, 1)
            per_item = {name: [value / faxes for value in values] for name, values in cpu.items()}
            report.add(f"item of a list, 4 fields, pages of {size}, {times} times, CPU", per_item)
    seconds: Times = {}
    failed: dict[str, int] = {}
    for _ in range(5):
        for peer in peers:
            value, errors = threads_on_one(peer.create, 16, max(5, 60 // part))
            seconds.setdefault(peer.name, []).append(value)
            failed[peer.name] = failed.get(peer.name, 0) + errors
    report.add("create, 16 threads on one client", seconds)
    print("  failed calls:", ", ".join(f"{name} {number}" for name, number in failed.items()))
    listing = {**servers.environ, "TELNYX_BASE_URL": servers.lists + "/distinct/v2"}
    stream = clients_of.Client(ACCOUNT, "token", environment=listing).fax.faxes.stream(page_size=50)
    count, early, peak = memory_of(stream)
    print(f"  memory of a stream: {early:.0f} KiB after 1,000, {peak:.0f} KiB after {count:,}")


if __name__ == "__main__":
    main()
