"""What a WSGI application does after its answer, and where it stands."""

import base64
import gzip
import io
import logging
import threading
import time
from contextlib import contextmanager, suppress
from urllib.parse import parse_qsl, unquote

import pytest
from waitress.server import create_server
from waitress.wasyncore import close_all

from tests.helpers import wait_until
from tests.webhooks.apps import TOKEN, Log, flask_app
from tests.webhooks.driving import EVENT, forged, webhook
from tests.webhooks.serving import ACCOUNT, listening
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.request_validator import RequestValidator
from twilio_fax_compat.testing.webhooks import signed_headers
from twilio_fax_compat.webhooks import WSGIMiddleware


def wrapped(app, telnyx, **options):
    settings = {"auth_token": TOKEN, "account_sid": ACCOUNT, "public_key": telnyx.public_key}
    return WSGIMiddleware(app, **{**settings, "ledger": MemoryLedger(), **options})


@pytest.fixture(name="ledger")
def _ledger(tmp_path):
    ledger = SQLiteLedger(str(tmp_path / "fax.db"))
    yield ledger
    ledger.close()


@contextmanager
def waitress(app):
    """Serve an application with waitress, which closes an empty answer before it sends it."""
    server = create_server(app, host="127.0.0.1", port=0, threads=2)

    def run():
        # Its sockets are closed under it at the end, which waitress has no other way for.
        with suppress(OSError, ValueError):
            server.run()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()
        server.close()
        # Connections whose clients it has not seen leave would keep it running, or stay open.
        close_all(server._map, ignore_all=True)
        thread.join()


@pytest.mark.parametrize("serve", [listening, waitress], ids=["wsgiref", "waitress"])
@pytest.mark.parametrize("inbox", [False, True], ids=["direct", "inbox"])
def test_work_on_close_does_not_delay_the_answer(telnyx, ledger, inbox, serve, caplog):
    """It runs when Telnyx has its answer; its failure is in the log, and nothing is repeated."""
    log, going = Log(), threading.Event()
    app = flask_app(log)

    @app.after_request
    def later(response):
        def work():
            going.wait(20)
            raise RuntimeError("too late")

        response.call_on_close(work)
        return response

    middleware = wrapped(app, telnyx, ledger=ledger, inbox=inbox)
    with serve(middleware) as log.url:
        began = time.monotonic()
        assert forged(log, telnyx, webhook()).status_code == 200
        wait_until(lambda: log.seen and ledger.waiting() == 0)
        assert time.monotonic() - began < 5
        assert "too late" not in caplog.text
        going.set()
        wait_until(lambda: "too late" in caplog.text)
        assert forged(log, telnyx, webhook()).status_code == 200
    middleware.close()

    assert len(log.seen) == 1
    (record,) = [r for r in caplog.records if r.name == "twilio_fax_compat.webhooks"]
    assert "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e" in record.getMessage()


def post(app, telnyx, body, path="/fax/status", **environ):
    """Call an application with a webhook, as a server would, and return what it answered."""
    headers = signed_headers(telnyx._webhook_sender.key, body, telnyx.now)
    names = {"HTTP_" + name.upper().replace("-", "_"): text for name, text in headers.items()}
    answer = []
    chunks = app(
        {
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "",
            "SERVER_NAME": "10.0.0.5", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(), "wsgi.version": (1, 0),
            "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
            "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
            **names, **environ,
        },
        lambda status, *_: answer.append(status),
    )  # fmt: skip
    b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    return answer[0]


def test_answers_are_closed_in_order_and_once(telnyx):
    """Two answers for one event: the second is closed though the first failed at it."""
    closed = []

    class Answer:
        def __init__(self, name, body):
            self.name, self.body = name, body

        def __iter__(self):
            yield self.body

        def close(self):
            closed.append(self.name)
            raise RuntimeError(self.name)

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/xml")])
        path = environ["PATH_INFO"]
        return Answer(path, b'<Response><Receive action="/done"/></Response>')

    body = webhook("fax.received", delivered_to="http://h/fax", direction="inbound")
    assert post(wrapped(app, telnyx), telnyx, body, "/fax") == "200 OK"
    assert closed == ["/fax", "/done"]


