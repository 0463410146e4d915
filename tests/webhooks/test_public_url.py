"""Signatures, relative actions and links to documents follow from the URL that the world calls."""

from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from tests.webhooks.apps import RECEIVE, TOKEN, Log, flask_app, starlette_app
from tests.webhooks.driving import forged, webhook
from tests.webhooks.serving import ACCOUNT, asgi_listening, listening
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.webhooks import ASGIMiddleware, Media, WSGIMiddleware

PROXIED = {"x-forwarded-proto": "https", "x-forwarded-host": "app.example.com"}
FAXES = ["0" * 8 + "-0dab-4bcf-9c5f-45dd5f0a2d2e", "1" * 8 + "-0dab-4bcf-9c5f-45dd5f0a2d2e"]
INCOMING = {"direction": "inbound", "media_url": "https://telnyx.example/x"}


def options(telnyx, **more):
    keys = {"auth_token": TOKEN, "account_sid": ACCOUNT, "public_key": telnyx.public_key}
    return {**keys, "ledger": MemoryLedger(), **more}


def media(telnyx, **more):
    return Media(telnyx=TelnyxSettings().completed(telnyx.environ), **more)


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize("delivered_to", ["https://app.example.com/fax/status?x=1", None])
def test_behind_a_tls_proxy(telnyx, inside, delivered_to):
    """The handler validates, whichever middleware is the outer one, and whether Telnyx says its URL."""
    log = Log()
    app = flask_app(log)
    if inside:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1)
    served = WSGIMiddleware(app.wsgi_app, **options(telnyx))
    if not inside:
        served = ProxyFix(served, x_proto=1, x_host=1)
    with listening(served) as log.url:
        body = webhook(delivered_to=delivered_to)
        assert forged(log, telnyx, body, path="/fax/status?x=1", **PROXIED).status_code == 200
    assert [valid for *_, valid in log.seen] == [True]


def test_a_proxy_that_says_nothing_needs_the_setting(telnyx):
    """The environment variable is the URL that the handler is configured with."""
    log = Log()
    app = flask_app(log)

    def public(environ, start_response):
        return app(
            {**environ, "wsgi.url_scheme": "https", "HTTP_HOST": "app.example.com"}, start_response
        )

    environ = {"TWILIO_FAX_COMPAT_PUBLIC_URL": "https://app.example.com/"}
    middleware = WSGIMiddleware(public, **options(telnyx, environ=environ))
    with listening(middleware) as log.url:
        for number, url in enumerate([None, "https://relay.example/hook/77"]):
            body = webhook(event_id=str(number), delivered_to=url, fax_id=FAXES[number])
            assert forged(log, telnyx, body).status_code == 200
    assert [valid for *_, valid in log.seen] == [True, True]


def test_headers_that_are_not_trusted_are_not_read(telnyx):
    """An application whose proxy sets none of them says so."""
    log = Log()
    app = flask_app(log)
    middleware = WSGIMiddleware(app.wsgi_app, **options(telnyx, forwarded_headers=()))
    with listening(middleware) as log.url:
        assert forged(log, telnyx, webhook(), **PROXIED).status_code == 200
    assert [valid for *_, valid in log.seen] == [True]


@pytest.mark.parametrize("middleware", [WSGIMiddleware, ASGIMiddleware])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"public_url": "app.example.com"}, "TWILIO_FAX_COMPAT_PUBLIC_URL"),
        ({"public_url": "https://u:secret@app.example.com"}, "TWILIO_FAX_COMPAT_PUBLIC_URL"),
        ({"environ": {"TWILIO_FAX_COMPAT_PUBLIC_URL": "x"}}, "TWILIO_FAX_COMPAT_PUBLIC_URL"),
        ({"forwarded_headers": ["x-real-ip"]}, "x-real-ip"),
    ],
)
def test_wrong_settings_are_an_error_at_once(middleware, telnyx, wrong, message):
    with pytest.raises(TwilioException, match=message) as caught:
        middleware(None, **options(telnyx, **wrong))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("middleware", [WSGIMiddleware, ASGIMiddleware])
@pytest.mark.parametrize("inbox", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/fax.db",
        "sqlite:///{}/text",
        "postgresql://me:secret@127.0.0.1:1/fax",
    ],
    ids=["no folder", "not a database", "no server"],
)
def test_a_ledger_that_cannot_be_opened_is_an_error_at_once(
    middleware, telnyx, inbox, url, tmp_path
):
    """The application does not start, rather than to refuse each webhook."""
    (tmp_path / "text").write_text("not a database" * 100)
    url = url.format(tmp_path)
    for given in (
        {"ledger": url},
        {"ledger": None, "environ": {"TWILIO_FAX_COMPAT_LEDGER": url}},
    ):
        with pytest.raises(TwilioException, match=r"TWILIO_FAX_COMPAT_LEDGER") as caught:
            middleware(None, **options(telnyx, inbox=inbox, **given))
        assert "secret" not in str(caught.value)


