"""The inbox delivers what came."""

import json
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import wait_until
from tests.webhooks.driving import forged, webhook
from tests.webhooks.serving import ACCOUNT, asgi_listening, listening
from twilio_fax_compat.ledger import InboxEntry
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware, stored_request
from twilio_fax_compat.webhooks.stored_request import (
    environ_of,
    scope_of,
    stored_environ,
    stored_scope,
)

URL = "https://app.example.com/cb"


@pytest.fixture(name="reported", autouse=True)
def _reported(caplog):
    stored_request._reported.clear()
    caplog.set_level(logging.WARNING, "twilio_fax_compat.webhooks")
    return caplog


@pytest.fixture(name="ledger")
def _ledger(tmp_path):
    ledger = SQLiteLedger(str(tmp_path / "fax.db"))
    yield ledger
    ledger.close()


class Caller:
    """Where an application is."""


def settings(telnyx, ledger):
    keys = {"auth_token": "t", "account_sid": ACCOUNT, "public_key": telnyx.public_key}
    return {**keys, "ledger": ledger, "inbox": True}


HEADERS = {"Authorization": "Basic dXNlcjpzZWNyZXQ=", "Cookie": "a=1", "X-Tenant": "north"}


def test_wsgi_gets_the_request_that_came(telnyx, ledger, reported):
    """Credentials, cookies, and what an outer middleware has added."""
    seen, caller = [], Caller()

    def app(environ, start_response):
        seen.append(dict(environ))
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    middleware = WSGIMiddleware(app, **settings(telnyx, ledger))

    def outer(environ, start_response):
        environ.update({"REMOTE_USER": "me", "auth.roles": ["a", {"b": 1}], "auth.user": Caller()})
        return middleware(environ, start_response)

    with listening(outer) as caller.url:
        assert forged(caller, telnyx, webhook(), path="/cb?x=1", **HEADERS).status_code == 200
        wait_until(lambda: seen)
    middleware.close()

    (environ,) = seen
    assert environ["HTTP_AUTHORIZATION"] == HEADERS["Authorization"]
    assert (environ["HTTP_COOKIE"], environ["HTTP_X_TENANT"]) == ("a=1", "north")
    assert (environ["REMOTE_USER"], environ["auth.roles"]) == ("me", ["a", {"b": 1}])
    assert (environ["REMOTE_ADDR"], environ["QUERY_STRING"]) == ("127.0.0.1", "x=1")
    assert "auth.user" not in environ
    assert not any(name.startswith("HTTP_TELNYX") for name in environ)
    (line,) = [r.getMessage() for r in reported.records]
    assert "environ['auth.user'] (Caller)" in line


def test_asgi_gets_the_request_that_came(telnyx, ledger, reported):
    """The same; and what the process has, its app and the state of its lifespan, is there."""
    seen, pool, caller = [], Caller(), Caller()

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["pool"] = pool
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    middleware = ASGIMiddleware(app, **settings(telnyx, ledger))

    async def outer(scope, receive, send):
        scope["app"] = app
        if scope["type"] == "http":
            scope["tenant"] = {"name": "north"}
            scope["user"] = Caller()
            scope["state"].update({"request_id": "r1", "session": Caller()})
        await middleware(scope, receive, send)

    with asgi_listening(outer) as caller.url:
        assert forged(caller, telnyx, webhook(), path="/cb?x=1", **HEADERS).status_code == 200
        wait_until(lambda: seen)

    (scope,) = seen
    sent = dict(scope["headers"])
    assert sent[b"authorization"].decode() == HEADERS["Authorization"]
    assert (sent[b"cookie"], sent[b"x-tenant"]) == (b"a=1", b"north")
    assert scope["app"] is app
    assert scope["state"]["pool"] is pool
    assert (scope["tenant"], scope["state"]["request_id"]) == ({"name": "north"}, "r1")
    assert scope["client"][0] == "127.0.0.1"
    assert scope["client"][1] > 0
    assert (scope["query_string"], scope["http_version"]) == (b"x=1", "1.1")
    assert "user" not in scope
    assert "session" not in scope["state"]
    lines = sorted(r.getMessage().partition(":")[0] for r in reported.records)
    assert lines == [
        "the inbox cannot keep scope['state']['session'] (Caller)",
        "the inbox cannot keep scope['user'] (Caller)",
    ]


