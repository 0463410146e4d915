"""The ASGI application of the server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import AsyncIterator

from starlette.applications import Starlette

from twilio_fax_compat.ledger._opening import chosen_ledger
from twilio_fax_compat.server.callbacks import Callbacks
from twilio_fax_compat.server.config import ServerConfig
from twilio_fax_compat.server.environment import config_of


def create_app(config: ServerConfig | None = None) -> Starlette:
    """
    Return the server's ASGI application, with *config* or the settings of the environment.

    Raises TwilioException if a setting is missing or wrong.
    """
    config = config_of() if config is None else config
    ledger = chosen_ledger(config.ledger, {})
    callbacks = Callbacks(config, ledger)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await callbacks.start()
        try:
            yield
        finally:
            await callbacks.stop()

    return Starlette(routes=[*callbacks.routes()], lifespan=lifespan)
