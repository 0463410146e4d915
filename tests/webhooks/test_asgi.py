"""The frameworks of ASGI, over a real server: each gets a real request."""

import asyncio
import gc
import sqlite3
import threading
import time
import uuid
from contextlib import closing

import httpx
import pytest
from starlette.middleware.gzip import GZipMiddleware

from tests.helpers import wait_until
from tests.webhooks.apps import TOKEN, Log
from tests.webhooks.asgi_apps import APPS, fastapi_app, starlette_app
from tests.webhooks.driving import forged, inbound, webhook
from tests.webhooks.serving import ACCOUNT, asgi_listening
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.testing import faults
from twilio_fax_compat.testing.webhooks import signed_headers
from twilio_fax_compat.webhooks import ASGIMiddleware, Media, asgi

pytestmark = pytest.mark.filterwarnings(
    "ignore:status_callback",
    "ignore::DeprecationWarning:(quart|litestar|fastapi|hypercorn).*",
    "ignore:StreamingHttpResponse",
)


def wrapped(app, telnyx, **options):
    settings = {"auth_token": TOKEN, "account_sid": ACCOUNT, "public_key": telnyx.public_key}
    return ASGIMiddleware(app, **{**settings, "ledger": MemoryLedger(), **options})


@pytest.fixture(name="ledger")
def _ledger(tmp_path):
    ledger = SQLiteLedger(str(tmp_path / "fax.db"))
    yield ledger
    ledger.close()


@pytest.mark.parametrize("inbox", [False, True], ids=["direct", "inbox"])
@pytest.mark.parametrize("name", APPS)
def test_callbacks_and_streamed_twiml(name, inbox, telnyx, ledger):
    """A status callback, a streamed answer of TwiML and its action arrive once each."""
    log = Log()
    app = wrapped(APPS[name](log), telnyx, ledger=ledger, inbox=inbox)
    incoming = {"direction": "inbound", "fax_id": "0" * 8 + "-0dab-4bcf-9c5f-45dd5f0a2d2e"}
    with asgi_listening(app) as log.url:
        for event, path, payload in (
            ("fax.delivered", "/fax/status", {}),
            ("fax.receiving.started", "/fax", incoming),
            ("fax.received", "/fax", incoming),
        ):
            body = webhook(event, event, log.url + path, **payload)
            assert forged(log, telnyx, body, path=path).status_code == 200
            wait_until(lambda: ledger.waiting() == 0)

    # Django has no lifespan that would stop the threads.
    app.close()
    assert log.paths == ["/fax/status", "/fax", "/fax/received"]
    assert log.statuses_told == ["delivered", None, "received"]
    assert log.seen[-1][2]["FaxSid"] == "FX000000000dab4bcf9c5f45dd5f0a2d2e"


@pytest.mark.parametrize("inbox", [False, True], ids=["direct", "inbox"])
def test_the_client_is_there_until_the_answer_is(telnyx, ledger, inbox):
    """``is_disconnected`` is False, the scope is the server's, and the request has its app."""
    log = Log()
    app = fastapi_app(log)
    settings = {"auth_token": TOKEN, "account_sid": ACCOUNT, "public_key": telnyx.public_key}
    app.add_middleware(ASGIMiddleware, **settings, ledger=ledger, inbox=inbox)
    with asgi_listening(app) as log.url:
        headers = {"authorization": "Basic abc", "cookie": "a=1; b=2"}
        assert forged(log, telnyx, webhook(), **headers).status_code == 200
        wait_until(lambda: log.seen and hasattr(log, "scope"))

    assert log.disconnected is False
    assert log.scope["app"] is app
    assert log.scope["http_version"] == "1.1"
    assert log.scope["asgi"]["version"] == "3.0"
    sent = dict(log.scope["headers"])
    assert (sent[b"authorization"], sent[b"cookie"]) == (b"Basic abc", b"a=1; b=2")
    assert sent[b"content-type"] == b"application/x-www-form-urlencoded"
    assert not any(name.startswith(b"telnyx-") for name in sent)


