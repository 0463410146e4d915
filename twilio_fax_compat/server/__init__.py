"""
A server with Twilio's fax REST API, answered by Telnyx, for programs in every language.

https://www.twilio.com/docs/fax/api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat.server.accounts import Account
    from twilio_fax_compat.server.app import create_app
    from twilio_fax_compat.server.config import ServerConfig

__all__ = ["Account", "ServerConfig", "create_app"]

_HOMES = {"Account": "accounts", "ServerConfig": "config", "create_app": "app"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith(__name__.partition(".")[0]):
            raise
        raise ImportError(
            f"the server needs {missing.name}: pip install 'twilio-fax-compat[server]'"
        ) from missing
