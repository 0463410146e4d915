"""After ``scan --fix``, each program runs on the emulator, where its faxes and callbacks are counted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.helpers import FROM, TO, wait_until
from tests.scan.programs import PROGRAMS
from twilio_fax_compat.__main__ import main
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import TelnyxEmulator

ROOT = Path(__file__).parents[2]
DOCUMENT = "https://www.example.com/a.pdf"
ACCOUNT = "AC" + "0" * 32

# A stand-in for Celery: a task is called at once, and retries once.
CELERY = """
class Task:
    def __init__(self, work):
        self.work = work
    def __call__(self, *arguments):
        return self.work(self, *arguments)
    def retry(self, exc):
        return exc
def shared_task(bind):
    return Task
"""

# What calls a program that only defines something, and the number of faxes that it sends.
DRIVERS = {
    "script": ("", 1),
    "v1": ("", 0),
    "alias_of_import": ("send(TO, DOCUMENT)", 1),
    "alias_of_list": ("cancel(SID)\nassert SID in [fax.sid for fax in everything()]", 0),
    "alias_of_domain": ("Sender().send(to=TO, from_=FROM, media_url=DOCUMENT)", 1),
    "self_client": (
        "office = Office(ACCOUNT, 'token')\nassert office.get(SID).sid == SID\noffice.delete(SID)",
        0,
    ),
    "injected": ("from twilio_fax_compat.rest import Client\nsend(Client(), TO)", 1),
    "chain": ("assert status == 'queued'", 0),
    "fax_class": ("", 0),
    "instance_types": (
        "from twilio_fax_compat.rest import Client\nassert not is_done(Client().fax.faxes(SID).fetch())",
        0,
    ),
    "options": ("", 1),
    "order_of_twilio_6": ("send(FROM, TO, DOCUMENT)", 1),
    "celery": ("assert send(TO, DOCUMENT).startswith('FX')", 1),
    "asynchronous": ("assert asyncio.run(send(TO)).status == 'queued'", 1),
    "dataclass": ("assert SID in [fax.sid for fax in Gateway(Client()).page()]", 0),
    "walrus_and_lambda": ("assert send(TO).to == TO", 1),
    "annotated": ("", 1),
}

SERVED = {
    "flask": ("flask", "/fax", ["/fax", "/done"]),
    "fastapi": ("asgi", "/fax/status", ["/fax/status"]),
    "fastapi_alias": ("asgi", "/fax/status", ["/fax/status"]),
    "django": ("django", "/fax/status", ["/fax/status"]),
}

TESTS = ["mock", "fixture"]

NOT_RUN = {
    "sip": "Telnyx cannot log in to a SIP destination",
    "numbers": "the number is not in E.164",
    "media": "Telnyx cannot delete the media alone",
    "price": "Telnyx reports no price",
    "module_import": "a fix is not sure of the names below twilio",
    "old_client": "twilio 6 and later have no TwilioRestClient",
    "raw_http": "it speaks HTTP to Twilio: it needs twilio-fax-compat serve",
    "text_template": "it makes a text and calls nobody",
}


@pytest.fixture(name="telnyx", scope="module")
def _telnyx():
    with TelnyxEmulator() as telnyx:
        yield telnyx


def test_every_program_is_run_or_says_why_not():
    """A new program needs a driver, or a reason."""
    groups = [set(DRIVERS), set(SERVED), set(TESTS), set(NOT_RUN)]
    assert set.union(*groups) == set(PROGRAMS)
    assert sum(map(len, groups)) == len(PROGRAMS)


def written(name, folder, sid="FX1"):
    """Write a program with real values in it, fix it, and return its path and the exit status."""
    source = PROGRAMS[name].replace('"AC1", "token"', "").replace('"FX1"', repr(sid))
    source = source.replace('media_url="u"', f'media_url="{DOCUMENT}"').replace(
        "https://x/", "https://x.example/"
    )
    source = re.sub(
        r"create\((?=\s*(?:#.*\n\s*)?to=)(?!.*from_=)", rf'create(from_="{FROM}", ', source
    )
    source = source.replace(
        'create("+15005550009", ', f'create("+15005550009", from_="{FROM}", media_url='
    )
    path = folder / "program.py"
    path.write_text(source)
    (folder / "celery.py").write_text(CELERY)
    return path, main(["scan", "--fix", str(path)])


def environ_of(telnyx):
    return {
        **os.environ,
        **telnyx.environ,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "token",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }


def run(command, telnyx, folder):
    return subprocess.run(
        command,
        cwd=folder,
        env=environ_of(telnyx),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", DRIVERS)
def test_a_program(name, telnyx, tmp_path):
    """It sends what it sent before, and nothing else."""
    client = Client(ACCOUNT, "token", environment=telnyx.environ)
    sid = client.fax.faxes.create(TO, DOCUMENT, from_=FROM).sid
    before = len(telnyx.faxes)
    path, _ = written(name, tmp_path, sid)
    assert "from twilio.rest" not in path.read_text()
    driver, sends = DRIVERS[name]
    values = {"SID": sid, "TO": TO, "FROM": FROM, "DOCUMENT": DOCUMENT, "ACCOUNT": ACCOUNT}
    lines = [f"{key} = {value!r}" for key, value in values.items()]
    path.write_text("\n".join([path.read_text(), *lines, driver, ""]))
    done = run(
        [sys.executable, "-W", "error", "-W", "default::UserWarning", str(path)], telnyx, tmp_path
    )

    assert done.returncode == 0, done.stderr
    deleted = 1 if name == "self_client" else 0
    assert len(telnyx.faxes) - before == sends - deleted


@pytest.mark.parametrize("name", TESTS)
def test_a_test_of_a_program(name, tmp_path):
    """Its own test passes with pytest."""
    path, _ = written(name, tmp_path)
    with TelnyxEmulator() as telnyx:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
        done = run(command, telnyx, tmp_path)

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


SERVE = """
import socket