def test_parts_of_the_scope_are_the_servers(telnyx):
    """Extensions, state and what nobody knows are kept; a file is not sent past us."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        assert await receive() == {"type": "http.disconnect"}

    pool = object()
    scope = {
        "extensions": {"tls": {"x": 1}, "http.response.pathsend": {}},
        "state": {"pool": pool},
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "2",
        "vendor": pool,
    }
    assert asyncio.run(call(wrapped(app, telnyx), telnyx, scope))[0]["status"] == 200
    assert seen[0]["extensions"] == {"tls": {"x": 1}}
    assert seen[0]["state"] == {"pool": pool}
    assert seen[0]["vendor"] is pool
    assert (seen[0]["asgi"], seen[0]["http_version"]) == (scope["asgi"], "2")


@pytest.mark.parametrize("size", [10, 2000], ids=["small", "compressible"])
def test_an_answer_is_asked_for_plain(telnyx, size):
    """Telnyx accepts gzip, and a middleware of the application could compress the TwiML."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["path"])
        twiml = f'<Response><Receive action="/done?x={"y" * size}"/></Response>'
        headers = [(b"content-type", b"text/xml"), (b"content-length", b"%d" % len(twiml))]
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": twiml.encode()})

    names = {b"accept-encoding": b"gzip", b"range": b"bytes=0-9", b"if-none-match": b'"x"'}

    async def main():
        body = webhook("fax.received", direction="inbound")
        sent = signed_headers(telnyx._webhook_sender.key, body, telnyx.now)
        headers = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
        scope = {"headers": [(b"host", b"h"), *headers, *names.items()]}
        inner = GZipMiddleware(app, minimum_size=100)
        return await call(wrapped(inner, telnyx), telnyx, scope, body, "/fax")

    assert asyncio.run(main())[0]["status"] == 200
    assert seen == ["/fax", "/done"]


async def call(middleware, telnyx, scope=None, body=None, path="/fax/status"):
    """Call a middleware with a webhook and return what it sends."""
    body, sent, gone = body or webhook(), [], asyncio.Event()
    messages = [{"type": "http.request", "body": body}]
    headers = signed_headers(telnyx._webhook_sender.key, body, telnyx.now)

    async def receive():
        if not messages:
            await gone.wait()
        return messages.pop()

    async def send(message):
        sent.append(message)

    base = {"type": "http", "method": "POST", "path": path, "query_string": b"", "scheme": "http"}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await middleware({**base, "headers": [(b"host", b"h"), *raw], **(scope or {})}, receive, send)
    return sent


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"type": "http.response.start", "status": 200}],
        [
            {"type": "http.response.start", "status": 200},
            {"type": "http.response.body", "body": b"", "more_body": True},
        ],
    ],
    ids=["nothing", "no body", "half a body"],
)
def test_half_an_answer_is_none(telnyx, messages):
    """An application that ends without a whole answer is called again."""

    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    assert asyncio.run(call(wrapped(app, telnyx), telnyx))[0]["status"] == 503


def test_a_delivery_goes_on_after_its_request_was_cancelled(telnyx, ledger, caplog):
    """A timeout outside answers Telnyx. The handler ends, the event is done, and nothing is locked."""
    ended = []

    async def app(scope, receive, send):
        await asyncio.sleep(0.3)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        await asyncio.sleep(0.3)
        ended.append(True)

    middleware = wrapped(app, telnyx, ledger=ledger)

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call(middleware, telnyx), 0.1)
        assert (await call(middleware, telnyx))[0]["status"] == 503
        gc.collect()
        await asyncio.sleep(1)
        assert ended == [True]
        assert (await call(middleware, telnyx))[0]["status"] == 200

    asyncio.run(main())
    assert ended == [True]
    assert not middleware._receiver.keeper._held
    assert "fail" not in caplog.text


def test_a_failure_after_its_request_was_cancelled_is_logged(telnyx, caplog):
    async def app(scope, receive, send):
        await asyncio.sleep(0.2)
        raise RuntimeError("a bug in the application")

    middleware = wrapped(app, telnyx)

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call(middleware, telnyx), 0.1)
        await asyncio.sleep(0.4)

    asyncio.run(main())
    assert "after the request of its event had been cancelled" in caplog.text
    assert not middleware._receiver.keeper._held


