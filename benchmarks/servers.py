"""The servers that the clients are compared on, each in a process of its own, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

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

SERVE = """
import socket, uvicorn
listening = socket.create_server(("127.0.0.1", 0))
listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
BASE = "http://127.0.0.1:%d" % listening.getsockname()[1]
print(json.dumps({"base": BASE}), flush=True)
config = uvicorn.Config(app, http="h11", loop="asyncio", lifespan="off", log_config=None, access_log=False)
uvicorn.Server(config).run(sockets=[listening])
"""

TWILIO_SERVER = (
    """
# The same answers in Twilio's format, for Twilio's own client.
import json
SID = "FX" + "0a" * 16
FAX = {"sid": SID, "account_sid": "AC", "from": "+1", "to": "+2", "quality": "fine", "media_sid": None,
       "media_url": None, "num_pages": None, "duration": None, "status": "queued", "direction": "outbound",
       "api_version": "v1", "price": None, "price_unit": None, "date_created": "2021-03-04T05:06:07Z",
       "date_updated": "2021-03-04T05:06:07Z", "links": {"media": "x"}, "url": "x"}
async def app(scope, receive, send):
    query = dict(pair.split("=") for pair in scope["query_string"].decode().split("&") if pair)
    while (await receive()).get("more_body"):
        pass
    status, body = 200, FAX
    if scope["method"] == "POST":
        status = 201
    elif scope["path"].endswith("/Faxes"):
        page, size = int(query.get("Page", 0)), int(query.get("PageSize", 50))
        last = (page + 1) * size >= COUNT
        url = None if last else BASE + "/v1/Faxes?PageSize=%d&Page=%d" % (size, page + 1)
        body = {"faxes": [FAX] * size, "meta": {"key": "faxes", "next_page_url": url}}
    raw = json.dumps(body).encode()
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]})
    await send({"type": "http.response.body", "body": raw})
"""
    + SERVE
)

LIST_SERVER = (
    """
# Telnyx's list of COUNT faxes: below /distinct each has a time of its own, below /equal all have the same.
import json
from datetime import datetime, timedelta
from urllib.parse import parse_qs
from uuid import UUID
START = datetime(2026, 7, 1)
def fax(number, moment):
    return {"record_type": "fax", "id": str(UUID(int=(number * 0x9E3779B97F4A7C15 % 2**64) << 64 | number)),
            "connection_id": "1", "direction": "outbound", "from": "+15005550006", "to": "+15005550009",
            "media_url": "https://www.example.com/fax.pdf", "stored_media_url": None, "quality": "high",
            "status": "delivered", "page_count": 1, "call_duration_secs": 31, "store_media": True,
            "client_state": "eyJ0d2lsaW9fZmF4X2NvbXBhdCI6MSwidG9rZW4iOiIwMTIzIn0=", "webhook_url": None,
            "created_at": moment.isoformat("T", "microseconds") + "Z",
            "updated_at": moment.isoformat("T", "microseconds") + "Z"}
def made(step):
    faxes = [fax(n, START + n * step) for n in reversed(range(COUNT))]
    return [one["created_at"] for one in faxes], [json.dumps(one).encode() for one in faxes]
LISTS = {"distinct": made(timedelta(milliseconds=137)), "equal": made(timedelta(0))}
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    times, faxes = LISTS[scope["path"].split("/")[1]]
    bound = query.get("filter[created_at][lte]")
    begin = 0
    if bound is not None:
        low, high = 0, len(times)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if times[middle] <= bound else (middle + 1, high)
        begin = low
    number, size = int(query.get("page[number]", 1)), int(query.get("page[size]", 20))
    part = faxes[begin + (number - 1) * size : begin + number * size]
    meta = {"page_number": number, "page_size": size, "total_results": len(faxes) - begin,
            "total_pages": max(1, -(-(len(faxes) - begin) // size))}
    raw = b'{"data": [' + b", ".join(part) + b'], "meta": ' + json.dumps(meta).encode() + b"}"
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]})
    await send({"type": "http.response.body", "body": raw})
"""
    + SERVE
)

TLS_FRONT = """
# Speaks TLS, and passes what it reads on to a port.
import asyncio, json, ssl, sys
certificate, key, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
async def joined(reader, writer):
    onward = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(copy(reader, onward[1]), copy(onward[0], writer))
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(joined, "127.0.0.1", 0, ssl=context)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Servers(ExitStack):
    """
    All servers. *faxes* is the length of each list.

    *environ* has the settings for the emulator, *tls_environ* for the same over TLS, or None without the
    program openssl. *lists* and *twilio* are the addresses of the other two.
    """

    def __init__(self, faxes: int, folder: str) -> None:
        super().__init__()
        self.environ = self._start(SERVER)
        self.lists = self._start(f"COUNT = {faxes}\n{LIST_SERVER}")["base"]
        self.twilio = self._start(f"COUNT = {faxes}\n{TWILIO_SERVER}")["base"]
        self.tls_environ = self._tls(Path(folder))

    def _start(self, code: str, *arguments: str) -> dict[str, str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], **pipes)
        self.callback(process.communicate)
        self.callback(process.kill)
        return json.loads(process.stdout.readline())

    def _tls(self, folder: Path) -> dict[str, str] | None:
        import certifi

        certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
        try:
            subprocess.run([*command.split(), *names], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        # All the certificates that a client loads elsewhere, and ours.
        bundle = folder / "bundle.pem"
        bundle.write_text(Path(certifi.where()).read_text() + Path(certificate).read_text())
        port = self.environ["TELNYX_BASE_URL"].split(":")[2].split("/")[0]
        front = self._start(TLS_FRONT, certificate, key, port)["port"]
        url = f"https://localhost:{front}/v2"
        return {**self.environ, "TELNYX_BASE_URL": url, "SSL_CERT_FILE": str(bundle)}


def everything(environ: dict[str, str]) -> dict[str, str]:
    """Return the environment of a process that calls the server of *environ*."""
    return {**os.environ, **environ, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "t"}
