"""
Compare this library with other clients, as ratios in one interleaved run.

    python benchmarks/run.py [--quick]

The server is the emulator, on loopback in its own process. A bare ``httpx.Client`` is 1. Needs
``twilio==7.5.1``, ``telnyx`` and the emulator's extra; the run reports and skips what is missing.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from datetime import datetime

FROM, TO, MEDIA_URL = "+15005550006", "+15005550009", "https://www.example.com/fax.pdf"
ACCOUNT = "AC" + "0" * 32

SERVER = """
import sys
from twilio_fax_compat.testing import TelnyxEmulator
import json
with TelnyxEmulator(journal_limit=10) as telnyx:
    print(json.dumps(telnyx.environ), flush=True)
    sys.stdin.read()
"""

TWILIO_SERVER = """
# The same answers in Twilio's format, for Twilio's own client.
import asyncio, json, sys
SID = "FX" + "0a" * 16
FAX = {"sid": SID, "account_sid": "AC", "from": "+1", "to": "+2", "quality": "fine", "media_sid": None,
       "media_url": None, "num_pages": None, "duration": None, "status": "queued", "direction": "outbound",
       "api_version": "v1", "price": None, "price_unit": None, "date_created": "2021-03-04T05:06:07Z",
       "date_updated": "2021-03-04T05:06:07Z", "links": {"media": "x"}, "url": "x"}
import uvicorn
async def app(scope, receive, send):
    query = dict(pair.split("=") for pair in scope["query_string"].decode().split("&") if pair)
    while (await receive()).get("more_body"):
        pass
    status, body = 200, FAX
    if scope["method"] == "POST":
        status = 201
    elif scope["path"].endswith("/Faxes"):
        page, size = int(query.get("Page", 0)), int(query.get("PageSize", 50))
        last = (page + 1) * size >= 10000
        url = None if last else BASE + "/v1/Faxes?PageSize=%d&Page=%d" % (size, page + 1)
        body = {"faxes": [FAX] * size, "meta": {"key": "faxes", "next_page_url": url}}
    raw = json.dumps(body).encode()
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]})
    await send({"type": "http.response.body", "body": raw})