@pytest.mark.parametrize("ends", ["request", "loop"])
def test_a_lock_that_is_taken_after_a_cancel_is_released(telnyx, tmp_path, ends):
    """The ledger takes the lock while nobody waits for it any more."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with closing(SQLiteLedger(tmp_path / "ledger.db")) as ledger:
        ledger.check()
        middleware = wrapped(app, telnyx, ledger=ledger)
        other = sqlite3.connect(
            tmp_path / "ledger.db", isolation_level=None, check_same_thread=False
        )
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.6, other.execute, ["ROLLBACK"])
        timer.start()

        async def cancelled():
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(call(middleware, telnyx), 0.2)
            if ends == "request":
                await asyncio.sleep(1.5)

        asyncio.run(cancelled())
        timer.join()
        other.close()
        assert len(seen) == (ends == "request")
        assert not middleware._receiver.keeper._held
        assert asyncio.run(call(middleware, telnyx))[0]["status"] == 200
        assert len(seen) == 1


@pytest.mark.parametrize("inbox", [False, True], ids=["direct", "inbox"])
def test_a_locked_ledger_leaves_the_programs_threads_alone(telnyx, tmp_path, inbox):
    """``asyncio.to_thread`` and names of hosts do not wait for it."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with closing(SQLiteLedger(str(tmp_path / "ledger.db"))) as ledger:
        ledger.check()
        middleware = wrapped(app, telnyx, ledger=ledger, inbox=inbox)

        async def main():
            loop = asyncio.get_running_loop()
            other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            bodies = [webhook(event_id=str(n), fax_id=str(uuid.uuid4())) for n in range(40)]
            tasks = [asyncio.ensure_future(call(middleware, telnyx, body=b)) for b in bodies]
            await asyncio.sleep(0.3)
            began = time.monotonic()
            await loop.run_in_executor(None, time.sleep, 0)
            took = time.monotonic() - began
            assert not any(task.done() for task in tasks)
            other.execute("ROLLBACK")
            other.close()
            statuses = {(await task)[0]["status"] for task in tasks}
            await loop.run_in_executor(None, middleware.close)
            return took, statuses

        took, statuses = asyncio.run(main())
    assert took < 0.25
    assert statuses == {200}


def test_a_handler_is_cancelled_when_its_loop_ends(telnyx):
    """Then its fax is unlocked."""
    ended = []

    async def app(scope, receive, send):
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(True)

    middleware = wrapped(app, telnyx)

    async def main():
        task = asyncio.ensure_future(call(middleware, telnyx))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(main())
    assert ended == [True]
    assert not middleware._receiver.keeper._held


@pytest.mark.parametrize("inbox", [False, True], ids=["direct", "inbox"])
def test_background_work_does_not_delay_the_answer(telnyx, ledger, inbox, caplog):
    """Telnyx has its 200 while the task runs; a task that fails is in the log, and that is all."""
    log, going, ended = Log(), threading.Event(), threading.Event()

    def afterwards():
        going.wait(20)
        ended.set()
        raise RuntimeError("too late")

    log.afterwards = afterwards
    with asgi_listening(wrapped(starlette_app(log), telnyx, ledger=ledger, inbox=inbox)) as log.url:
        body = webhook()
        began = time.monotonic()
        assert forged(log, telnyx, body).status_code == 200
        wait_until(lambda: log.seen and ledger.waiting() == 0)
        assert time.monotonic() - began < 5
        assert not ended.is_set()
        going.set()
        wait_until(ended.is_set)
        wait_until(lambda: "too late" in caplog.text)
        assert forged(log, telnyx, body).status_code == 200

    assert len(log.seen) == 1
    (record,) = [r for r in caplog.records if r.name == "twilio_fax_compat.webhooks"]
    assert "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e" in record.getMessage()
    assert record.exc_info is not None


def test_links_do_not_hold_up_webhooks(telnyx, monkeypatch):
    """While Telnyx does not answer, links give up soon, and webhooks are answered as ever."""
    monkeypatch.setattr(asgi, "LINK_DEADLINE", 1.5)
    log = Log()
    media = Media(telnyx=TelnyxSettings(timeout=1).completed(telnyx.environ))
    with asgi_listening(wrapped(starlette_app(log), telnyx, media=media)) as log.url:
        inbound(log, telnyx)
        link = log.seen[-1][2]["MediaUrl"]
        telnyx.inject(faults.delay(30), path="/v2/faxes/*", times=None)
        statuses = []

        def follow():
            statuses.append(httpx.get(link, timeout=20).status_code)

        threads = [threading.Thread(target=follow) for _ in range(24)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        assert forged(log, telnyx, webhook()).status_code == 200
        assert len(statuses) < 24, "the webhook waited for the links"
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < 10
        exchanges = [e for e in telnyx.journal if e.fault]

    # Those that found no thread in time gave up, and none asked Telnyx twice.
    assert set(statuses) == {502, 504}
    assert len(statuses) == 24
    assert len(exchanges) <= statuses.count(502) + 8
