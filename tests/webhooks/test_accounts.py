"""Several Twilio accounts behind one middleware: each with its own SID, signatures and links."""

import json
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from flask import Flask, Response, request

from tests.helpers import FROM, MEDIA_URL, TO, wait_until
from tests.webhooks.apps import RECEIVE
from tests.webhooks.driving import EVENT, finish, forged
from tests.webhooks.serving import listening
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.request_validator import RequestValidator
from twilio_fax_compat.rest import Client
from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware
from twilio_fax_compat.webhooks.accounts import Accounts

MAIN, SUB, OTHER = "AC" + "0" * 32, "AC" + "1" * 32, "AC" + "2" * 32
TOKENS = {MAIN: "main-token", SUB: "sub-token"}
pytestmark = pytest.mark.filterwarnings("ignore:status_callback")


class Served:
    """A Flask application that validates each callback with the token of its account."""

    def __init__(self):
        self.app, self.forms, self.valid = Flask(__name__), [], []
        self.app.add_url_rule("/<path:_path>", "any", self.handle, methods=["POST"])

    def handle(self, _path):
        form = request.form.to_dict()
        token = TOKENS[form["AccountSid"]]
        signature = request.headers["X-Twilio-Signature"]
        self.valid.append(RequestValidator(token).validate(request.url, form, signature))
        self.forms.append(form)
        return Response(RECEIVE, mimetype="text/xml")

    @property
    def accounts(self):
        return [form["AccountSid"] for form in self.forms]


@contextmanager
def served(telnyx, **options):
    log = Served()
    options = {
        "auth_token": TOKENS,
        "account_sid": MAIN,
        "public_key": telnyx.public_key,
        "ledger": MemoryLedger(),
        "environ": telnyx.environ,
        **options,
    }
    with listening(WSGIMiddleware(log.app, **options)) as log.url:
        yield log


def sent_by(account, token, telnyx, url, **options):
    """Send a fax as *account* and return the client."""
    client = Client(account, token, environment=dict(telnyx.environ), **options)
    client.fax.faxes.create(TO, MEDIA_URL, from_=FROM, status_callback=url + "/fax/status")
    finish(telnyx)
    return client


@pytest.mark.parametrize("tokens", [TOKENS, TOKENS.get, TOKENS.__getitem__])
def test_each_fax_comes_back_to_its_account(telnyx, tokens):
    """With the account's SID, and signed with its token."""
    with served(telnyx, auth_token=tokens) as app:
        for account in (SUB, MAIN):
            sent_by(account, TOKENS[account], telnyx, app.url)

    assert app.accounts == [SUB, SUB, MAIN, MAIN]
    assert all(app.valid)


def test_a_client_that_acts_for_a_subaccount(telnyx):
    """With the credentials of the main account, as Twilio allowed."""
    with served(telnyx) as app:
        client = Client(MAIN, TOKENS[MAIN], SUB, environment=dict(telnyx.environ))
        client.fax.faxes.create(TO, MEDIA_URL, from_=FROM, status_callback=app.url + "/status")
        finish(telnyx)

    assert app.accounts == [SUB, SUB]
    assert all(app.valid)


@pytest.mark.parametrize("name", ["fax.received", "fax.delivered", "fax.queued"])
def test_a_number_belongs_to_an_account(telnyx, name):
    """The number that received a fax, or that sent one without naming its account."""
    is_inbound = name == "fax.received"
    payload = {**EVENT["data"]["payload"], "direction": "inbound" if is_inbound else "outbound"}
    body = json.dumps({"data": {"event_type": name, "id": "e1", "payload": payload}}).encode()
    number = TO if is_inbound else FROM
    with served(telnyx, number_accounts={number: SUB, "+15005550003": MAIN}) as app:
        assert forged(app, telnyx, body).status_code == 200

    assert app.accounts == [SUB] * (2 if is_inbound else 1)
    assert all(app.valid)


@pytest.mark.parametrize("tokens", [TOKENS, TOKENS.get, TOKENS[MAIN]])
def test_an_unknown_account_is_logged_and_has_the_default(telnyx, caplog, tokens):
    """The callback arrives all the same."""
    with served(telnyx, auth_token=tokens) as app:
        sent_by(OTHER, "other-token", telnyx, app.url)
    ours = [r.getMessage() for r in caplog.records if r.name == "twilio_fax_compat.webhooks"]

    assert app.accounts == [MAIN, MAIN]
    assert all(app.valid)
    assert len(ours) == 2
    assert all(OTHER in text and text.startswith("FX") for text in ours)


def test_a_function_that_fails_loses_nothing(telnyx):
    """Telnyx delivers again until the token is found."""
    answers = [ConnectionError("the database is away"), None, TOKENS[MAIN]]

    def token_of(account_sid):
        assert account_sid == MAIN
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with served(telnyx, auth_token=token_of) as app:
        assert forged(app, telnyx).status_code == 500
        assert app.forms == []
        assert forged(app, telnyx).status_code == 503
        assert app.forms == []
        assert forged(app, telnyx).status_code == 200
    assert app.valid == [True]


def test_links_are_signed_for_the_account(telnyx):
    """Those of callbacks, and those of the account's own client."""
    with served(telnyx, auth_token=TOKENS.get, media=True, number_accounts={FROM: SUB}) as app:
        telnyx.webhook_url = app.url + "/fax"
        telnyx.receive("+15005550002", FROM, document=b"%PDF-mine")
        finish(telnyx)
        link = app.forms[-1]["MediaUrl"]
        links = [link]
        for account in (SUB, MAIN):
            client = Client(
                account, TOKENS[account], environment=dict(telnyx.environ), media_host=app.url
            )
            (fax,) = client.fax.faxes.list()
            links.append(fax.media_url)
        opened = [httpx.get(url, follow_redirects=False).status_code for url in links]
        forgeries = [
            link.replace(SUB, MAIN),
            link.replace(SUB, OTHER),
            link.replace(f"&account={SUB}", ""),
            links[2].replace(MAIN, SUB),
        ]
        refused = [httpx.get(url).status_code for url in forgeries]

    assert f"account={SUB}" in link
    assert opened == [302, 302, 302]
    assert refused == [403] * 4