def test_secrets_of_the_process_are_not_stored(monkeypatch):
    """Some servers show the environment of the process in each request."""
    monkeypatch.setenv("SOME_SECRET", "xyzzy")
    stored = stored_environ({**os.environ, "HTTP_X": "1", "REMOTE_USER": "me"})
    assert stored == {"HTTP_X": "1", "REMOTE_USER": "me"}


def test_what_is_missing_is_said_once(reported):
    """And its value is not."""
    for _ in range(2):
        stored_environ({"auth.user": b"+15005550009"})
    (record,) = reported.records
    assert "(bytes)" in record.getMessage()
    assert "5005550009" not in record.getMessage()


TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(TEXT, TEXT, st.dictionaries(st.sampled_from(["a.b", "REMOTE_USER", "x"]), JSON))
def test_an_environ_comes_back(authorization, path, added):
    """Text and JSON are the same after they were stored."""
    environ = {"HTTP_AUTHORIZATION": authorization, "PATH_INFO": path, **added}
    stored = stored_environ(environ)
    assert all(isinstance(value, str) for value in stored.values())
    entry = InboxEntry("e", b"", json.loads(json.dumps(stored)), URL)
    back = environ_of(entry)
    assert {name: back.get(name) for name in environ} == environ


def test_a_scope_comes_back():
    """Headers of one name are joined, as HTTP says."""
    scope = {
        "type": "http", "scheme": "https", "path": "/prod/cb", "root_path": "/prod", "http_version": "2",
        "query_string": b"x=%2B", "server": ("10.0.0.5", 8000), "client": ("1.2.3.4", 5),
        "headers": [
            (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x-list", b"1"), (b"x-list", b"2"),
            (b"content-type", b"application/json"), (b"telnyx-timestamp", b"1"),
        ],
    }  # fmt: skip
    back = scope_of(InboxEntry("e", b"", stored_scope(scope, {}), URL), {}, {})
    same = ("path", "root_path", "scheme", "http_version", "query_string", "server", "client")
    assert {name: back[name] for name in same} == {name: scope[name] for name in same}
    assert back["headers"] == [(b"cookie", b"a=1; b=2"), (b"x-list", b"1, 2")]
    assert "state" not in back


def test_an_entry_of_the_other_kind_of_application():
    """An application that moves from WSGI to ASGI delivers what is waiting, and back."""
    environ = {"PATH_INFO": "/cb", "SCRIPT_NAME": "/prod", "HTTP_COOKIE": "a=1", "x.y": 1}
    scope = scope_of(InboxEntry("e", b"", stored_environ(environ), URL), {}, {})
    assert (scope["path"], scope["headers"]) == ("/cb", [(b"cookie", b"a=1")])
    again = environ_of(InboxEntry("e", b"", stored_scope({**scope, "z": [1]}, {}), URL))
    assert (again["PATH_INFO"], again["HTTP_COOKIE"]) == ("/cb", "a=1")


def test_an_entry_of_an_earlier_version():
    """It had no more than some variables."""
    entry = InboxEntry("e", b"", {"HTTP_HOST": "h"}, URL)
    assert environ_of(entry)["PATH_INFO"] == "/cb"
    assert scope_of(entry, {}, {})["path"] == "/cb"


def test_what_contains_itself_is_reported(reported):
    """A dictionary and a list that an outer middleware keeps; each is left out."""
    circle, ring, deep = {}, [], []
    circle["self"] = circle
    ring.append(ring)
    for _ in range(100_000):
        deep = [deep]
    stored = stored_environ({"x.circle": circle, "x.ring": ring, "x.deep": deep, "x.flat": [1, {}]})
    assert json.loads(stored[stored_request.EXTRAS]) == {"environ": {"x.flat": [1, {}]}}
    assert len(reported.records) == 3


def test_a_port_that_is_not_one_is_left_out():
    variables = {"SERVER_PORT": "\u00b2", "REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "9" * 5000}
    scope = scope_of(InboxEntry("e1", b"{}", variables, URL), {}, {})
    assert (scope["server"][1], scope["client"]) == (80, ("10.0.0.1", 0))
