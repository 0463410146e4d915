"""The program's own URLs are called as Twilio called them, by a server in a process of its own."""

import json
import socket
import threading
import time
from datetime import datetime, timezone
from urllib.parse import urlsplit

import httpx
import pytest

from tests.helpers import wait_until
from tests.server import node_programs
from tests.server.program import Program
from tests.server.serving import (
    ACCOUNT,
    FROM,
    OTHER,
    OTHER_TOKEN,
    TO,
    TOKEN,
    config_text,
    environ_of,
    request,
    serving,
)
from tests.webhooks.driving import EVENT
from twilio_fax_compat.ledger import InboxEntry, open_ledger
from twilio_fax_compat.server.relay import ACCOUNT as ACCOUNT_HEADER
from twilio_fax_compat.server.relay import APPLICATION
from twilio_fax_compat.testing import TelnyxEmulator
from twilio_fax_compat.testing.webhooks import signed_headers

RECEIVE = '<?xml version="1.0" encoding="UTF-8"?><Response><Receive{}/></Response>'
XML = {"Content-Type": "text/xml"}


@pytest.fixture(name="program")
def _program():
    with Program() as program:
        yield program


def sent(server, program, path="/status", **fields):
    """Create a fax with a status callback to *program*, and return its SID."""
    status, _, fax = server.create(StatusCallback=program.url + path, **fields)
    assert status == 201
    return fax["sid"]


def finish(telnyx):
    telnyx.settle()
    telnyx.flush_webhooks()


def test_status_callbacks(server, telnyx, program):
    """Signed with the program's token, in Twilio's words; Telnyx never sees the program's URL."""
    sid = sent(server, program, "/status?order=7&text=%C3%A9")
    finish(telnyx)
    wait_until(lambda: len(program.of(sid)) >= 2)

    assert program.statuses(sid) == ["queued", "delivered"]
    for call in program.of(sid):
        assert call.is_valid
        assert (call.method, call.path) == ("POST", "/status")
        assert call.form["AccountSid"] == ACCOUNT
        assert (call.form["From"], call.form["To"]) == (FROM, TO)
        assert call.headers["User-Agent"] == "TwilioProxy/1.1"
        assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert len({call.token for call in program.of(sid)}) == 2
    (webhook_url,) = {fax["webhook_url"] for fax in telnyx.faxes}
    assert webhook_url.startswith(f"{server.url}/telnyx/{ACCOUNT}/")
    assert "order" not in webhook_url
    assert urlsplit(program.url).netloc not in json.dumps(telnyx.faxes)


def test_the_other_accounts_token_signs_its_callbacks(server, telnyx):
    with Program(token=OTHER_TOKEN) as program:
        form = {"To": TO, "From": FROM, "MediaUrl": "https://www.example.com/a.pdf"}
        form["StatusCallback"] = program.url + "/status"
        _, _, fax = request(server.url, "POST", "/v1/Faxes", form, user=OTHER, password=OTHER_TOKEN)
        finish(telnyx)
        wait_until(lambda: len(program.of(fax["sid"])) >= 2)
    assert all(call.is_valid for call in program.calls)
    assert {call.form["AccountSid"] for call in program.calls} == {OTHER}


def test_a_handler_finds_the_fax_with_its_end_and_pages(server, telnyx):
    """It fetches the fax, and even deletes it, while it is called."""
    found = []

    def answer(call):
        if call.status == "delivered":
            path = f"/v1/Faxes/{call.form['FaxSid']}"
            found.append(server.request("GET", path)[2])
            found.append(server.request("DELETE", path)[0])
        return 200, "OK", {}

    with Program(answer) as program:
        sent(server, program)
        finish(telnyx)
        wait_until(lambda: len(found) == 2)
    assert (found[0]["status"], found[0]["num_pages"]) == ("delivered", 1)
    assert found[1] == 204


def test_a_failing_handler_is_called_again(server, telnyx):
    """With the same token, until it answers 2xx, and then never again."""
    answers = [500, 503]

    def answer(_call):
        return answers.pop(0) if answers else 204

    with Program(answer) as program:
        telnyx.hold()
        sid = sent(server, program)
        telnyx.flush_webhooks()
        wait_until(lambda: len(program.of(sid)) == 3)
        tokens = {call.token for call in program.of(sid)}
        assert len(tokens) == 1
        assert program.statuses(sid) == ["queued"] * 3
        telnyx.release()
        finish(telnyx)
        wait_until(lambda: program.statuses(sid)[-1] == "delivered")
    assert program.statuses(sid) == ["queued"] * 3 + ["delivered"]


