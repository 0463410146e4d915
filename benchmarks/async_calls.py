"""
Asynchronous creates on one event loop, beside a bare ``httpx.AsyncClient``, as ratios in one run.

    python benchmarks/async_calls.py [--in-flight 100] [--rounds 5] [--calls 300]

The server is the emulator, on loopback in its own process.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import time

import httpx
from servers import ACCOUNT, FROM, MEDIA_URL, SERVER

from twilio_fax_compat.rest import Client


async def batch(create, calls, in_flight):
    """Await *create* for as many numbers, *in_flight* at once."""
    todo = iter(range(calls))

    async def one():
        for number in todo:
            await create(f"+1500555{number % 10_000:04}")

    await asyncio.gather(*(one() for _ in range(in_flight)))


async def compare(environ, options):
    base, key = environ["TELNYX_BASE_URL"], environ["TELNYX_API_KEY"]
    body = {
        "connection_id": environ["TELNYX_CONNECTION_ID"],
        "from": FROM,
        "media_url": MEDIA_URL,
    }
    client = Client(ACCOUNT, "token", environment=environ)
    times = {"httpx.AsyncClient": [], "twilio_fax_compat": []}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as bare, client:

        async def with_httpx(to):
            answer = await bare.post(base + "/faxes", json={**body, "to": to})
            return answer.json()["data"]["id"]

        async def with_ours(to):
            return (await client.fax.faxes.create_async(to, MEDIA_URL, from_=FROM)).sid

        calls = {"httpx.AsyncClient": with_httpx, "twilio_fax_compat": with_ours}
        for turn in range(options.rounds + 1):
            for name, create in calls.items():
                gc.collect()
                cpu, wall = time.process_time(), time.perf_counter()
                await batch(create, options.calls, options.in_flight)
                if turn:  # the first round opens connections
                    times[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    print(f"{options.in_flight} in flight, {options.calls} creates, {options.rounds} rounds")
    for name, measured in times.items():
        for number, what in enumerate(("CPU", "wall")):
            own = statistics.median(one[number] for one in measured)
            floor = statistics.median(one[number] for one in times["httpx.AsyncClient"])
            print(
                f"  {name:<20} {what:<5}{own / options.calls * 1e6:8.0f} us/call  {own / floor:.3f}"
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--in-flight", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        environ = json.loads(server.stdout.readline())
        asyncio.run(compare(environ, options))
    finally:
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
