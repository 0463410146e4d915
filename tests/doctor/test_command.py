"""``twilio-fax-compat doctor`` against the emulator's account, with each fault, and against what misbehaves."""

import json
import socket
import threading

import pytest

from tests.fakes.telnyx import FakeTelnyx, Post
from tests.helpers import ACCOUNT, FROM, TO
from tests.rest.test_never_twice import posts
from tests.webhooks.apps import TOKEN
from tests.webhooks.serving import served
from twilio_fax_compat.__main__ import main
from twilio_fax_compat.testing import TelnyxEmulator, faults
from twilio_fax_compat.webhooks import Media


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator() as telnyx:
        yield telnyx


@pytest.fixture(name="environ")
def _environ(monkeypatch, tmp_path):
    for name in ("TWILIO_FAX_COMPAT_ROLLOUT", "TWILIO_FAX_COMPAT_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)

    def set_up(telnyx, **variables):
        values = {
            **telnyx.environ,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FAX_COMPAT_LEDGER": f"sqlite:///{tmp_path / 'fax.db'}",
            **variables,
        }
        for name, value in values.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return set_up


@pytest.fixture(name="healthy")
def _healthy(telnyx, environ):
    """Yield the emulator of an account with which nothing is wrong, and its application."""
    with served("flask", telnyx.public_key) as (origin, _):
        telnyx._applications.first["webhook_event_url"] = origin + "/fax"
        environ(telnyx)
        yield telnyx


def examined(capsys, *words):
    """Return the exit status, and the status of each check by its name; the worst of several."""
    status = main(["doctor", "--json", *words])
    data = json.loads(capsys.readouterr().out)
    order = ["ok", "unknown", "warning", "failed"]
    found = {}
    for check in data["checks"]:
        assert set(check) == {"name", "status", "saw", "next"}
        worst = max(found.get(check["name"], "ok"), check["status"], key=order.index)
        found[check["name"]] = worst
    assert data["ok"] is (status == 0)
    return status, found


def test_a_healthy_account(healthy, capsys):
    """Everything is ok but plain http of the application here; nothing was sent."""
    status, found = examined(capsys, "--from", FROM)
    assert status == 0
    assert found.pop("webhook url") == "warning"
    assert set(found.values()) == {"ok"}
    assert {exchange.method for exchange in healthy.journal} == {"GET"}
    assert main(["doctor", "--from", FROM]) == 0
    text = capsys.readouterr().out
    assert "Nothing failed." in text
    assert FROM not in text
    assert healthy.api_key not in text
    assert max(map(len, text.splitlines())) <= 100


def change(name, value):
    return lambda telnyx: telnyx._applications.first.__setitem__(name, value)


def profile(name, value):
    def alter(telnyx):
        (found,) = telnyx.account.profiles.values()
        found[name] = value

    return alter


FAULTS = {
    "inactive": (change("active", False), "fax application", "failed"),
    "no webhook": (change("webhook_event_url", ""), "webhook url", "warning"),
    "no profile": (change("outbound", {}), "outbound voice profile", "failed"),
    "profile gone": (lambda t: t.account.profiles.clear(), "outbound voice profile", "unknown"),
    "disabled": (profile("enabled", False), "outbound voice profile", "failed"),
    "country": (
        profile("whitelisted_destinations", ["CA"]),
        "outbound voice profile",
        "failed",
    ),
    "spend limit": (
        profile("daily_spend_limit_enabled", True),
        "outbound voice profile",
        "warning",
    ),
    "no numbers": (lambda t: t.account.numbers.clear(), "numbers", "failed"),
    "pending": (
        lambda t: t.account.numbers[0].__setitem__("status", "port-pending"),
        "numbers",
        "warning",
    ),
    "no credit": (
        lambda t: t.account.balance.__setitem__("available_credit", "0.00"),
        "balance",
        "failed",
    ),
    "balance forbidden": (
        lambda t: t.inject(faults.error(403), path="/v2/balance"),
        "balance",
        "unknown",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found_alone(healthy, capsys, name):
    """And nothing else is said to be worse than in a healthy account."""
    fault, check, expected = FAULTS[name]
    _, before = examined(capsys, "--to", "+493012345678" if name == "country" else "+14155550100")
    fault(healthy)
    status, found = examined(
        capsys, "--to", "+33123456789" if name == "country" else "+14155550100"
    )
    if name == "country":
        before["outbound voice profile"] = "ok"
    assert found[check] == expected
    assert status == (1 if expected == "failed" else 0)
    others = {key for key in found if found[key] != before[key]} - {check, "middleware"}
    assert others <= ({"sender"} if "number" in name else set())


def test_a_sender_of_somebody_else(healthy, capsys):
    status, found = examined(capsys, "--from", "+14155550199")
    assert (status, found["sender"]) == (1, "failed")


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused(healthy, capsys, status):
    """The account is not asked further."""
    healthy.inject(faults.error(status), times=20)
    code, found = examined(capsys)
    assert (code, found["api key"]) == (1, "failed")
    assert "balance" not in found


def test_an_application_of_somebody_else(healthy, environ, capsys):
    environ(healthy, TELNYX_CONNECTION_ID="999")
    status, found = examined(capsys, "--webhook-url", "http://127.0.0.1:1/fax")
    assert (status, found["fax application"], found["middleware"]) == (1, "failed", "failed")


def test_settings_that_are_missing(healthy, environ, capsys):
    """Each is named, and what can be checked without them is checked."""
    environ(healthy, TELNYX_API_KEY=None, TWILIO_AUTH_TOKEN=None, TELNYX_PUBLIC_KEY=None)
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "TELNYX_API_KEY" in text
    assert "TWILIO_AUTH_TOKEN is not set" in text
    assert "ledger" in text
    environ(healthy, TELNYX_PUBLIC_KEY="nonsense")
    assert examined(capsys)[1]["public key"] == "failed"


def test_an_application_without_the_middleware(healthy, capsys):
    """It answers a forged event with success, or with 404."""
    with served("flask", healthy.public_key) as (origin, _):
        status, found = examined(capsys, "--webhook-url", origin + "/fax")
        assert found["middleware"] == "ok"
        del status
    from werkzeug.serving import make_server

    def accept(_environ, start_response):
        start_response("200 OK", [])
        return [b""]

    server = make_server("127.0.0.1", 0, accept)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/fax"
        status, found = examined(capsys, "--webhook-url", url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (status, found["middleware"], found["webhook url"]) == (1, "failed", "warning")


def test_webhooks_that_failed(healthy, capsys):
    """The number and the reason, and the command that delivers them."""
    healthy._applications.first["webhook_event_url"] = "http://127.0.0.1:1/fax"
    healthy.receive("+15005550002", FROM)
    healthy.settle()
    healthy.flush_webhooks()
    _, found = examined(capsys)
    assert found["failed webhooks"] == "warning"
    main(["doctor"])
    assert "callbacks catch-up" in capsys.readouterr().out


def test_media_links(healthy, environ, capsys):
    """They open at a host with the same token, and not with another."""
    with served("flask", healthy.public_key, media=Media()) as (origin, _):
        environ(healthy, TWILIO_FAX_COMPAT_MEDIA_HOST=origin)
        assert examined(capsys)[1]["media links"] == "ok"
        environ(healthy, TWILIO_FAX_COMPAT_MEDIA_HOST=origin, TWILIO_AUTH_TOKEN="other")
        assert examined(capsys)[1]["media links"] == "failed"


@pytest.mark.parametrize(
    ("flag", "status"), [("on", "ok"), ("nonsense", "failed"), ("file:/nowhere.json", "failed")]
)
def test_the_flag(healthy, environ, capsys, flag, status):
    environ(healthy, TWILIO_FAX_COMPAT_ROLLOUT=flag)
    assert examined(capsys)[1]["flag"] == status


@pytest.mark.parametrize(
    ("ledger", "status"),
    [(None, "warning"), ("mysql://host/db", "failed"), ("sqlite:////nowhere/fax.db", "failed")],
)
def test_the_ledger(healthy, environ, capsys, ledger, status):
    environ(healthy, TWILIO_FAX_COMPAT_LEDGER=ledger)
    assert examined(capsys)[1]["ledger"] == status


def answering(raw):
    """Serve *raw* to every connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(raw)

    threading.Thread(target=serve, daemon=True).start()
    return listener


@pytest.mark.parametrize(
    ("raw", "check", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "fax application", "unknown"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data": []}'[:-1], "balance", "unknown"),
        (b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", "api key", "unknown"),
        (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", "api key", "unknown"),
        (b"nonsense\r\n\r\n", "network", "failed"),
        (b"", "network", "failed"),
    ],
    ids=["HTML", "no data", "503", "429", "no HTTP", "closed"],
)
def test_a_telnyx_that_misbehaves(healthy, environ, capsys, raw, check, status):
    """No traceback, and not "wrong" where nothing is known."""
    listener = answering(raw)
    base = "http://127.0.0.1:{}/v2".format(listener.getsockname()[1])
    environ(healthy, TELNYX_BASE_URL=base)
    try:
        _, found = examined(capsys, "--webhook-url", "http://127.0.0.1:1/")
    finally:
        listener.close()
    assert found[check] == status


def test_a_proxy_that_cannot_be_reached(healthy, environ, capsys, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    environ(healthy, TELNYX_BASE_URL="http://telnyx.invalid/v2")
    assert examined(capsys)[1]["network"] == "failed"
    main(["doctor"])
    assert "through the proxy of" in capsys.readouterr().out


def test_sending(healthy, capsys, monkeypatch):
    """One fax, and its end."""
    from twilio_fax_compat.doctor import command

    monkeypatch.setattr(command.time, "sleep", lambda _seconds: healthy.advance(30))
    words = ["--from", FROM, "--send", TO, "--media-url", "https://www.example.com/a.pdf"]
    status, found = examined(capsys, *words)
    assert (status, found["fax"], len(healthy.faxes)) == (0, "ok", 1)
    assert main(["doctor", "--send", TO]) == 2


def test_sending_when_the_answer_is_lost(environ, capsys):
    """It is looked for, and not sent again."""
    with FakeTelnyx(posts(Post(0.0, "drop"))) as telnyx:
        environ(telnyx, TELNYX_PUBLIC_KEY=None)
        words = ["--from", FROM, "--send", TO, "--media-url", "https://www.example.com/a.pdf"]
        from twilio_fax_compat.doctor import command

        command_wait, command.WAIT = command.WAIT, 0.1
        try:
            _, found = examined(capsys, *words)
        finally:
            command.WAIT = command_wait
        assert len(telnyx.posts) == 1
        assert found["fax"] == "warning"


def test_a_wrong_number_is_a_wrong_argument(capsys):
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--from", "555"])
    assert end.value.code == 2
    assert "+14155550100" in capsys.readouterr().err
