"""Redirects of a handler are followed, inside the application and elsewhere, and failures are logged."""

import gzip
import json
from types import SimpleNamespace
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.helpers import FROM, TO
from tests.webhooks.apps import TOKEN
from tests.webhooks.driving import EVENT, finish, forged, webhook
from tests.webhooks.serving import ACCOUNT, listening, served
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.webhooks import WSGIMiddleware

SID = "FX" + EVENT["data"]["payload"]["fax_id"].replace("-", "")


@pytest.fixture(name="framework", params=["flask", "starlette"])
def _framework(request):
    return request.param


def move(app, paths):
    """Let the application answer *paths* with a redirect, a status and a location each."""
    inner = app.middleware.app

    def wsgi(environ, start_response):
        if environ["PATH_INFO"] not in paths:
            return inner(environ, start_response)
        status, location = paths[environ["PATH_INFO"]]
        start_response(f"{status} Moved", [("Location", location)])
        return [b""]

    async def asgi(scope, receive, send):
        if scope["type"] != "http" or scope["path"] not in paths:
            await inner(scope, receive, send)
            return
        status, location = paths[scope["path"]]
        headers = [(b"location", location.encode("ascii"))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    app.middleware.app = asgi if type(app.middleware).__name__ == "ASGIMiddleware" else wsgi


def received(app, telnyx, path):
    telnyx.webhook_url = app.url + path
    telnyx.receive("+15005550002", FROM, pages=3)
    finish(telnyx)


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (307, "POST"), (308, "POST")])
def test_twiml_and_action_may_have_moved(app, telnyx, status, method):
    """Each is found, asked for once, and signed for the URL where it is."""
    move(app, {"/old": (status, "/fax"), "/fax/old-action": (307, "/fax/received")})
    app.twiml = '<Response><Receive action="fax/old-action"/></Response>'
    received(app, telnyx, "/old")

    calls = [(path, verb, valid) for path, verb, _, valid in app.seen]
    assert calls == [("/fax", method, True), ("/fax/received", "POST", True)]
    assert app.seen[1][2]["FaxStatus"] == "received"


def test_an_action_that_answers_with_a_redirect_has_succeeded(app, telnyx):
    """As after a form in a browser: the action is not called again with each delivery."""
    move(app, {"/fax/done": (303, "/fax/received?thanks=1")})
    app.twiml = '<Response><Receive action="/fax/done"/></Response>'
    received(app, telnyx, "/fax")

    assert [(path, verb) for path, verb, *_ in app.seen] == [
        ("/fax", "POST"),
        ("/fax/received", "GET"),
    ]
    assert [delivery.status for delivery in telnyx.deliveries] == [200] * 3


def test_a_document_that_is_posted_is_posted_again(app, telnyx):
    """``storeMedia="false"`` with an action that moved."""
    move(app, {"/fax/old-action": (308, "/fax/received")})
    app.twiml = '<Response><Receive action="/fax/old-action" storeMedia="false"/></Response>'
    received(app, telnyx, "/fax")

    _, verb, form, valid = app.seen[1]
    assert (verb, form["Media"][:4], valid) == ("POST", b"%PDF", True)


def test_another_host_is_followed_over_http(framework, telnyx):
    """The signature is for the URL there."""
    with served(framework, telnyx.public_key) as (origin, log), served(
        "flask", telnyx.public_key
    ) as (other, elsewhere):
        log.url = origin
        move(log, {"/fax/old": (307, other + "/fax/status")})
        assert forged(log, telnyx, path="/fax/old").status_code == 200

    assert log.seen == []
    assert [(path, valid) for path, _, _, valid in elsewhere.seen] == [("/fax/status", True)]


