"""What the emulator's tests share."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

NUMBER, OTHER = "+15005550006", "+15005550009"
NOBODY = "00000000-0000-4000-8000-000000000000"


def connect(telnyx):
    """Return a client of an emulator that has its key."""
    headers = {"Authorization": f"Bearer {telnyx.api_key}"}
    # Reading the machine's certificates would take longer than most tests.
    return httpx.Client(base_url=telnyx.base_url, headers=headers, timeout=5, verify=False)


def body_of(telnyx, **fields):
    """Return the body of a send; a field that is None is left out."""
    body = {
        "connection_id": telnyx.connection_id,
        "to": OTHER,
        "from": NUMBER,
        "media_url": "https://x.example/a.pdf",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def post(http, telnyx, **fields):
    """Send a fax and return its id."""
    answer = http.post("/faxes", json=body_of(telnyx, **fields))
    assert answer.status_code == 202, answer.text
    return answer.json()["data"]["id"]


def code_of(answer):
    """Return the status and code of an error answer."""
    error = answer.json()["errors"][0]
    assert error["title"]
    assert error["detail"]
    return answer.status_code, error["code"]


class Inbox:
    """
    A webhook receiver that answers prepared statuses, then 200.

    A status of None hangs until the inbox is closed.
    """

    def __init__(self, *statuses):
        self.requests = []
        self.closing = threading.Event()
        statuses = list(statuses)
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.requests.append((dict(self.headers), body))
                status = statuses.pop(0) if statuses else 200
                if status is None:
                    inbox.closing.wait(10)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if status == 302:
                    self.send_header("Location", inbox.url)
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def envelopes(self):
        return [json.loads(body) for _, body in self.requests]

    @property
    def events(self):
        return [envelope["data"]["event_type"] for envelope in self.envelopes]
