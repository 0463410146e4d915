"""
The applications that `callbacks_soak.py` serves: ``wsgi`` and ``asgi``, each with an inbox.

Their handlers fail, stall, redirect and raise, by the last digit of the fax. Each success is a line in the
file SOAK_NOTES: the time, the process, the fax and its status.
"""

from __future__ import annotations

import asyncio
import os
import time
from urllib.parse import parse_qs

from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware

OPTIONS = {
    "auth_token": "token",
    "account_sid": "AC" + "0" * 32,
    "public_key": os.environ.get("SOAK_KEY", ""),
    "ledger": os.environ.get("SOAK_LEDGER", ""),
    "inbox": True,
}
STALL = float(os.environ.get("SOAK_STALL", "1.5"))
FAILS, RAISES, STALLS, REDIRECTS, REFUSES = "0", "1", "2", "3", "4"
"""The last digits of the faxes whose handlers misbehave."""

_notes = os.open(os.environ.get("SOAK_NOTES", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def decide(path: str, fax: str, status: str) -> tuple[int, str | None, float]:
    """Return the status, the location and the seconds of the answer to a callback."""
    is_first = _is_first(f"{fax}-{status}")
    kind = fax[-1]
    if path == "/fax/status" and kind == REDIRECTS:
        return 307, "/fax/moved", 0
    if is_first and kind == FAILS:
        return 500, None, 0
    if is_first and kind == REFUSES:
        return 404, None, 0
    if is_first and kind == RAISES:
        raise RuntimeError("a bug in the application")
    return 200, None, STALL if is_first and kind == STALLS else 0


def _is_first(name: str) -> bool:
    """Return whether no process was asked about *name* before."""
    try:
        os.close(os.open(f"{os.environ['SOAK_NOTES']}-{name}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def note(fax: str, status: str) -> None:
    """Write that a callback succeeded, as one write."""
    os.write(_notes, f"{time.time():.6f} {os.getpid()} {fax} {status}\n".encode())


def wsgi_app(environ, start_response):
    form = parse_qs(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode())
    if "FaxSid" not in form:
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]
    fax, status = form["FaxSid"][0], form["FaxStatus"][0]
    code, location, seconds = decide(environ["PATH_INFO"], fax, status)
    time.sleep(seconds)
    if code == 200:
        note(fax, status)
    start_response(f"{code} X", [("Location", location)] if location else [])
    return [b""]


async def asgi_app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    body = (await receive()).get("body", b"")
    form = parse_qs(body.decode())
    code, location = 200, None
    if "FaxSid" in form:
        fax, status = form["FaxSid"][0], form["FaxStatus"][0]
        code, location, seconds = decide(scope["path"], fax, status)
        await asyncio.sleep(seconds)
        if code == 200:
            note(fax, status)
    headers = [(b"location", location.encode())] if location else []
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _wrapped(middleware, app):
    wrapped = middleware(app, **OPTIONS)
    wrapped._receiver.keeper.lease = float(os.environ.get("SOAK_LEASE", "12"))
    return wrapped


if OPTIONS["ledger"]:
    if os.environ.get("SOAK_KIND") == "asgi":
        asgi = _wrapped(ASGIMiddleware, asgi_app)
    else:
        wsgi = _wrapped(WSGIMiddleware, wsgi_app)
