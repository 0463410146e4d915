"""Servers of this package as processes of their own, and plain HTTP to talk to them."""

import contextlib
import http.client
import json
import os
import select
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import attr

ROOT = Path(__file__).parents[2]
ACCOUNT, TOKEN = "AC00000000000000000000000000000001", "the-token-of-one"
OTHER, OTHER_TOKEN = "AC00000000000000000000000000000002", "the-token-of-two"
KEY, SECRET = "SK00000000000000000000000000000003", "the-secret-of-the-key"
FROM, TO = "+15005550006", "+15005550009"
FAST = "{ backoff = 0.002, backoff_max = 0.01, lookups = [0.005, 0.01, 0.02], budget = 3.0 }"


def environ_of(telnyx, **variables):
    """Return the environment of a server in front of the emulator *telnyx*."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        **telnyx.environ,
        **variables,
    }


def config_text(telnyx, retry=FAST, **settings):
    """Return a configuration file with two accounts of one Telnyx, and an API key."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    for sid, token in ((ACCOUNT, TOKEN), (OTHER, OTHER_TOKEN)):
        lines += [
            "[[accounts]]",
            f'sid = "{sid}"',
            f'auth_token = "{token}"',
            f'telnyx_api_key = "{telnyx.api_key}"',
            f'telnyx_connection_id = "{telnyx.connection_id}"',
            f'telnyx_base_url = "{telnyx.base_url}"',
            f'telnyx_public_key = "{telnyx.public_key}"',
            f"retry = {retry}",
        ]
        if sid == ACCOUNT:
            lines.append(f'api_keys = {{ {KEY} = "{SECRET}" }}')
    return "\n".join(lines) + "\n"


@attr.define
class Served:
    """A running server: its *url*, its *process*, and the file with its log."""

    url: str
    process: subprocess.Popen
    log: Path

    def log_text(self):
        return self.log.read_text(encoding="utf-8")

    def request(
        self, method, path, fields=None, user=ACCOUNT, password=TOKEN, headers=(), body=None
    ):
        """Return the status, the headers and the decoded JSON (or text) of an answer."""
        return request(
            self.url, method, path, fields, user=user, password=password, headers=headers, body=body
        )

    def create(self, name="fax", to=TO, timeout=30, **fields):
        form = {"To": to, "From": FROM, "MediaUrl": f"https://www.example.com/{name}.pdf", **fields}
        return request(self.url, "POST", "/v1/Faxes", form, timeout=timeout)


def request(
    url, method, path, fields=None, user=ACCOUNT, password=TOKEN, headers=(), body=None, timeout=30
):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    given = dict(headers)
    if user is not None:
        given.setdefault("Authorization", basic(user, password))
    if fields is not None:
        body = urlencode(fields)
        given.setdefault("Content-Type", "application/x-www-form-urlencoded")
    try:
        connection.request(method, path, body, given)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    try:
        payload = json.loads(text)
    except ValueError:
        payload = text
    return response.status, response.headers, payload


def basic(user, password):
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@contextlib.contextmanager
def serving(folder, environ, *options, command=("-m", "twilio_fax_compat", "serve", "--port", "0")):
    """Run a server until the block ends, and yield it when it is ready."""
    folder.mkdir(exist_ok=True)
    log = folder / f"server-{time.monotonic_ns()}.log"
    with log.open("wb") as errors, subprocess.Popen(
        [sys.executable, *command, *options], env=environ, stdout=subprocess.PIPE, stderr=errors
    ) as process:
        try:
            ready, _, _ = select.select([process.stdout], [], [], 30)
            line = process.stdout.readline().decode() if ready else ""
            assert line.startswith("ready: "), log.read_text()
            yield Served(line.split()[1], process, log)
        finally:
            process.terminate()
            process.wait(30)
