"""
Many creates through gunicorn's workers, which are killed, in front of a Telnyx that misbehaves.

Clients repeat like twilio-java after a 5xx and like a user's loop after a connection that ended; some
hang up and repeat at once.
"""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.helpers import wait_until
from tests.server.serving import ROOT, Served, config_text, environ_of, request
from twilio_fax_compat.testing import faults

RETRY = (
    "{ backoff = 0.01, backoff_max = 0.05, lookups = [0.01, 0.03, 0.05], budget = 5.0, "
    "resend_after = 1.5 }"
)
MISCHIEF = [
    (70, None),
    (6, faults.answer_lost(how="reset")),
    (3, faults.answer_lost(how="close")),
    (3, faults.answer_lost(how="truncated")),
    (4, faults.answer_lost(accepted=False)),
    (3, faults.error(500)),
    (3, faults.error(503, accepted=True)),
    (2, faults.error(502, body=b"<html>", accepted=True)),
    (2, faults.rate_limited(retry_after=0.05)),
    (4, faults.delay(0.3)),
]


@contextlib.contextmanager
def gunicorn(folder, telnyx, ledger, workers=3):
    """Run gunicorn with workers of the server, and yield it when it answers."""
    (folder / "faxes.toml").write_text(config_text(telnyx, retry=RETRY, ledger=ledger))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = environ_of(telnyx, TWILIO_FAX_COMPAT_CONFIG=str(folder / "faxes.toml"))
    command = [
        sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", str(workers),
        "-k", "twilio_fax_compat.server.worker.FaxWorker", "--graceful-timeout", "10",
        "twilio_fax_compat.server:create_app()",
    ]  # fmt: skip
    log = folder / "gunicorn.log"
    with log.open("wb") as output, subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=output, stderr=output
    ) as process:
        server = Served(f"http://127.0.0.1:{port}", process, log)
        try:
            wait_until(lambda: is_up(server))
            yield server
        finally:
            process.terminate()
            process.wait(30)


def is_up(server):
    assert server.process.poll() is None, server.log_text()
    try:
        return server.request("GET", "/healthz")[0] == 200
    except OSError:
        return False


def workers_of(server):
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Client(threading.Thread):
    """Sends each of *names* once, as far as it can know."""

    def __init__(self, server, names, seed):
        super().__init__()
        self.server, self.names, self.random = server, names, random.Random(seed)
        self.sids, self.open, self.history = {}, [], {}

    def run(self):
        for name in self.names:
            end = time.monotonic() + 60
            while name not in self.sids:
                if time.monotonic() > end:
                    self.open.append(name)
                    break
                self.attempt(name)

    def attempt(self, name):
        impatient = self.random.random() < 0.1
        timeout = self.random.choice((0.02, 0.1, 0.3)) if impatient else 30
        began = time.time()
        try:
            status, _, payload = self.server.create(name, timeout=timeout)
        except (OSError, ValueError, http.client.HTTPException) as error:
            # The connection ended: the user's loop repeats.
            self.note(name, began, f"{timeout} {error!r}")
            return
        self.note(name, began, f"{status} {payload.get('sid') or payload.get('message')}")
        if status == 201:
            self.sids[name] = payload["sid"]
            return
        assert status in (409, 429) or status >= 500, (status, payload)
        time.sleep(0.1)

    def note(self, name, began, text):
        self.history.setdefault(name, []).append(f"{began:.3f} +{time.time() - began:.3f} {text}")


def run(server, telnyx, sends, clients, kills_every, seed=1):
    """Send *sends* faxes, and return what is wrong: faxes sent twice, lost, or answered falsely."""
    telnyx.inject(faults.mix(seed, MISCHIEF), times=None, method="POST", path="/v2/faxes")
    telnyx.inject(
        faults.mix(seed, [(20, None), (1, faults.error(503)), (1, faults.answer_lost())]),
        times=None,
        method="GET",
    )
    names = [f"soak-{number}" for number in range(sends)]
    threads = [Client(server, names[n::clients], seed + n) for n in range(clients)]
    for thread in threads:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in threads):
        time.sleep(kills_every)
        pids = workers_of(server)
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.Random(seed + kills).choice(pids), signal.SIGKILL)
                kills += 1
    for thread in threads:
        thread.join()
    telnyx.clear_faults()
    sids = {name: sid for thread in threads for name, sid in thread.sids.items()}
    unfinished = [name for thread in threads for name in thread.open]
    faxes = {}
    for fax in telnyx.faxes:
        name = fax["media_url"].rpartition("/")[2][: -len(".pdf")]
        faxes.setdefault(name, []).append("FX" + fax["id"].replace("-", ""))
    history = {name: past for thread in threads for name, past in thread.history.items()}
    return {
        "sends": sends,
        "kills": kills,
        "requests": sum(one.method == "POST" for one in telnyx.journal),
        "twice": {name: [found, history[name]] for name, found in faxes.items() if len(found) > 1},
        "lost": [name for name in sids if sids[name] not in faxes.get(name, [])],
        "unfinished": {name: history[name] for name in unfinished},
    }


__all__ = ["gunicorn", "request", "run"]
