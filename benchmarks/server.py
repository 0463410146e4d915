"""
The server beside a bare Starlette application that forwards the same request with httpx.

    python benchmarks/server.py [--seconds 20] [--clients 8]

Both run under uvicorn on one core each in turn, in one interleaved run, in front of one fast fake of
Telnyx. Printed are requests a second and the p50 and p99 of the latency, and the server's as a ratio to
the bare application's. The memory of the server is printed before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import b64encode
from pathlib import Path

ROOT = Path(__file__).parents[1]
SID, TOKEN = "AC" + "0" * 32, "token"
AUTH = b"Basic " + b64encode(f"{SID}:{TOKEN}".encode())

TELNYX = """
import asyncio, json, sys, uuid
FAX = {"record_type": "fax", "id": "", "connection_id": "1", "direction": "outbound", "from": "+15005550006",
       "to": "+15005550009", "media_url": "https://www.example.com/fax.pdf", "quality": "high",
       "status": "queued", "webhook_url": "", "store_media": True, "client_state": "",
       "created_at": "2026-01-01T00:00:00.000000Z", "updated_at": "2026-01-01T00:00:00.000000Z"}

class Telnyx(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""
    def data_received(self, data):
        self.data += data
        head, end, body = self.data.partition(b"\\r\\n\\r\\n")
        if not end:
            return
        length = 0
        for line in head.lower().split(b"\\r\\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if len(body) < length:
            return
        self.data = b""
        fax = dict(FAX, id=str(uuid.uuid4()))
        status = b"202 Accepted" if head.startswith(b"POST") else b"200 OK"
        if length:
            fax.update(json.loads(body))
        text = json.dumps({"data": fax}).encode()
        self.transport.write(b"HTTP/1.1 " + status + b"\\r\\nContent-Type: application/json\\r\\n"
                             b"Content-Length: %d\\r\\n\\r\\n" % len(text) + text)

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Telnyx, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""

BARE = """
import json, os
import httpx
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

BASE = os.environ["TELNYX_BASE_URL"]
client = httpx.AsyncClient(headers={"Authorization": "Bearer KEY"})

async def create(request):
    form = await request.form()
    body = {"connection_id": "1", "to": form["To"], "from": form["From"], "media_url": form["MediaUrl"]}
    answer = await client.post(BASE + "/faxes", json=body)
    return Response(answer.content, 201, media_type="application/json")

async def fetch(request):
    answer = await client.get(BASE + "/faxes/" + request.path_params["sid"])
    return Response(answer.content, 200, media_type="application/json")

app = Starlette(routes=[Route("/v1/Faxes", create, methods=["POST"]), Route("/v1/Faxes/{sid}", fetch)])
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing listens on {port}")


def request_bytes(operation: str, port: int, number: int) -> bytes:
    if operation == "fetch":
        digits = uuid.uuid4().hex
        return (
            f"GET /v1/Faxes/FX{digits} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
            + b"Authorization: " + AUTH + b"\r\n\r\n"
        )  # fmt: skip
    form = (
        "To=%2B15005550009&From=%2B15005550006&MediaUrl="
        f"https%3A%2F%2Fwww.example.com%2F{number}.pdf"
    ).encode()
    return (
        f"POST /v1/Faxes HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
        + b"Authorization: " + AUTH + b"\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        + b"Content-Length: %d\r\n\r\n" % len(form) + form
    )  # fmt: skip


async def client(operation: str, port: int, end: float, latencies: list[float], counter: list[int]):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        counter[0] += 1
        began = time.perf_counter()
        writer.write(request_bytes(operation, port, counter[0]))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
        await reader.readexactly(length)
        if head[9:12] not in (b"200", b"201"):
            raise SystemExit(head.decode())
        latencies.append(time.perf_counter() - began)
    writer.close()


COUNTER = [0]


async def load(
    operation: str, port: int, seconds: float, clients: int
) -> tuple[int, list[float], float]:
    latencies: list[float] = []
    began = time.perf_counter()
    end = began + seconds
    await asyncio.gather(
        *(client(operation, port, end, latencies, COUNTER) for _ in range(clients))
    )
    return len(latencies), latencies, time.perf_counter() - began


def memory_of(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each operation and server")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--ledger", help="the server's ledger (default: in memory)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    (folder / "bare.py").write_text(BARE)
    telnyx, bare, server = free_port(), free_port(), free_port()
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{folder}",
        "TELNYX_BASE_URL": f"http://127.0.0.1:{telnyx}/v2",
        "TELNYX_API_KEY": "KEY",
        "TELNYX_CONNECTION_ID": "1",
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
    }
    options = ["--ledger", arguments.ledger] if arguments.ledger else []
    pin = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environ}
    uvicorn = ["-m", "uvicorn", "bare:app", "--no-access-log", "--http", "h11", "--loop", "asyncio"]
    serve = ["-m", "twilio_fax_compat", "serve", "--log-level", "warning", *options]
    commands = [
        [sys.executable, "-c", TELNYX, str(telnyx)],
        [*pin, sys.executable, *uvicorn, "--port", str(bare)],
        [*pin, sys.executable, *serve, "--port", str(server)],
    ]
    processes = [subprocess.Popen(command, **quiet) for command in commands]
    try:
        for port in (telnyx, bare, server):
            wait_for(port)
        measure(arguments, bare, server, processes[2].pid)
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def measure(arguments, bare: int, server: int, pid: int) -> None:
    for port in (bare, server):
        for operation in ("create", "fetch"):
            asyncio.run(load(operation, port, 0.5, arguments.clients))
    before, slices = memory_of(pid), 10
    totals: dict[tuple[str, str], tuple[int, list[float], float]] = {}
    for _ in range(slices):
        for operation in ("create", "fetch"):
            for name, port in (("bare", bare), ("server", server)):
                count, latencies, seconds = asyncio.run(
                    load(operation, port, arguments.seconds / slices, arguments.clients)
                )
                old = totals.get((operation, name), (0, [], 0.0))
                totals[operation, name] = old[0] + count, old[1] + latencies, old[2] + seconds
    report = {}
    for (operation, name), (count, latencies, seconds) in totals.items():
        cuts = statistics.quantiles(latencies, n=100)
        report[operation, name] = count / seconds, cuts[49] * 1000, cuts[98] * 1000
        print(
            f"{operation:7} {name:7} {count / seconds:8.0f} requests/s"
            f"   p50 {cuts[49] * 1000:6.2f} ms   p99 {cuts[98] * 1000:6.2f} ms"
        )
    for operation in ("create", "fetch"):
        ours, base = report[operation, "server"], report[operation, "bare"]
        print(
            f"{operation:7} ratio   {ours[0] / base[0]:8.2f} of the rate"
            f"    p50 x {ours[1] / base[1]:.2f}    p99 x {ours[2] / base[2]:.2f}"
        )
    served = sum(totals[operation, "server"][0] for operation in ("create", "fetch"))
    print(f"memory: {before:.1f} MB before, {memory_of(pid):.1f} MB after {served} requests")


if __name__ == "__main__":
    main()
