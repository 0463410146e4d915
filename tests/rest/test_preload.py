"""What a fax call imports, and forks meanwhile."""

import ast
import os
import subprocess
import sys

import pytest

FORKS = """
import os, threading
from twilio_fax_compat.rest import Client

client = Client("AC1", "token", {options})

def call():
    try:
        client.fax.faxes.list()
    except Exception:
        pass

thread = threading.Thread(target=call)
thread.start()
children = []
while thread.is_alive() or len(children) < 3:
    child = os.fork()
    if not child:
        call()
        os._exit(0)
    children.append(child)
    thread.join(0.03)
print(sorted({{os.waitpid(child, 0)[1] for child in children}}))
"""
IMPORTS = """
import sys
from twilio_fax_compat.rest import Client

class Legacy:
    class fax:
        class faxes:
            list = staticmethod(lambda **filters: [])

client = Client("AC1", "token", {options})
client.fax
before = set(sys.modules)
faxes = client.fax.faxes
fax = faxes.create("+15005550009", "https://www.example.com/fax.pdf", from_="+15005550006")
faxes.list(), fax.fetch(), fax.media.list(), faxes.page()
for call in (lambda: fax.update("canceled"), fax.delete, fax.fetch):
    try:
        call()
    except Exception:
        pass
print(sorted(set(sys.modules) - before))
"""
OPTIONS = {
    "plain": "",
    "rollout": "legacy=Legacy, rollout='on'",
    "ledger": "ledger='sqlite:///fax.db'",
}


def run(code, environ, seconds=20):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "PYTHONPATH": ":".join(filter(None, sys.path)), "HOME": "/"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_during_the_first_call_does_not_hang():
    """A worker that is forked while a thread makes its first fax call makes calls of its own."""
    environ = {
        "TELNYX_API_KEY": "KEY1",
        "TELNYX_CONNECTION_ID": "1",
        "TELNYX_BASE_URL": "https://127.0.0.1:9/v2",
    }
    code = FORKS.format(options="")

    assert run(code, environ) == "[0]"


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_call_imports_nothing_new(telnyx, tmp_path, monkeypatch, options):
    """All that fax calls need is imported when `client.fax` is first accessed."""
    monkeypatch.chdir(tmp_path)
    assert ast.literal_eval(run(IMPORTS.format(options=options), telnyx.environ)) == []
