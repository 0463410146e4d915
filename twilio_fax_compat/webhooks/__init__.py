"""
Middleware that turns Telnyx's fax webhooks into the Twilio callbacks an application was written for.

``WSGIMiddleware(app)`` and ``ASGIMiddleware(app)`` wrap the application. Every other request passes
through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twilio_fax_compat._core.lazy import lazy_names

if TYPE_CHECKING:
    from twilio_fax_compat.webhooks._catch_up import CatchUp, CaughtUpEvent, catch_up
    from twilio_fax_compat.webhooks.asgi import ASGIMiddleware
    from twilio_fax_compat.webhooks.media import Media
    from twilio_fax_compat.webhooks.wsgi import WSGIMiddleware

__all__ = [
    "ASGIMiddleware",
    "CatchUp",
    "CaughtUpEvent",
    "Media",
    "WSGIMiddleware",
    "catch_up",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ASGIMiddleware": "twilio_fax_compat.webhooks.asgi",
        "CatchUp": "twilio_fax_compat.webhooks._catch_up",
        "CaughtUpEvent": "twilio_fax_compat.webhooks._catch_up",
        "Media": "twilio_fax_compat.webhooks.media",
        "WSGIMiddleware": "twilio_fax_compat.webhooks.wsgi",
        "catch_up": "twilio_fax_compat.webhooks._catch_up",
    },
    extra=("webhooks", "the webhook middleware"),
)
