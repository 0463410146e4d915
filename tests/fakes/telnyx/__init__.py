"""
A small Telnyx, written by hand for faults that an honest server does not have.

It shares no code with the emulator. It accepts faxes late, loses answers at each point, has a clock of
its own, and lists that lag, forget ``client_state``, ignore filters or never end.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import uuid
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field

ERROR = {"errors": [{"code": "10007", "title": "Unexpected error"}]}


@define
class Post:
    """
    What becomes of one ``POST /faxes``.

    *accepted*: seconds until the fax exists, None for never. *answer*: a status, or ``drop`` (reset),
    ``close``, ``cut`` (half of the answer), ``hang``, ``unread`` (reset before the body is read).
    *body*: Telnyx's error if *is_telnyx*, else a gateway's page; bytes are sent as they are.
    """

    accepted: float | None = 0.0
    answer: int | str = 202
    is_telnyx: bool = False
    body: bytes | None = None
    headers: dict = field(factory=dict)


OK = Post()


@define
class Fax:
    resource: dict
    exists_at: float
    listed_at: float


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass


@define(eq=False)
class FakeTelnyx:
    """
    The server. As a context manager it listens on a free port of the loopback.

    *skew*: seconds that its clock is ahead. *lag*: seconds until a fax is listed. *shows_state*:
    whether lists have ``client_state``; *shows_state_alone*: whether a single fax has it.
    *ignores_bounds*: its list ignores ``filter[created_at]``. *is_endless*: every page is the first.
    *dates*: whether answers have a ``Date``. *lists_down*: the status of every list, if set.
    *choose* returns the `Post` for a request body. *shown* has the time at which an answer or a list
    first showed a fax, by the API key and the fax's id.
    """

    choose: object = staticmethod(lambda _body: OK)
    skew: float = 0.0
    lag: float = 0.0
    shows_state: bool = True
    shows_state_alone: bool = True
    ignores_bounds: bool = False
    is_endless: bool = False
    dates: bool = True
    lists_down: int | None = None
    hang: float = 0.5
    posts: list = field(factory=list)
    shown: dict = field(factory=dict)
    lists: list = field(factory=list)
    _faxes: list = field(factory=list)
    _lock: threading.Lock = field(factory=threading.Lock)
    _server: object = None

    def __enter__(self):
        fake = self

        class Handler(_Handler):
            telnyx = fake

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self._server.server_port}/v2"

    @property
    def environ(self):
        return {
            "TELNYX_API_KEY": "KEY0123456789",
            "TELNYX_CONNECTION_ID": "1234567890",
            "TELNYX_BASE_URL": self.base_url,
        }

    def now(self):
        return time.time() + self.skew

    def faxes(self):
        """Return the faxes that exist by now."""
        with self._lock:
            return [fax.resource for fax in self._faxes if fax.exists_at <= self.now()]

    def all_faxes(self):
        """Return all faxes, those on their way included."""
        with self._lock:
            return [fax.resource for fax in self._faxes]

    def accept(self, body, seconds=0.0):
        at = self.now() + seconds
        resource = {
            "record_type": "fax",
            "id": str(uuid.uuid4()),
            "direction": "outbound",
            "status": "queued",
            "created_at": stamp(at),
            "updated_at": stamp(at),
            **{name: body.get(name) for name in ("from", "to", "media_url", "client_state")},
        }
        with self._lock:
            self._faxes.append(Fax(resource, at, at + self.lag))
        return resource

    def page(self, query):
        now = self.now()
        with self._lock:
            faxes = [fax.resource for fax in self._faxes if fax.listed_at <= now]
        for name in ("from", "to"):
            wanted = query.get(f"filter[{name}][eq]")
            faxes = [fax for fax in faxes if wanted in (None, fax[name])]
        if not self.ignores_bounds:
            for name, keeps in _BOUNDS.items():
                bound = query.get(f"filter[created_at][{name}]")
                if bound is not None:
                    faxes = [fax for fax in faxes if keeps(fax["created_at"], bound)]
        faxes.sort(key=lambda fax: fax["created_at"], reverse=True)
        number, size = int(query.get("page[number]", 1)), int(query.get("page[size]", 20))
        total = max(1, -(-len(faxes) // size))
        if self.is_endless:
            number, total = 1, 10**6
        chosen = faxes[(number - 1) * size : number * size]
        if not self.shows_state:
            chosen = [{**fax, "client_state": None} for fax in chosen]
        meta = {
            "page_number": int(query.get("page[number]", 1)),
            "page_size": size,
            "total_pages": total,
            "total_results": len(faxes),
        }
        return {"data": chosen, "meta": meta}


_BOUNDS = {
    "gte": lambda created, bound: created >= bound,
    "gt": lambda created, bound: created > bound,
    "lte": lambda created, bound: created <= bound,
    "lt": lambda created, bound: created < bound,
}


def stamp(seconds):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e6):06}Z"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    telnyx: FakeTelnyx
    disable_nagle_algorithm = True

    def log_message(self, *_arguments):
        pass

    def do_GET(self):
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/v2/faxes":
            self.telnyx.lists.append(query)
            if self.telnyx.lists_down is not None:
                return self.reply(self.telnyx.lists_down, ERROR)
            page = self.telnyx.page(query)
            self.note_shown(page["data"])
            return self.reply(200, page)
        wanted = parts.path.rpartition("/")[2]
        for fax in self.telnyx.faxes():
            if fax["id"] == wanted:
                self.note_shown([fax])
                alone = fax if self.telnyx.shows_state_alone else {**fax, "client_state": None}
                return self.reply(200, {"data": alone})
        return self.reply(404, {"errors": [{"code": "10005", "title": "Not found"}]})

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length))
        plan = self.telnyx.choose(body)
        self.telnyx.posts.append(body)
        fax = None
        if plan.accepted is not None:
            fax = self.telnyx.accept(body, plan.accepted)
        if isinstance(plan.answer, str):
            return getattr(self, plan.answer)(fax)
        if plan.body is not None:
            return self.reply(plan.answer, plan.body, plan.headers)
        if 200 <= plan.answer < 300:
            self.note_shown([fax])
            return self.reply(plan.answer, {"data": fax}, plan.headers)
        return self.reply(plan.answer, ERROR if plan.is_telnyx else b"<html>", plan.headers)

    def note_shown(self, faxes):
        key = self.headers.get("authorization", "").rpartition(" ")[2]
        for fax in filter(None, faxes):
            self.telnyx.shown.setdefault((key, fax["id"]), time.time())

    def reply(self, status, body, headers=None, part=1.0):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        if self.telnyx.dates:
            self.send_header("Date", formatdate(self.telnyx.now(), usegmt=True))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw[: int(len(raw) * part)])

    def drop(self, _fax):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(_fax)

    def close(self, _fax):
        self.close_connection = True
        self.connection.close()

    def hang(self, fax):
        time.sleep(self.telnyx.hang)
        self.drop(fax)

    def cut(self, fax):
        self.reply(202, {"data": fax or {}}, part=0.5)
        self.drop(fax)
