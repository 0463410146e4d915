"""
Make 50,000 creates and read 200,000 faxes, with and without asyncio, in one process each.

    python benchmarks/soak.py [--part 1]

Prints the memory and the open descriptors (connections among them) of the process as it goes: they must not
grow. ``--part 10`` does a tenth of the work. Needs Linux.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from async_calls import batch
from servers import ACCOUNT, FROM, MEDIA_URL, SERVER

from twilio_fax_compat import RetryPolicy, TelnyxSettings
from twilio_fax_compat.rest import Client

CREATES, READ, STEPS, WORKERS = 50_000, 200_000, 10, 16


def show(title):
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    memory = pages * os.sysconf("SC_PAGE_SIZE") // 1024
    descriptors = len(os.listdir("/proc/self/fd"))
    print(f"{title:<32} memory {memory:>8} kB   descriptors {descriptors:>4}", flush=True)


def client_of(environ):
    settings = TelnyxSettings(retry=RetryPolicy(remember=True), at_once=50)
    return Client(ACCOUNT, "token", environment=environ, telnyx=settings)


def number(place):
    return f"+1500555{place % 10_000:04}"


def without_asyncio(environ, part):
    client = client_of(environ)
    each = CREATES // STEPS // part

    def create(place):
        client.fax.faxes.create(number(place), MEDIA_URL, from_=FROM)

    with ThreadPoolExecutor(WORKERS) as pool:
        for step in range(STEPS):
            list(pool.map(create, range(each)))
            show(f"{(step + 1) * each:,} creates, {WORKERS} threads")
    read = 0
    while read < READ // part:
        for fax in client.fax.faxes.stream(page_size=250, limit=20_000 // part):
            read += bool(fax.sid)
        show(f"{read:,} faxes read")


async def with_asyncio(environ, part):
    each = CREATES // STEPS // part
    async with client_of(environ) as client:

        async def create(to):
            await client.fax.faxes.create_async(to, MEDIA_URL, from_=FROM)

        for step in range(STEPS):
            await batch(create, each, 50)
            show(f"{(step + 1) * each:,} creates, 50 in flight")
        read = 0
        while read < READ // part:
            async for fax in client.fax.faxes.stream_async(page_size=250, limit=20_000 // part):
                read += bool(fax.sid)
            show(f"{read:,} faxes read, async")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--part", type=int, default=1)
    options = parser.parse_args()
    for way in (without_asyncio, with_asyncio):
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            environ = json.loads(server.stdout.readline())
            if way is with_asyncio:
                asyncio.run(way(environ, options.part))
            else:
                way(environ, options.part)
        finally:
            server.kill()
            server.communicate()


if __name__ == "__main__":
    main()
