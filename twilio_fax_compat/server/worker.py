"""
The gunicorn worker of the server: uvicorn's, with the server's HTTP protocol and limits.

``gunicorn -k twilio_fax_compat.server.worker.FaxWorker 'twilio_fax_compat.server:create_app()'``
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from twilio_fax_compat.server.protocol import KEEP_ALIVE, MAX_HEADERS, FaxProtocol

if TYPE_CHECKING:
    UvicornWorker: Any
else:
    try:
        from uvicorn_worker import UvicornWorker
    except ImportError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from uvicorn.workers import UvicornWorker


class FaxWorker(UvicornWorker):  # type: ignore[misc]
    """Serves the application in one of gunicorn's processes."""

    CONFIG_KWARGS = {  # noqa: RUF012 - as in uvicorn's class
        "http": FaxProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "h11_max_incomplete_event_size": MAX_HEADERS,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.config.timeout_keep_alive = KEEP_ALIVE