def wsgi_mounted(app, telnyx, **settings):
    inner = WSGIMiddleware(app.wsgi_app, **options(telnyx, **settings))
    return DispatcherMiddleware(Response("outside", 404), {"/prod": inner})


def wsgi_stripped(app, telnyx, **settings):
    inner = WSGIMiddleware(app.wsgi_app, **options(telnyx, **settings))

    def proxy(environ, start_response):
        if not environ["PATH_INFO"].startswith("/prod/"):
            return Response("outside", 404)(environ, start_response)
        return inner({**environ, "PATH_INFO": environ["PATH_INFO"][5:]}, start_response)

    return proxy


def asgi_mounted(app, telnyx, **settings):
    inner = ASGIMiddleware(app, **options(telnyx, **settings))
    return Starlette(routes=[Mount("/prod", app=inner)])


def asgi_stripped(app, telnyx, **settings):
    inner = ASGIMiddleware(app, **options(telnyx, **settings))

    async def proxy(scope, receive, send):
        if scope["type"] == "http":
            assert scope["path"].startswith("/prod/")
            path = scope["path"][5:]
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await inner(scope, receive, send)

    return proxy


def asgi_root_path(app, telnyx, **settings):
    """As a gateway's adapter has it: the stage is the root, and not in the path."""
    inner = asgi_stripped(app, telnyx, **settings)

    async def gateway(scope, receive, send):
        await inner({**scope, "root_path": "/prod"}, receive, send)

    return gateway


@pytest.mark.parametrize("path", ["/twilio-fax-media", "/prod/files"])
@pytest.mark.parametrize(
    "place", [wsgi_mounted, wsgi_stripped, asgi_mounted, asgi_stripped, asgi_root_path]
)
def test_below_a_path(telnyx, place, path):
    """A relative action and the document's link lie below it, and are served there."""
    log = Log()
    log.twiml = RECEIVE.replace("/fax/received", "fax/received")
    is_wsgi = place.__name__.startswith("wsgi")
    app = flask_app(log) if is_wsgi else starlette_app(log)
    fax = telnyx.receive("+15005550002", "+15005550006", document=b"%PDF-mine")
    telnyx.settle()
    serve = listening if is_wsgi else asgi_listening
    with serve(place(app, telnyx, media=media(telnyx, path=path))) as log.url:
        body = webhook("fax.received", delivered_to=log.url + "/prod/fax", fax_id=fax, **INCOMING)
        assert forged(log, telnyx, body, path="/prod/fax").status_code == 200
        link = log.seen[1][2]["MediaUrl"]
        assert urlsplit(link).path.startswith(f"/prod{path}/FX")
        assert httpx.get(link, follow_redirects=True).content == b"%PDF-mine"

    assert [path.replace("/prod", "") for path in log.paths] == ["/fax", "/fax/received"]


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_gateway_that_leaves_its_stage_in_the_path(telnyx, kind):
    """The setting says where the application begins."""
    log = Log()
    log.twiml = RECEIVE.replace("/fax/received", "/prod/fax/received")
    app = flask_app(log) if kind == "wsgi" else starlette_app(log)

    def wsgi(environ, start_response):
        assert environ["PATH_INFO"].startswith("/prod/")
        return app({**environ, "PATH_INFO": environ["PATH_INFO"][5:]}, start_response)

    async def asgi(scope, receive, send):
        if scope["type"] == "http":
            assert scope["path"].startswith("/prod/")
            scope = {**scope, "path": scope["path"][5:]}
        await app(scope, receive, send)

    fax = telnyx.receive("+15005550002", "+15005550006", document=b"%PDF-mine")
    telnyx.settle()
    setting = "https://stage.example/prod"
    settings = options(telnyx, media=media(telnyx), public_url=setting)
    served = (
        listening(WSGIMiddleware(wsgi, **settings))
        if kind == "wsgi"
        else asgi_listening(ASGIMiddleware(asgi, **settings))
    )
    with served as log.url:
        body = webhook("fax.received", fax_id=fax, **INCOMING)
        assert forged(log, telnyx, body, path="/prod/fax").status_code == 200
        link = log.seen[1][2]["MediaUrl"]
        assert link.startswith(setting + "/twilio-fax-media/FX")
        answer = httpx.get(link.replace("https://stage.example", log.url), follow_redirects=True)
        assert answer.content == b"%PDF-mine"
    assert log.paths == ["/fax", "/fax/received"]
