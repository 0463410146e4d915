"""Runs the application with uvicorn in this process."""

from __future__ import annotations

import signal
import socket
import sys
from typing import Any

import uvicorn
from attrs import field, frozen

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.protocol import KEEP_ALIVE, MAX_HEADERS, FaxProtocol


@frozen
class Options:
    """The TLS options of uvicorn: a certificate, its key, and the password of that."""

    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_keyfile_password: str | None = field(default=None, repr=False)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises TwilioException if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise TwilioException(f"cannot listen on {host}:{port}: {error}") from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(app: Any, listener: socket.socket, options: Options, example: str = "") -> int:
    """
    Serve *app* on *listener* until SIGINT or SIGTERM, finish what is in hand, and return 0.

    When the server is ready, its address is printed, and *example*, in which ``{url}`` is the address.
    """
    host, port = listener.getsockname()[:2]
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    url = ("https://" if options.ssl_certfile else "http://") + authority
    try:
        config = uvicorn.Config(
            app,
            http=FaxProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            h11_max_incomplete_event_size=MAX_HEADERS,
            ssl_certfile=options.ssl_certfile,
            ssl_keyfile=options.ssl_keyfile,
            ssl_keyfile_password=options.ssl_keyfile_password,
        )
        config.load()
    except (OSError, ValueError) as error:
        listener.close()
        raise TwilioException(f"--ssl-certfile, --ssl-keyfile: {error}") from None
    server = _Server(config)
    server.ready_text = f"ready: {url}\n" + (example.format(url=url) + "\n" if example else "")
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal again when it has finished, for the handler that was there before.
        signal.signal(number, lambda *_: None)
    with listener:
        server.run(sockets=[listener])
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    ready_text = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(self.ready_text)
            sys.stdout.flush()
