"""
An application in a process of its own: ``python -m tests.webhooks.process LEDGER KEY NOTES SECONDS``.

It has an inbox, or with a fifth argument, the seconds of a lease, none.
"""

import sys
import threading
import time
from wsgiref.simple_server import make_server

from flask import Flask, request

from tests.webhooks.apps import TOKEN
from tests.webhooks.serving import ACCOUNT, _Quiet, _Server
from twilio_fax_compat.webhooks import WSGIMiddleware

_ledger, _key, _notes, _seconds, *_lease = sys.argv[1:]
app = Flask(__name__)
writing = threading.Lock()


def note(what):
    with writing, open(_notes, "a", encoding="utf-8") as notes:
        notes.write(f"{what} {request.form['FaxSid']} {request.form['FaxStatus']}\n")


@app.route("/other")
def other():
    return ""


@app.route("/fax/status", methods=["POST"])
def status():
    note("begin")
    time.sleep(float(_seconds))
    note("end")
    return ""


if __name__ == "__main__":
    middleware = WSGIMiddleware(
        app.wsgi_app,
        auth_token=TOKEN,
        account_sid=ACCOUNT,
        public_key=_key,
        ledger=_ledger,
        inbox=not _lease,
    )
    if _lease:
        middleware._receiver.keeper.lease = float(_lease[0])
    server = make_server("127.0.0.1", 0, middleware, server_class=_Server, handler_class=_Quiet)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