def test_a_failure_before_the_end_of_the_answer_counts(telnyx, ledger):
    """An answer that breaks is none, and it is closed."""
    closed = []

    class Broken:
        def __iter__(self):
            yield b""
            raise RuntimeError("half way")

        def close(self):
            closed.append(True)

    def app(_environ, start_response):
        start_response("200 OK", [])
        return Broken()

    middleware = wrapped(app, telnyx, ledger=ledger)
    with pytest.raises(RuntimeError, match="half way"):
        post(middleware, telnyx, webhook())
    assert closed == [True]
    assert ledger.claim("e1", 1) == "new"


class Away:
    """A ledger whose database cannot be reached."""

    def __getattr__(self, name):
        from twilio_fax_compat.ledger import LedgerUnavailable

        def fail(*_, **__):
            raise LedgerUnavailable("SQLite, fax.db: disk I/O error")

        return fail


@pytest.mark.parametrize("inbox", [False, True], ids=["direct", "inbox"])
def test_a_ledger_that_is_away_is_one_line(telnyx, caplog, inbox):
    """Telnyx is asked to come again, and the log says about which fax and why."""
    middleware = wrapped(None, telnyx, ledger=Away(), inbox=inbox)
    middleware.close()
    assert post(middleware, telnyx, webhook()) == "503 Service Unavailable"
    (record,) = [r for r in caplog.records if r.name == "twilio_fax_compat.webhooks"]
    assert "FX6ddd26420dab4bcf9c5f45dd5f0a2d2e" in record.getMessage()
    assert "disk I/O error" in record.getMessage()
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


def test_an_action_with_credentials_gets_them(telnyx):
    """They are sent as a header, and the header of Telnyx's request is not."""
    seen = []

    def app(environ, start_response):
        seen.append((environ["PATH_INFO"], environ.get("HTTP_AUTHORIZATION")))
        start_response("200 OK", [("Content-Type", "text/xml")])
        return [b'<Response><Receive action="http://me:pw@h/done"/></Response>']

    body = webhook("fax.received", delivered_to="http://x:y@h/fax#z", direction="inbound")
    post(wrapped(app, telnyx), telnyx, body, "/fax", HTTP_AUTHORIZATION="Basic came")
    expected = "Basic " + base64.b64encode(b"me:pw").decode()
    assert seen == [("/fax", "Basic came"), ("/done", expected)]


def test_an_empty_action_of_a_get_remembers_no_number(telnyx):
    """The ledger has the URL as it was before the fields of the fax were added to it."""
    seen, ledger = [], MemoryLedger()

    def app(environ, start_response):
        seen.append((environ["REQUEST_METHOD"], environ["QUERY_STRING"].partition("&")[0]))
        start_response("200 OK", [("Content-Type", "text/xml")])
        return [b'<Response><Receive action=""/></Response>']

    middleware = wrapped(app, telnyx, ledger=ledger, incoming_method="GET")
    for number, name in enumerate(("fax.receiving.started", "fax.received")):
        body = webhook(name, str(number), "http://h/fax?t=1", direction="inbound")
        assert post(middleware, telnyx, body, "/fax", QUERY_STRING="t=1") == "200 OK"
        fax = EVENT["data"]["payload"]["fax_id"]
        assert ledger.recall([fax])[fax].action["url"] == "http://h/fax?t=1"
    assert seen == [("GET", "t=1"), ("POST", "t=1")]