def serve(application):
    from wsgiref.simple_server import WSGIRequestHandler, make_server
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()

def serve_asgi(application):
    import uvicorn
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None)).run(sockets=[listening])
"""

# Each handler prints what it got from the middleware.
KINDS = {
    "flask": """
@app.before_request
def show():
    print("got", request.path, request.form.get("FaxSid"), flush=True)
serve(app)
""",
    "asgi": """
for route in app.router.routes:
    if getattr(route, "path", "") == "/fax/status":
        call = route.dependant.call
        def shown(call=call, **fields):
            print("got /fax/status", *fields.values(), flush=True)
            return call(**fields)
        route.dependant.call = shown
serve_asgi(app)
""",
    "django": """
import django
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", MIDDLEWARE=[])
django.setup()
from django.core.wsgi import get_wsgi_application
from django.urls import path
def shown(request):
    print("got", request.path, request.POST.get("FaxSid"), flush=True)
    return status(request)
urlpatterns = [path("fax/status", shown)]
from twilio_fax_compat.webhooks import WSGIMiddleware
serve(WSGIMiddleware(get_wsgi_application()))
""",
}


@pytest.mark.parametrize("name", SERVED)
def test_a_program_that_serves(name, tmp_path):
    """Its handlers get Twilio's callbacks for Telnyx's webhooks. Django's application is in another file."""
    kind, url_path, expected = SERVED[name]
    path, _ = written(name, tmp_path)
    fixed = path.read_text()
    assert ("Middleware" in fixed) is (kind != "django")
    path.write_text(fixed + SERVE + KINDS[kind])
    with TelnyxEmulator() as telnyx:
        server = subprocess.Popen(
            [sys.executable, "-u", str(path)],
            cwd=tmp_path,
            env=environ_of(telnyx),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            port = int(server.stdout.readline() or 0)
            assert port, server.stderr.read()
            url = f"http://127.0.0.1:{port}{url_path}"
            application = f"{telnyx.base_url}/fax_applications/{telnyx.connection_id}"
            headers = {"Authorization": f"Bearer {telnyx.api_key}"}
            changed = {"application_name": "fax", "webhook_event_url": url}
            httpx.patch(application, json=changed, headers=headers).raise_for_status()
            if name == "flask":
                telnyx.receive(FROM, TO)
            else:
                client = Client(ACCOUNT, "token", environment=telnyx.environ)
                client.fax.faxes.create(TO, DOCUMENT, from_=FROM)
            telnyx.settle()
            got = []
            while {line.split()[1] for line in got} < set(expected):
                line = server.stdout.readline()
                assert line, server.stderr.read()
                if line.startswith("got"):
                    got.append(line)
            wait_until(lambda: any(one.status == 200 for one in telnyx.deliveries))
            assert {(one.url, one.status) for one in telnyx.deliveries} <= {(url, 200), (url, None)}
        finally:
            server.kill()
            server.communicate()
