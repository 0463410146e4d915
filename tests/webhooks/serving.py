"""Applications served over real HTTP, wrapped in the middleware."""

import contextlib
import threading
import time
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import uvicorn

from tests.webhooks import apps
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware

ACCOUNT = "AC00000000000000000000000000000001"
FRAMEWORKS = {"flask": apps.flask_app, "django": apps.django_app, "starlette": apps.starlette_app}


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args):
        pass


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def served(framework, public_key, **options):
    """Serve an application and yield its origin and what it saw."""
    log = apps.Log()
    app = FRAMEWORKS[framework](log)
    options = {
        "auth_token": apps.TOKEN,
        "account_sid": ACCOUNT,
        "public_key": public_key,
        "ledger": MemoryLedger(),
        **options,
    }
    if framework == "starlette":
        middleware = log.middleware = ASGIMiddleware(app, **options)
        with asgi_listening(middleware) as origin:
            yield origin, log
        return
    middleware = log.middleware = WSGIMiddleware(app, **options)
    try:
        with listening(middleware) as origin:
            yield origin, log
    finally:
        middleware.close()


@contextlib.contextmanager
def asgi_listening(app):
    """Serve an ASGI application and yield its origin."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def listening(wsgi):
    """Serve a WSGI application and yield its origin."""
    server = make_server("127.0.0.1", 0, wsgi, server_class=_Server, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
