"""The emulator is a server like any other: it starts, ends, serves many, and keeps a journal."""

import ast
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx
import pytest

import twilio_fax_compat.testing as package
from tests.testing.helpers import NUMBER, OTHER, body_of, connect, post
from twilio_fax_compat.testing import TelnyxEmulator, faults

THREADS = 32


def test_two_emulators_side_by_side():
    """Each has its own faxes, faults, key and port."""
    with TelnyxEmulator() as one, TelnyxEmulator(api_key="KEY2", seed=2) as other, connect(
        one
    ) as http, connect(other) as other_http:
        other.inject(faults.error(503))
        post(http, one)
        assert other_http.get("/faxes").status_code == 503
        assert other_http.get("/faxes").json()["data"] == []
        assert other_http.get(f"{one.base_url}/faxes").status_code == 401
    assert (len(one.faxes), len(other.faxes)) == (1, 0)
    assert one.base_url != other.base_url
    assert one.public_key != other.public_key


def test_an_emulator_starts_again():
    """After a stop it serves on the same port with the same faxes, and can be stopped twice."""
    telnyx = TelnyxEmulator()
    for number in range(3):
        with telnyx, connect(telnyx) as http:
            port = telnyx.origin.rpartition(":")[2]
            post(http, telnyx)
            assert len(http.get("/faxes").json()["data"]) == number + 1
        telnyx.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(telnyx.base_url, trust_env=False)
    assert telnyx.origin.endswith(port)
    assert len(telnyx.faxes) == len(telnyx.events) == 3


def test_an_emulator_starts_once(telnyx):
    """Starting one that serves already raises RuntimeError, and it goes on serving."""
    with pytest.raises(RuntimeError, match="already"):
        telnyx.start()
    with connect(telnyx) as http:
        assert http.get("/faxes").status_code == 200


def test_a_taken_port_is_an_error(telnyx):
    """Two emulators on one port are an OSError for the second, which can start elsewhere."""
    port = int(telnyx.origin.rpartition(":")[2])
    second = TelnyxEmulator(port=port)
    with pytest.raises(OSError, match="in use"):
        second.start()
    second.stop()


def test_nothing_is_left_behind():
    """Stopping ends every thread and closes every connection, idle, silent or delayed."""
    before = set(threading.enumerate())
    telnyx = TelnyxEmulator(speed=1, webhook_url="http://127.0.0.1:1/", webhook_backoff=30)
    telnyx.start()
    host = ("127.0.0.1", int(telnyx.origin.rpartition(":")[2]))
    idle, silent, delayed = (socket.create_connection(host) for _ in range(3))
    telnyx.inject(faults.answer_lost(how="timeout"), path="/v2/silent")
    telnyx.inject(faults.delay(30), path="/v2/delayed")
    for connection, name in ((silent, b"silent"), (delayed, b"delayed")):
        connection.sendall(b"GET /v2/%s HTTP/1.1\r\nHost: x\r\n\r\n" % name)
    with connect(telnyx) as http:
        post(http, telnyx)
        while not telnyx.deliveries:
            pass
        began = monotonic()
        telnyx.stop()
    assert monotonic() - began < 1
    for connection in (idle, silent, delayed):
        connection.settimeout(1)
        assert connection.recv(1) == b""
        connection.close()
    assert set(threading.enumerate()) <= before


def test_many_threads():
    """Faxes sent, read, listed and cancelled by many threads at once are each right, once."""
    with TelnyxEmulator() as telnyx, ThreadPoolExecutor(THREADS) as pool:

        def one(number):
            # A client of its own: one whose pool is narrower than the threads can fail by itself.
            with connect(telnyx) as http:
                fax = post(http, telnyx, to=f"+1500555{number % 7:04}", client_state="aGk=")
                telnyx.advance(0.5)
                assert http.get(f"/faxes/{fax}").json()["data"]["id"] == fax
                if number % 5 == 0:
                    assert http.post(f"/faxes/{fax}/actions/cancel").status_code in (202, 422)
                if number % 3 == 0:
                    assert http.delete(f"/faxes/{fax}").status_code == 204
                listed = http.get("/faxes?page[size]=250").json()
            assert len({item["id"] for item in listed["data"]}) == len(listed["data"])
            return fax

        sent = list(pool.map(one, range(320)))
    telnyx.settle()
    kept = [fax for number, fax in enumerate(sent) if number % 3]

    assert sorted(kept) == sorted(fax["id"] for fax in telnyx.faxes)
    assert {fax["status"] for fax in telnyx.faxes} <= {"delivered", "failed"}
    stamps = [fax["created_at"] for fax in telnyx.faxes]
    assert sorted(set(stamps)) == stamps
    ends = [
        event["payload"]["fax_id"]
        for event in telnyx.events
        if event["event_type"] in ("fax.delivered", "fax.failed")
    ]
    assert set(kept) <= set(ends)
    assert len(set(ends)) == len(ends)


