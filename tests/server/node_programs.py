"""Programs for twilio-node, written as Twilio's guide shows it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

VARIABLE = "TWILIO_FAX_COMPAT_NODE"
ROOT = Path(__file__).parents[2]


def folder():
    """Return the folder with ``node_modules``, which `.ci/node` makes."""
    return Path(os.environ.get(VARIABLE) or ROOT / ".node")


def why_not():
    if shutil.which("node") is None:
        return "Node is not installed"
    if not (folder() / "node_modules" / "twilio-3-73-1").is_dir():
        return f"twilio-node is not installed: run .ci/node, or set {VARIABLE}"
    return ""


needs_node = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")

CLIENT = """
const twilio = require(process.env.PACKAGE);
const client = twilio(process.env.SID, process.env.TOKEN);
client.fax.baseUrl = process.env.BASE;
const out = [];
const say = (value) => out.push(value);
(async () => {
  %s
})().catch((error) => say({error: error.constructor.name, code: error.code, status: error.status,
                           message: String(error.message), details: error.details}))
  .then(() => console.log(JSON.stringify(out)));
"""


def run(package, server, body, sid, token):
    """Return what *body* says, in a program with *package* whose base URL is that of *server*."""
    environ = {"PATH": os.environ["PATH"], "PACKAGE": package, "BASE": server.url, "SID": sid}
    done = subprocess.run(
        ["node", "-e", CLIENT % body],
        cwd=folder(),
        env={**environ, "TOKEN": token},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def validates(package, token, call):
    """Return what the validator of *package* says of a *call* that a program got."""
    script = "console.log(require({}).validateRequest({}, {}, {}, {}))".format(
        *map(
            json.dumps,
            (package, token, call.headers["X-Twilio-Signature"], call.url, call.form),
        )
    )
    done = subprocess.run(
        ["node", "-e", script],
        cwd=folder(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "true"
