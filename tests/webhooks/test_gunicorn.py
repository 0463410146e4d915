"""The inbox under gunicorn begins with the worker, and its threads survive neither too long nor too short."""

import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import wait_until
from tests.webhooks.driving import EVENT
from twilio_fax_compat.ledger import InboxEntry
from twilio_fax_compat.ledger.sqlite import SQLiteLedger

pytest.importorskip("gunicorn")
ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "MIGRATION.md").read_text(encoding="utf-8")
(HOOK,) = re.findall(r"```python\n(def post_worker_init.*?)```", GUIDE, re.DOTALL)
APP = """
import os
from flask import Flask, request
from twilio_fax_compat.webhooks import WSGIMiddleware

app = Flask(__name__)

@app.route("/<path:path>", methods=["POST"])
def handle(path):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{request.form['FaxSid']}\\n")
    return ""

app.wsgi_app = WSGIMiddleware(app.wsgi_app, inbox=True)
"""


@contextmanager
def gunicorn(folder, ledger, key, *options):
    """Run gunicorn with an application that has an inbox, and the guide's configuration."""
    (folder / "program.py").write_text(APP)
    (folder / "gunicorn.conf.py").write_text(HOOK)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        "PYTHONPATH": str(ROOT),
        "NOTES": str(folder / "notes"),
        "TWILIO_FAX_COMPAT_LEDGER": ledger,
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TELNYX_PUBLIC_KEY": key,
    }
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", *options]
    with (folder / "log").open("wb") as log, subprocess.Popen(
        [*command, "program:app"], cwd=folder, env=environ, stdout=log, stderr=log
    ) as server:
        try:
            yield server
        finally:
            server.terminate()


@pytest.mark.parametrize("options", [["-k", "sync"], ["-k", "gthread", "--preload"]])
def test_what_waits_is_delivered_without_a_request(telnyx, tmp_path, options):
    """With the hook of the guide, a worker looks into the inbox as soon as it runs."""
    path = str(tmp_path / "fax.db")
    ledger = SQLiteLedger(path)
    body = str(EVENT).replace("'", '"').encode()
    ledger.put(InboxEntry("e1", body, {}, "http://app.example/fax/status"))
    begun = time.monotonic()
    with gunicorn(tmp_path, "sqlite:///" + path, telnyx.public_key, *options):
        wait_until(lambda: ledger.waiting() == 0)
    ledger.close()

    assert len((tmp_path / "notes").read_text().splitlines()) == 1
    assert "rror" not in (tmp_path / "log").read_text()
    # It was not the end of the process that delivered it.
    assert time.monotonic() - begun < 30