def test_what_the_program_refuses_is_given_up(server, telnyx):
    """A 403 will be a 403 tomorrow; the log says so, without a number."""
    with Program(lambda _call: 403) as program:
        telnyx.hold()
        sid = sent(server, program)
        telnyx.flush_webhooks()
        wait_until(lambda: "is given up after 3 attempts" in server.log_text())
        assert len(program.of(sid)) == 3
    assert "the last answer was HTTP 403" in server.log_text()
    assert TO not in server.log_text()


def test_a_program_that_hangs_holds_up_nobody_else(server, telnyx, program):
    """Twenty faxes whose program accepts and never answers, and one whose program does."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        url = "http://127.0.0.1:{}/status".format(silent.getsockname()[1])
        for number in range(20):
            server.create(name=f"hangs{number}", StatusCallback=url)
        finish(telnyx)
        sid = sent(server, program)
        finish(telnyx)
        wait_until(lambda: len(program.of(sid)) >= 2, seconds=10)
    assert program.statuses(sid) == ["queued", "delivered"]


def test_credentials_and_redirects(server, telnyx, program):
    """Basic credentials of a URL go to its own host alone; the form follows a 307."""

    def answer(call):
        if call.path == "/status":
            return 307, "", {"Location": f"http://localhost:{urlsplit(program.url).port}/moved"}
        return 204

    with Program(answer) as first:
        url = first.url.replace("http://", "http://user:secret@") + "/status"
        status, _, fax = server.create(StatusCallback=url)
        assert status == 201
        finish(telnyx)
        wait_until(lambda: len(program.of(fax["sid"])) >= 2)
        assert all(call.headers["Authorization"].startswith("Basic ") for call in first.calls)
    assert all("Authorization" not in call.headers for call in program.calls)
    assert all(call.is_valid for call in [*first.calls, *program.calls])
    assert {call.path for call in program.calls} == {"/moved"}
    assert "secret" not in server.log_text()
    assert "secret" not in json.dumps(telnyx.faxes)


def webhook(server, telnyx, body, path, **changes):
    # The server's clock, as Telnyx's: the emulator's runs ahead with each fax that it finishes.
    now = datetime.now(timezone.utc)
    headers = signed_headers(telnyx._webhook_sender.key, body, now)
    headers = {**headers, "Content-Type": "application/json", **changes}
    return httpx.post(server.url + path, content=body, headers=headers).status_code


def test_only_telnyx_is_believed(server, telnyx, program):
    """A forged event, an unknown account, and a URL that this server did not make."""
    sid = sent(server, program)
    (path,) = {urlsplit(fax["webhook_url"]).path for fax in telnyx.faxes}
    finish(telnyx)
    wait_until(lambda: len(program.of(sid)) >= 2)
    before = len(program.calls)
    body = json.dumps(EVENT).encode()
    assert webhook(server, telnyx, body, path, **{"telnyx-timestamp": "1"}) == 401
    assert webhook(server, telnyx, body, "/telnyx/AC" + "9" * 32) == 404
    assert webhook(server, telnyx, body, path[:-4] + "AAAA") == 503
    assert webhook(server, telnyx, body, f"/telnyx/{OTHER}/{path.rpartition('/')[2]}") == 503
    assert webhook(server, telnyx, b"x" * 2_000_000, path) == 413
    assert webhook(server, telnyx, b'{"data": {"event_type": "message.sent"}}', path) == 200
    assert httpx.get(server.url + path).status_code == 405
    assert len(program.calls) == before
    assert "the callback URL of a fax cannot be read" in server.log_text()


@pytest.fixture(name="own")
def _own(tmp_path):
    """Return what runs a server with other settings, and its emulator."""
    with TelnyxEmulator(webhook_backoff=0.05) as telnyx:

        def run(*options, incoming="", **settings):
            text = config_text(telnyx, **settings)
            text = text.replace(
                'auth_token = "the-token-of-one"', f'auth_token = "{TOKEN}"{incoming}'
            )
            (tmp_path / "faxes.toml").write_text(text)
            return serving(
                tmp_path, environ_of(telnyx), "--config", str(tmp_path / "faxes.toml"), *options
            )

        yield telnyx, run


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_fax_is_received(own, method):
    """TwiML from the number's URL, then the action, with a link that opens on the server."""
    telnyx, run = own

    def answer(call):
        if call.path == "/fax":
            return 200, RECEIVE.format(f' action="done?x=1" method="{method}"'), XML
        return 204

    with Program(answer) as program:
        incoming = f'\nincoming_urls = {{ "{FROM}" = "{program.url}/fax" }}'
        with run(incoming=incoming) as server:
            telnyx.webhook_url = f"{server.url}/telnyx/{ACCOUNT}"
            telnyx.receive("+15005550002", FROM, pages=3)
            finish(telnyx)
            wait_until(lambda: len(program.calls) == 2)
            asked, done = program.calls
            link = done.fields["MediaUrl"]
            document = httpx.get(link, follow_redirects=True)
            forged = httpx.get(link.replace("signature=", "signature=0"))
            expired = httpx.get(link.replace("expires=", "expires=1"))
    assert (asked.method, asked.form["From"], asked.form["To"]) == ("POST", "+15005550002", FROM)
    assert (done.method, done.path) == (method, "/done")
    assert (done.fields["NumPages"], done.fields["FaxStatus"]) == ("3", "received")
    assert asked.is_valid
    assert done.is_valid
    assert link.startswith(f"{server.url}/twilio-fax-media/{done.fields['FaxSid']}?")
    assert document.content.startswith(b"%PDF")
    assert (forged.status_code, expired.status_code) == (403, 403)


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        ((200, "<Response><Reject/></Response>", XML), 1),
        ((200, "this is not XML", XML), 1),
        ((200, RECEIVE.format(""), {"Content-Type": "application/xml"}), 1),
    ],
    ids=["reject", "broken", "no action"],
)
def test_answers_without_an_action(own, answer, calls):
    """Nothing more is called, and the fax can be fetched all the same."""
    telnyx, run = own
    with Program(lambda _call: answer) as program:
        with run(incoming=f'\nincoming_urls = {{ "*" = "{program.url}/fax" }}') as server:
            telnyx.webhook_url = f"{server.url}/telnyx"
            telnyx.receive("+15005550002", FROM, pages=3)
            finish(telnyx)
            wait_until(lambda: len(program.calls) == calls)
            faxes = server.request("GET", "/v1/Faxes")[2]["faxes"]
            fetched = [server.request("GET", f"/v1/Faxes/{fax['sid']}")[2] for fax in faxes]
            wait_until(
                lambda: server.request("GET", f"/v1/Faxes/{faxes[0]['sid']}")[2]["num_pages"] == 3
            )
        assert len(program.calls) == calls
    assert [fax["status"] for fax in fetched] == ["received"]