def test_an_action_of_another_application_on_the_same_host(telnyx):
    """The server mounts both, and the fax application does not have the path of the other."""
    fax, other, seen = Flask("fax"), Flask("other"), []
    twiml = '<Response><Receive action="{}"/></Response>'
    fax.add_url_rule(
        "/in/<where>", "in", lambda where: twiml.format(f"/{where}/done"), methods=["POST"]
    )
    fax.add_url_rule("/done", "done", lambda: seen.append("fax") or "", methods=["POST"])
    other.add_url_rule("/done", "done", lambda: seen.append("other") or "", methods=["POST"])
    settings = {"auth_token": TOKEN, "account_sid": ACCOUNT, "public_key": telnyx.public_key}
    middleware = WSGIMiddleware(fax, ledger=MemoryLedger(), **settings)
    mounted = DispatcherMiddleware(Flask("root"), {"/a": middleware, "/b": other})
    with listening(mounted) as origin:
        log = SimpleNamespace(url=origin)
        for where in ("a", "b"):
            path = f"/a/in/{where}"
            body = webhook(
                "fax.received", where, origin + path, fax_id=str(uuid4()), direction="inbound"
            )
            assert forged(log, telnyx, body, path=path).status_code == 200
    assert seen == ["fax", "other"]


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 200), ("x", 503)])
def test_compressed_twiml_of_another_host(framework, telnyx, encoding, status):
    """It is decoded if it was asked for, and never read as it stands."""

    def elsewhere(environ, start_response):
        assert "gzip" in environ["HTTP_ACCEPT_ENCODING"]
        twiml = f'<Response><Receive action="{log.url}/fax/received"/></Response>'.encode()
        headers = [("Content-Type", "text/xml"), ("Content-Encoding", encoding)]
        start_response("200 OK", headers)
        return [gzip.compress(twiml)]

    with served(framework, telnyx.public_key) as (origin, log), listening(elsewhere) as other:
        log.url = origin
        move(log, {"/fax/old": (307, other + "/fax")})
        body = webhook("fax.received", delivered_to=origin + "/fax/old", direction="inbound")
        assert forged(log, telnyx, body, path="/fax/old").status_code == status
    assert log.paths == (["/fax/received"] if status == 200 else [])


@pytest.mark.parametrize(
    ("location", "code"), [("/fax/old", "11215"), ("ftp://example.com/fax", "11216")]
)
def test_loops_and_foreign_schemes_are_refused(app, telnyx, caplog, location, code):
    move(app, {"/fax/old": (307, location)})
    answer = forged(app, telnyx, path="/fax/old")

    assert (answer.status_code, app.seen) == (503, [])
    assert f"{code}: {SID}: POST /fax/old" in caplog.text


@pytest.mark.parametrize("path", ["/fax/status", "/nowhere"])
def test_a_refused_callback_is_in_the_log(app, telnyx, caplog, path):
    """With its status and path, the fax, Twilio's code, and what to look at; without a number."""
    app.statuses = [403]
    assert forged(app, telnyx, path=path).status_code == 503
    (record,) = [r for r in caplog.records if r.name == "twilio_fax_compat.webhooks"]
    text = record.getMessage()

    status, hint = (403, "TWILIO_AUTH_TOKEN") if path == "/fax/status" else (404, "is the path")
    assert text.startswith(f"11200: {SID}: POST {path} answered HTTP {status}: ")
    assert hint in text
    assert FROM[1:] not in text
    assert TO[1:] not in text


def test_an_action_that_cannot_be_reached_is_in_the_log(app, telnyx, caplog):
    """Not as "HTTP 0"."""
    app.twiml = '<Response><Receive action="http://127.0.0.1:9/done"/></Response>'
    payload = {**EVENT["data"]["payload"], "direction": "inbound"}
    data = {"event_type": "fax.received", "id": "e1", "payload": payload}
    assert forged(app, telnyx, json.dumps({"data": data}).encode(), path="/fax").status_code == 503

    assert (
        f"11205: {SID}: POST http://127.0.0.1:9/done gave no answer (ConnectError)" in caplog.text
    )