import socket
listening = socket.create_server(("127.0.0.1", 0))
listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
BASE = "http://127.0.0.1:%d" % listening.getsockname()[1]
print(json.dumps({"base": BASE}), flush=True)
config = uvicorn.Config(app, http="h11", loop="asyncio", lifespan="off", log_config=None, access_log=False)
uvicorn.Server(config).run(sockets=[listening])
"""


class Peer:
    """One client, and how it creates, fetches and streams faxes."""

    def __init__(self, name, create, fetch, stream, per_thread=None):
        self.name = name
        self.create = create
        self.fetch = fetch
        self.stream = stream


def peers(environ, twilio_base):
    """Return the installed clients, bare httpx first."""
    import httpx

    url = environ["TELNYX_BASE_URL"] + "/faxes"
    body = {
        "connection_id": environ["TELNYX_CONNECTION_ID"],
        "from": FROM,
        "to": TO,
        "media_url": MEDIA_URL,
        "store_media": True,
        "client_state": "eyJ0d2lsaW9fZmF4X2NvbXBhdCI6MSwidG9rZW4iOiIwMTIzIn0=",
    }
    bare = httpx.Client(headers={"Authorization": "Bearer " + environ["TELNYX_API_KEY"]})

    def bare_stream():
        number, total = 1, 1
        while number <= total:
            page = bare.get(url, params={"page[number]": number, "page[size]": 50}).json()
            yield from page["data"]
            number, total = number + 1, page["meta"]["total_pages"]

    fax_id = bare.post(url, json=body).json()["data"]["id"]
    clients = [
        Peer(
            "httpx.Client",
            lambda: bare.post(url, json=body).json(),
            lambda: bare.get(url + "/" + fax_id).json(),
            bare_stream,
        )
    ]

    from twilio_fax_compat.rest import Client

    ours = Client(ACCOUNT, "token", environment=dict(environ))
    sid = "FX" + fax_id.replace("-", "")
    clients.append(
        Peer(
            "twilio_fax_compat",
            lambda: ours.fax.faxes.create(TO, MEDIA_URL, from_=FROM),
            lambda: ours.fax.faxes(sid).fetch(),
            lambda: ours.fax.faxes.stream(page_size=50),
        )
    )
    try:
        import twilio
        from twilio.rest import Client as TwilioClient
    except ImportError:
        print("skipped: twilio 7.5.1 is not installed")
    else:
        if twilio.__version__ == "7.5.1":
            theirs = TwilioClient(ACCOUNT, "token")
            theirs.fax.base_url = twilio_base
            clients.append(
                Peer(
                    "twilio 7.5.1",
                    lambda: theirs.fax.faxes.create(TO, MEDIA_URL, from_=FROM),
                    lambda: theirs.fax.faxes(sid).fetch(),
                    lambda: theirs.fax.faxes.stream(page_size=50),
                )
            )
        else:
            print("skipped: twilio", twilio.__version__, "has no fax API; 7.5.1 has")
    try:
        import telnyx
    except ImportError:
        print("skipped: telnyx is not installed")
    else:
        sdk = telnyx.Telnyx(api_key=environ["TELNYX_API_KEY"], base_url=environ["TELNYX_BASE_URL"])
        extra = {"page": {"size": 50}}
        clients.append(
            Peer(
                "telnyx " + telnyx.__version__,
                lambda: sdk.faxes.create(
                    connection_id=body["connection_id"], from_=FROM, to=TO, media_url=MEDIA_URL
                ),
                lambda: sdk.faxes.retrieve(fax_id),
                lambda: (
                    sdk.faxes.list(page_size=50)
                    if _takes_page_size(sdk)
                    else sdk.faxes.list(extra_query=extra)
                ),
            )
        )
    return clients


def _takes_page_size(sdk):
    import inspect

    return "page_size" in inspect.signature(sdk.faxes.list).parameters


def interleaved(tasks, rounds, times):
    """Run each task *times* in each round, in turn; return CPU and wall seconds per call."""
    cpu = {name: [] for name in tasks}
    wall = {name: [] for name in tasks}
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


def show(title, seconds, unit=1e6, suffix="us", base=None):
    """Print the median of each client, and the median of its ratio to the base in each round."""
    base = base or next(iter(seconds))
    print(f"\n{title}")
    for name, values in seconds.items():
        ratios = [value / other for value, other in zip(values, seconds[base])]
        print(
            f"  {name:<20} {statistics.median(values) * unit:9.1f} {suffix}   "
            f"{statistics.median(ratios):5.2f} x"
        )


def in_process(code, environ, times):
    """Return the wall-clock seconds of each of *times* new processes that run *code*."""
    values = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environ, check=True)
        values.append(time.perf_counter() - began)
    return values


def fresh_processes(environ, twilio_base, times):
    """Measure imports and the first fax, in new processes that take turns."""
    everything = {**os.environ, **environ, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "t"}
    imports = {
        "python alone": "pass",
        "httpx": "import httpx",
        "twilio_fax_compat": "import twilio_fax_compat.rest",
        "twilio": "import twilio.rest",
        "telnyx": "import telnyx",
    }
    body = (
        f"json={{'connection_id': os.environ['TELNYX_CONNECTION_ID'], 'from': '{FROM}', "
        f"'to': '{TO}', 'media_url': '{MEDIA_URL}'}}"
    )
    first = {
        "httpx": "import os, httpx\nwith httpx.Client() as c: c.post(os.environ['TELNYX_BASE_URL'] + '/faxes', "
        f"{body}, headers={{'Authorization': 'Bearer ' + os.environ['TELNYX_API_KEY']}}).json()",
        "twilio_fax_compat": "from twilio_fax_compat.rest import Client\n"
        f"Client().fax.faxes.create('{TO}', '{MEDIA_URL}', from_='{FROM}')",
        "twilio": "from twilio.rest import Client\nclient = Client()\n"
        f"client.fax.base_url = '{twilio_base}'\n"
        f"client.fax.faxes.create('{TO}', '{MEDIA_URL}', from_='{FROM}')",
        "telnyx": "import os, telnyx\ntelnyx.Telnyx().faxes.create("
        f"connection_id=os.environ['TELNYX_CONNECTION_ID'], from_='{FROM}', to='{TO}', media_url='{MEDIA_URL}')",
    }
    for title, codes in (("import", imports), ("the first fax of a new process", first)):
        usable = {}
        for name, code in codes.items():
            tried = subprocess.run(
                [sys.executable, "-c", code], env=everything, check=False, capture_output=True
            )
            if tried.returncode == 0:
                usable[name] = code
            else:
                print(f"skipped in {title}: {name}")
        seconds = {name: [] for name in usable}
        for _ in range(times):
            for name, code in usable.items():
                seconds[name] += in_process(code, everything, 1)
        if title == "import":
            alone = seconds.pop("python alone")
            seconds = {
                name: [max(value - other, 1e-6) for value, other in zip(values, alone)]
                for name, values in seconds.items()
            }
        show(title, seconds, 1e3, "ms", base="httpx")


def threads_on_one(task, threads, times):
    """Return the wall-clock seconds per call of *threads* threads on one client, and the errors."""
    barrier = threading.Barrier(threads + 1)
    errors = []

    def work():
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


def memory_of(stream):
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--quick", action="store_true", help="do a tenth of the work")
    options = parser.parse_args()
    part = 10 if options.quick else 1
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    server = subprocess.Popen([sys.executable, "-c", SERVER], **pipes)
    other = subprocess.Popen([sys.executable, "-c", TWILIO_SERVER], **pipes)
    try:
        environ = json.loads(server.stdout.readline())
        twilio_base = json.loads(other.stdout.readline())["base"]
        print(f"python {sys.version.split()[0]}, {datetime.now():%Y-%m-%d}, loopback, medians")
        fresh_processes(environ, twilio_base, max(3, 21 // part))
        clients = peers(environ, twilio_base)
        for title in ("create", "fetch"):
            tasks = {peer.name: getattr(peer, title) for peer in clients}
            cpu, wall = interleaved(tasks, 9, max(20, 300 // part))
            show(f"{title}, CPU per call", cpu)
            show(f"{title}, latency per call", wall)
        faxes = len(list(clients[0].stream()))
        while faxes < 10_000 // part:
            clients[0].create()
            faxes += 1
        tasks = {peer.name: lambda peer=peer: sum(1 for _ in peer.stream()) for peer in clients}
        cpu, wall = interleaved(tasks, 3, 1)
        for name, values in wall.items():
            count = 10_000 if name.startswith("twilio ") else faxes
            wall[name] = [value / count for value in values]
            cpu[name] = [value / count for value in cpu[name]]
        show(f"streaming {faxes} faxes, time per item", wall)
        show(f"streaming {faxes} faxes, CPU per item", cpu)
        count, early, peak = memory_of(clients[1].stream())
        print(
            f"  memory of twilio_fax_compat: {early:.0f} KiB after 1,000, {peak:.0f} KiB after {count:,}"
        )
        seconds, failed = {}, {}
        for _ in range(3):
            for peer in clients:
                value, errors = threads_on_one(peer.create, 16, max(5, 60 // part))
                seconds.setdefault(peer.name, []).append(value)
                failed[peer.name] = failed.get(peer.name, 0) + errors
        show("16 threads on one client, time per create", seconds)
        print("  failed calls:", ", ".join(f"{name} {number}" for name, number in failed.items()))
    finally:
        for process in (server, other):
            process.kill()
            process.communicate()


if __name__ == "__main__":
    main()
