"""
Middleware that turns Telnyx's fax webhooks into the Twilio callbacks an application was written for.

``WSGIMiddleware(app)`` and ``ASGIMiddleware(app)`` wrap it; everything that is no Telnyx fax webhook
passes through untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.webhooks.asgi import ASGIMiddleware
    from twilio_fax_compat.webhooks.media import Media
    from twilio_fax_compat.webhooks.wsgi import WSGIMiddleware

__all__ = ["ASGIMiddleware", "Media", "WSGIMiddleware"]

_HOMES = {"ASGIMiddleware": "asgi", "Media": "media", "WSGIMiddleware": "wsgi"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "nacl":
            raise
        raise ImportError(
            "the webhooks need PyNaCl: pip install 'twilio-fax-compat[webhooks]'"
        ) from missing