def test_many_connections():
    """Sixty-four clients, each with a connection of its own, are served at once."""
    with TelnyxEmulator() as telnyx, ThreadPoolExecutor(64) as pool:
        host = ("127.0.0.1", int(telnyx.origin.rpartition(":")[2]))
        key = telnyx.api_key.encode()
        request = b"GET /v2/faxes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + b"\r\n\r\n"
        connections = [socket.create_connection(host) for _ in range(64)]

        def ask(connection):
            with connection:
                for _ in range(20):
                    connection.sendall(request)
                    answer = connection.recv(65536)
                    assert answer.startswith(b"HTTP/1.1 200")
            return 20

        assert sum(pool.map(ask, connections)) == 64 * 20
    assert len(telnyx.journal) == 64 * 20


def test_the_journal_tells_what_was_asked(http, telnyx):
    """It has each request in order with its query, headers, body, status and answer."""
    fax = post(http, telnyx)
    http.get("/faxes", params={"page[size]": "1", "filter[to][eq]": OTHER})
    http.get("/nothing")
    sent, listed, missing = telnyx.journal

    assert (sent.method, sent.path, sent.status, sent.fault) == ("POST", "/v2/faxes", 202, None)
    assert sent.json == body_of(telnyx)
    assert fax.encode() in sent.answer
    assert sent.headers["content-type"] == "application/json"
    assert listed.query == [("page[size]", "1"), ("filter[to][eq]", OTHER)]
    assert (listed.json, missing.status) == (None, 404)
    with pytest.raises(AttributeError):
        sent.status = 500
    telnyx.clear_journal()
    assert telnyx.journal == []


def test_the_journal_keeps_the_key_to_itself(http, telnyx):
    """The headers have the API key, and the journal's repr has not."""
    post(http, telnyx)

    assert telnyx.journal[0].headers["authorization"] == f"Bearer {telnyx.api_key}"
    assert telnyx.api_key not in repr(telnyx.journal)
    assert NUMBER not in repr(telnyx.journal)


def test_the_journal_can_be_bounded():
    """A long-running emulator keeps only the last requests."""
    with TelnyxEmulator(journal_limit=3) as telnyx, connect(telnyx) as http:
        for number in range(5):
            http.get(f"/faxes/{number}")

        assert [exchange.path[-1] for exchange in telnyx.journal] == ["2", "3", "4"]


def test_the_environment_leads_here(http, telnyx):
    """``environ`` has what clients of Telnyx read, in Telnyx's formats."""
    environ = telnyx.environ

    assert environ["TELNYX_BASE_URL"] == telnyx.base_url == telnyx.origin + "/v2"
    assert environ["TELNYX_API_KEY"].startswith("KEY")
    assert environ["TELNYX_CONNECTION_ID"].isdigit()
    assert int(environ["TELNYX_CONNECTION_ID"]) > 2**53
    assert environ["TELNYX_PUBLIC_KEY"] == telnyx.public_key
    assert len(telnyx.public_key) == 44


@pytest.mark.parametrize(
    "names", [["starlette"], ["uvicorn"], ["nacl"], ["python_multipart", "multipart"]]
)
def test_a_missing_package_is_told(names):
    """Without a package of the extra the error says which one and what to install."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({names!r}))\n"
        "import twilio_fax_compat.testing\n"
        "try: from twilio_fax_compat.testing import TelnyxEmulator\n"
        "except ImportError as error: print(error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'twilio-fax-compat[emulator]'" in shown.stdout
    assert names[0].replace("_", "-") in shown.stdout


def test_the_names_are_there():
    """All public names can be imported, and another is an AttributeError."""
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="Twilio"):
        _ = package.Twilio


def test_the_emulator_is_a_second_opinion():
    """It imports nothing of the library that it puts to the test."""
    allowed = {"attrs", "httpx", "nacl", "starlette", "uvicorn"}
    found = set()
    for path in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                found.add(node.module)
    ours = {name for name in found if name.startswith("twilio")}
    others = {name.partition(".")[0] for name in found - ours}
    standard = {name.partition(".")[0] for name in sys.builtin_module_names} | {
        name for name in others if _is_standard(name)
    }

    assert ours
    assert all(name.startswith("twilio_fax_compat.testing") for name in ours)
    assert others - standard == allowed


def _is_standard(name):
    from importlib.util import find_spec

    spec = find_spec(name)
    return spec is not None and "site-packages" not in str(spec.origin)


def test_the_public_key_follows_from_the_seed():
    """It is the same at each start, so that an application can be configured once."""
    keys = [TelnyxEmulator(seed=seed).public_key for seed in (0, 0, 1)]
    assert keys[0] == keys[1] == TelnyxEmulator().public_key
    assert keys[2] != keys[0]