@pytest.mark.parametrize(
    "action", ["/dön?n=John Smith", "/dön?n=Ж", "/d%C3%B6n?n=%D0%96", "/dön?n=|"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_action_with_any_characters(telnyx, action, method):
    """The environ is what a server would make of the encoded URL, which is signed."""
    seen = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/xml")])
        if environ["PATH_INFO"] == "/fax":
            return [f'<Response><Receive action="{action}" method="{method}"/></Response>'.encode()]
        seen.append(environ["PATH_INFO"].encode("latin-1").decode())
        url = "http://h/d%C3%B6n?" + environ["QUERY_STRING"]
        assert url.isascii()
        form = dict(parse_qsl(environ["wsgi.input"].read().decode(), keep_blank_values=True))
        signature = environ["HTTP_X_TWILIO_SIGNATURE"]
        seen.append(RequestValidator(TOKEN).validate(url, form, signature))
        seen.append(parse_qsl(environ["QUERY_STRING"])[0][1])
        return [b""]

    body = webhook("fax.received", delivered_to="http://h/fax", direction="inbound")
    assert post(wrapped(app, telnyx), telnyx, body, "/fax") == "200 OK"
    assert seen == ["/dön", True, unquote(action).partition("=")[2]]


@pytest.mark.parametrize(
    ("action", "proxy"),
    [("http://a..b/done", ""), ("http://127.0.0.1:9/done", "socks://127.0.0.1:9")],
)
def test_a_host_that_cannot_be_called_is_logged(telnyx, caplog, monkeypatch, action, proxy):
    """A strange host and a wrong proxy setting are failures to connect, and the event comes again."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    twiml = [f'<Response><Receive action="{action}"/></Response>']

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/xml")])
        return [twiml[0].encode()]

    options = {"direction": "inbound", "media_url": action.replace("done", "document")}
    body = webhook("fax.received", delivered_to="http://h/fax", **options)
    assert post(wrapped(app, telnyx), telnyx, body, "/fax") == "503 Service Unavailable"
    assert "11205: FX6ddd26420dab4bcf9c5f45dd5f0a2d2e: POST http://" in caplog.text
    caplog.clear()

    twiml[0] = '<Response><Receive action="/done" storeMedia="false"/></Response>'
    assert post(wrapped(app, telnyx), telnyx, body, "/fax") == "503 Service Unavailable"
    assert "a document cannot be downloaded: " in caplog.text
    assert action.replace("done", "document") not in caplog.text


def test_a_file_is_read_and_not_left_to_the_server(telnyx):
    """TwiML in a file, which a server would send by its own means."""
    seen = []

    def app(environ, start_response):
        seen.append("wsgi.file_wrapper" in environ)
        start_response("200 OK", [])
        return [b""]

    wrapper = {"wsgi.file_wrapper": io.BytesIO}
    assert post(wrapped(app, telnyx), telnyx, webhook(), **wrapper) == "200 OK"
    assert seen == [False]


def test_an_answer_is_asked_for_whole_and_plain(telnyx):
    """The handler does not see which forms of an answer Telnyx would have taken."""
    seen = []

    def app(environ, start_response):
        seen.append({name: environ.get("HTTP_" + name) for name in (*names, "ACCEPT_LANGUAGE")})
        start_response("200 OK", [])
        return [b""]

    names = ["ACCEPT_ENCODING", "RANGE", "IF_NONE_MATCH", "IF_MODIFIED_SINCE", "EXPECT"]
    names += ["CONTENT_ENCODING", "CONTENT_LENGTH", "TRANSFER_ENCODING"]
    environ = {"HTTP_" + name: "x" for name in (*names, "ACCEPT_LANGUAGE")}
    assert post(wrapped(app, telnyx), telnyx, webhook(), **environ) == "200 OK"
    assert seen == [{**dict.fromkeys(names), "ACCEPT_LANGUAGE": "x"}]


def test_compressed_twiml_is_asked_for_again(telnyx, ledger, caplog):
    """An application that compresses every answer loses no fax: it is logged, and delivered later."""
    seen, encodings = [], ["gzip", "identity"]

    def app(environ, start_response):
        seen.append(environ["PATH_INFO"])
        body = b'<Response><Receive action="/done"/></Response>'
        headers = [("Content-Type", "text/xml")]
        if environ["PATH_INFO"] == "/fax":
            headers.append(("Content-Encoding", encodings.pop(0)))
            body = gzip.compress(body) if len(encodings) else body
        start_response("200 OK", headers)
        return [body]

    middleware = wrapped(app, telnyx, ledger=ledger)
    body = webhook("fax.received", delivered_to="http://h/fax", direction="inbound")
    assert post(middleware, telnyx, body, "/fax") == "503 Service Unavailable"
    assert "12100: FX6ddd26420dab4bcf9c5f45dd5f0a2d2e: the TwiML has a Content-Enc" in caplog.text
    assert post(middleware, telnyx, body, "/fax") == "200 OK"
    assert seen == ["/fax", "/fax", "/done"]