def test_an_account_that_anybody_wrote_into_a_link_is_harmless(telnyx, caplog):
    """The link is refused with 403, and a function is not asked for what cannot be a SID."""
    asked = []

    def token_of(account_sid):
        asked.append(account_sid)
        if account_sid != MAIN:
            raise RuntimeError(f"no row for {account_sid}")
        return TOKENS[MAIN]

    with served(telnyx, auth_token=token_of, media=True) as app:
        link = f"{app.url}/twilio-fax-media/FX{'0' * 32}?expires=9999999999&signature=x&account="
        for account in (
            "ACnobody",
            "AC" + "2" * 31,
            "AC" + "2" * 33,
            "x",
            "%00",
            MAIN + "%0a",
            "'",
        ):
            assert httpx.get(link + account).status_code == 403
        assert (asked, caplog.text) == ([], "")
        assert httpx.get(link + OTHER).status_code == 403
        assert httpx.get(link + MAIN).status_code == 403
    assert asked == [OTHER, MAIN]
    assert "auth_token raised RuntimeError" in caplog.text
    assert "no row" not in caplog.text


def test_links_of_the_default_account_are_as_before(telnyx):
    """They name no account."""
    with served(telnyx, auth_token=TOKENS[MAIN], media=True) as app:
        telnyx.webhook_url = app.url + "/fax"
        telnyx.receive("+15005550002", FROM)
        finish(telnyx)
    assert "account=" not in app.forms[-1]["MediaUrl"]


def test_wrong_settings_are_errors_at_once(telnyx):
    options = {"public_key": telnyx.public_key, "environ": {}}
    with pytest.raises(TwilioException, match=f"account_sid names the account {OTHER}"):
        WSGIMiddleware(None, auth_token=TOKENS, account_sid=OTHER, **options)
    with pytest.raises(TwilioException, match=f"number_accounts names the account {OTHER}"):
        WSGIMiddleware(
            None, auth_token=TOKENS, account_sid=MAIN, number_accounts={FROM: OTHER}, **options
        )
    with pytest.raises(TwilioException, match="TWILIO_AUTH_TOKEN"):
        WSGIMiddleware(None, account_sid=MAIN, **options)
    options["environ"] = {"TWILIO_AUTH_TOKEN": "of the environment"}
    with pytest.raises(TwilioException, match="auth_token has no tokens"):
        WSGIMiddleware(None, auth_token={}, account_sid=MAIN, **options)
    options["environ"] = {}
    for number in ("2125550199", "+1 212 555 0199", "+1212555019x", ""):
        with pytest.raises(TwilioException, match=r"not an E\.164 number") as caught:
            Accounts(MAIN, TOKENS, {number: SUB})
        assert "555019" not in str(caught.value)
    with pytest.raises(TwilioException, match="as a string"):
        Accounts(MAIN, {MAIN: b"token"})


def test_no_token_is_in_a_repr():
    assert "token" not in repr(Accounts(MAIN, TOKENS)).replace("tokens", "")


def test_asgi_finds_the_account_too(telnyx):
    """In a thread, so that a function may wait for a database."""
    forms = []

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        forms.append((await receive())["body"].decode())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def token_of(account_sid):
        threads.add(threading.current_thread())
        time.sleep(0.01)
        return TOKENS.get(account_sid)

    threads = set()
    middleware = ASGIMiddleware(
        app,
        auth_token=token_of,
        account_sid=MAIN,
        public_key=telnyx.public_key,
        ledger=MemoryLedger(),
    )
    config = uvicorn.Config(middleware, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    sent_by(SUB, TOKENS[SUB], telnyx, f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join()

    assert [f"AccountSid={SUB}" in form for form in forms] == [True, True]
    assert thread not in threads


def test_two_applications_share_a_ledger(telnyx, tmp_path):
    """Each delivers what it received, and not what the other received."""
    path, wrong, right = str(tmp_path / "fax.db"), [], []

    def application(name, **options):
        def handler(environ, start_response):
            (right if environ["PATH_INFO"] == name else wrong).append(environ["PATH_INFO"])
            start_response("200 OK", [])
            return [b""]

        return WSGIMiddleware(
            handler,
            account_sid=MAIN,
            public_key=telnyx.public_key,
            ledger=SQLiteLedger(path),
            inbox=True,
            **options,
        )

    apps = {
        "/one": application("/one", auth_token="one"),
        "/two": application("/two", auth_token="two"),
        "/three": application("/three", auth_token="two", application="the third"),
    }
    for number in range(4):
        for name, middleware in apps.items():
            fax = (
                f"{number:08d}-0dab-4bcf-9c5f-{int.from_bytes(name.encode(), 'big') % 10**12:012d}"
            )
            payload = {**EVENT["data"]["payload"], "fax_id": fax}
            data = {"event_type": "fax.queued", "id": f"{name}{number}", "payload": payload}
            with listening(middleware) as url:
                middleware.url = url
                body = json.dumps({"data": data}).encode()
                assert forged(middleware, telnyx, body, path=name).status_code == 200
    wait_until(lambda: len(right) + len(wrong) == 12)
    for middleware in apps.values():
        middleware.close()

    assert wrong == []