def test_media_url_of_a_stored_document(own):
    """The fax's own link is one on the server, too."""
    telnyx, run = own
    with run() as server:
        _, _, fax = server.create(StoreMedia="true")
        finish(telnyx)
        _, _, fax = server.request("GET", f"/v1/Faxes/{fax['sid']}")
        assert fax["media_url"].startswith(f"{server.url}/twilio-fax-media/{fax['sid']}?")
        assert httpx.get(fax["media_url"], follow_redirects=True).status_code == 200
        assert httpx.post(fax["media_url"]).status_code == 405


def test_no_url_for_a_number(own):
    """The fax is not refused, its facts are kept, and the log says what is missing."""
    telnyx, run = own
    with run() as server:
        telnyx.webhook_url = f"{server.url}/telnyx/{ACCOUNT}"
        telnyx.receive("+15005550002", FROM, pages=3)
        finish(telnyx)
        assert [delivery.status for delivery in telnyx.deliveries][-1] == 200
        assert "no URL answers for its number" in server.log_text()
        (fax,) = server.request("GET", "/v1/Faxes")[2]["faxes"]
        assert fax["num_pages"] == 3


def test_addresses_can_be_limited(own):
    """A host that is not listed is refused at the create, and behind a redirect at the call."""
    telnyx, run = own

    def answer(call):
        port = urlsplit(call.url).port
        return 302, "", {"Location": f"http://127.0.0.1:{port}/inside"}

    with Program(answer, host="localhost") as program:
        with run(incoming='\ncallback_hosts = ["localhost", "*.example.com"]') as server:
            status, _, error = server.create(StatusCallback="http://127.0.0.1:1/status")
            assert (status, error["code"]) == (400, 21609)
            assert "callback_hosts" in error["message"]
            telnyx.hold()
            sid = sent(server, program)
            telnyx.flush_webhooks()
            wait_until(lambda: program.of(sid) != [])
            wait_until(lambda: "not one of callback_hosts" in server.log_text())
        assert {call.path for call in program.calls} == {"/status"}


def test_private_networks_can_be_forbidden(own, program):
    """Also by a name that leads there."""
    telnyx, run = own
    with run(private_callbacks=False) as server:
        url = program.url.replace("127.0.0.1", "localhost") + "/status"
        assert server.create(StatusCallback=url)[0] == 201
        finish(telnyx)
        wait_until(lambda: "private_callbacks" in server.log_text())
    assert program.calls == []


def test_callbacks_need_the_public_key(tmp_path):
    """Without it no event could be verified: the log says so, and the create is refused."""
    with TelnyxEmulator() as telnyx:
        environ = environ_of(telnyx)
        del environ["TELNYX_PUBLIC_KEY"]
        with serving(tmp_path, environ) as server:
            status, _, error = server.create(StatusCallback="http://127.0.0.1:1/status")
            assert (status, error["code"]) == (400, 21609)
            assert "TELNYX_PUBLIC_KEY" in error["message"]
            assert server.create()[0] == 201
            assert "callbacks of the account" in server.log_text()
    assert len(telnyx.faxes) == 1


