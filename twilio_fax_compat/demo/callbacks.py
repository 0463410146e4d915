"""Run the legacy Flask app behind the middleware, with webhooks from the emulator."""

from __future__ import annotations

import contextlib
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Iterator, Mapping
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from twilio_fax_compat.demo.timeline import Timeline, delivery_line, show_changes
from twilio_fax_compat.rest import Client
from twilio_fax_compat.webhooks import WSGIMiddleware

APP = Path(__file__).with_name("legacy_app.py")
CHANGES: Mapping[str, str] = {
    "from twilio.request_validator import": "from twilio_fax_compat.request_validator import",
    "from twilio.twiml.fax_response import": "from twilio_fax_compat.twiml.fax_response import",
}


def show_callbacks(telnyx: Any, environ: Mapping[str, str]) -> None:
    """Let the app receive a fax, and get the callbacks of a fax that was sent."""
    show_changes(APP, CHANGES, "app.wsgi_app = WSGIMiddleware(app.wsgi_app)")
    printed = len(telnyx.deliveries)

    def drain() -> Iterator[str]:
        nonlocal printed
        for delivery in telnyx.deliveries[printed:]:
            printed += 1
            yield delivery_line(delivery)

    timeline = Timeline(drain)
    timeline.head("the app, written for Twilio", "webhooks from Telnyx")
    app = timeline.run(APP, CHANGES, environ)["app"]
    app.wsgi_app = WSGIMiddleware(
        app.wsgi_app, environ={**environ, "TELNYX_PUBLIC_KEY": telnyx.public_key}
    )
    with _served(app) as origin:
        telnyx.webhook_url = origin + "/fax"
        timeline.program_prints("(a fax arrives)")
        telnyx.receive("+15005550002", environ["FAX_FROM"], pages=3)
        telnyx.settle()
        telnyx.flush_webhooks()
        timeline.program_prints("(a fax is sent, with status_callback)")
        Client(environment={**environ}).fax.faxes.create(
            to=environ["FAX_TO"],
            from_=environ["FAX_FROM"],
            media_url=environ["FAX_MEDIA_URL"],
            status_callback=origin + "/fax/status",
        )
        telnyx.settle()
        telnyx.flush_webhooks()
        timeline.show_wire()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def _served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, server_class=_Server, handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