def test_the_server_with_its_emulator(tmp_path):
    """`--emulator` alone: callbacks and received faxes work without a Telnyx account."""
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path.cwd())}

    def answer(call):
        return (200, RECEIVE.format(' action="/done"'), XML) if call.path == "/fax" else 204

    with Program(answer, token="token") as program:
        with serving(
            tmp_path, environ, "--emulator", "--incoming-url", program.url + "/fax"
        ) as server:
            form = {"To": TO, "From": FROM, "MediaUrl": "https://www.example.com/a.pdf"}
            form["StatusCallback"] = program.url + "/status"
            user = "AC" + "0" * 32
            _, _, fax = request(server.url, "POST", "/v1/Faxes", form, user, "token")
            wait_until(lambda: "delivered" in program.statuses(fax["sid"]), seconds=60)
        assert all(call.is_valid for call in program.calls)


@pytest.mark.slow
def test_a_killed_server_loses_no_callback(own, tmp_path):
    """What Telnyx got a 200 for is delivered by another process, in order, and repeated with its token."""
    telnyx, run = own
    ledger = f"sqlite:///{tmp_path / 'fax.db'}"
    lock = threading.Lock()
    order = {}

    def answer(call):
        with lock:
            order.setdefault(call.fields["FaxSid"], []).append((call.status, call.token))
        time.sleep(0.05)
        return 204

    with Program(answer) as program:
        sids = []
        for turn in range(3):
            with run(ledger=ledger) as server:
                for number in range(20):
                    sids.append(sent(server, program, To=f"+1500555{turn}{number:03}"))
                finish(telnyx)
                accepted = [delivery for delivery in telnyx.deliveries if delivery.status == 200]
                assert len(accepted) >= 40
                server.process.kill()
        with run(ledger=ledger):
            wait_until(lambda: _all_delivered(order, sids), 60)
    for calls in order.values():
        statuses = [status for status, _ in calls]
        assert statuses == sorted(statuses, key=["queued", "delivered"].index)
        # A call that was repeated after a kill has the token of the first.
        assert len({token for _, token in calls}) == len(set(statuses))


def _all_delivered(order, sids):
    return all("delivered" in [status for status, _ in order.get(sid, ())] for sid in sids)


def test_an_event_of_an_account_without_telnyx_waits(telnyx, tmp_path):
    """Another process that shares the ledger may have the account's settings for Telnyx."""
    url = f"sqlite:///{tmp_path}/fax.db"
    ledger = open_ledger(url)
    headers = {ACCOUNT_HEADER: ACCOUNT}
    ledger.put(InboxEntry("event", b"{}", headers, "", application=APPLICATION))
    config = tmp_path / "accounts.toml"
    config.write_text(
        f'legacy_url = "http://127.0.0.1:1"\n[[accounts]]\nsid = "{ACCOUNT}"\nauth_token = "{TOKEN}"\n'
    )
    environ = environ_of(telnyx)
    for name in telnyx.environ:
        del environ[name]
    with serving(tmp_path, environ, "--config", str(config), "--ledger", url) as server:
        wait_until(lambda: [event.reason for event in ledger.waiting_events()] != [""])
    (event,) = ledger.waiting_events()
    assert event.reason == "its account is not configured"
    assert (event.attempts, 30 < event.due_in <= 60) == (0, True)
    assert "Traceback" not in server.log_text()
    ledger.close()


@node_programs.needs_node
@pytest.mark.parametrize("package", ["twilio-3-73-1", "twilio-3-40-0"])
def test_twilio_nodes_validator(own, package):
    """It accepts each callback: forms, a query of its own, and the query of a GET with a link in it."""
    telnyx, run = own

    def answer(call):
        if call.path == "/fax":
            return 200, RECEIVE.format(' action="/done?a=b%3Fc" method="GET"'), XML
        return 204

    with Program(answer) as program:
        with run(incoming=f'\nincoming_urls = {{ "*" = "{program.url}/fax" }}') as server:
            telnyx.webhook_url = f"{server.url}/telnyx/{ACCOUNT}"
            sent(server, program, "/status?x=1&y=%C3%A9")
            telnyx.receive("+15005550002", FROM, pages=2)
            finish(telnyx)
            wait_until(lambda: len(program.calls) >= 4)
        for call in program.calls:
            assert node_programs.validates(package, TOKEN, call)
            call.form = {**call.form, "FaxStatus": "forged"}
            call.url += "&forged=1" if call.method == "GET" else ""
            assert not node_programs.validates(package, TOKEN, call)
