"""The ASGI application of the server."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import AsyncIterator, Mapping

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twilio_fax_compat._core.messages import TwilioResponse
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger, LedgerUnavailable
from twilio_fax_compat.ledger._opening import chosen_ledger
from twilio_fax_compat.migration._routed_api import rollout_of
from twilio_fax_compat.server.accounts import AccountTable
from twilio_fax_compat.server.answers import encoded, http_problem
from twilio_fax_compat.server.apis import TelnyxApi
from twilio_fax_compat.server.callbacks import Callbacks
from twilio_fax_compat.server.config import ServerConfig
from twilio_fax_compat.server.creates import Creates
from twilio_fax_compat.server.environment import config_of
from twilio_fax_compat.server.faxes import FaxesEndpoint
from twilio_fax_compat.server.health import Health
from twilio_fax_compat.server.logs import log_request, without_queries
from twilio_fax_compat.server.metrics import Metrics
from twilio_fax_compat.server.orders import Orders
from twilio_fax_compat.server.origins import Origins
from twilio_fax_compat.server.routed import RoutedApi
from twilio_fax_compat.server.telnyx_http import TelnyxHttp
from twilio_fax_compat.server.threads import Threads

logger = logging.getLogger("twilio_fax_compat.server")


def create_app(config: ServerConfig | None = None) -> Starlette:
    """
    Return the server's ASGI application, with *config* or the settings of the environment.

    Raises TwilioException if a setting is missing or wrong, or if the ledger cannot be opened.
    """
    config = config_of() if config is None else config
    ledger = _ledger_of(config)
    threads, metrics = Threads(ledger), Metrics(ledger)
    telnyx = {
        account.sid: TelnyxHttp(account.telnyx, metrics.telnyx)
        for account in config.accounts
        if account.has_telnyx
    }
    legacy = httpx.Client(timeout=httpx.Timeout(30.0, connect=5.0)) if config.legacy_url else None
    apis = _apis(config, threads, telnyx, legacy)
    creates = Creates(Orders(ledger), threads)
    callbacks = Callbacks(config, ledger)
    health = Health(threads, telnyx, metrics)

    def answered(
        route: str, method: str, status: int, seconds: float, answer: TwilioResponse
    ) -> None:
        metrics.request(route, method, status, seconds, answer)
        log_request(route, method, status, seconds, answer)

    endpoint = FaxesEndpoint(
        AccountTable.of(config.accounts),
        apis,
        creates,
        callbacks,
        Origins(config.public_url, config.trusted_proxies),
        config.max_body,
        config.read_timeout,
        answered,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        without_queries()
        await callbacks.start()
        try:
            yield
        finally:
            await creates.finish()
            await callbacks.stop()
            for http in telnyx.values():
                await http.close()
            if legacy is not None:
                legacy.close()
            threads.close()

    app = Starlette(
        routes=[
            *health.routes(),
            *callbacks.routes(),
            Route("/v1/{path:path}", endpoint),
            Route("/Faxes", endpoint),
            Route("/Faxes/{path:path}", endpoint),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        lifespan=lifespan,
    )
    # No SDK follows a redirect: all take it for an answer.
    app.router.redirect_slashes = False
    return app


def _apis(
    config: ServerConfig,
    threads: Threads,
    telnyx: Mapping[str, TelnyxHttp],
    legacy: httpx.Client | None,
) -> dict[str, TelnyxApi | RoutedApi]:
    apis: dict[str, TelnyxApi | RoutedApi] = {}
    rollout = rollout_of(config.rollout, {}) if legacy is not None else None
    for account in config.accounts:
        api = apis[account.sid] = TelnyxApi(account, threads, telnyx.get(account.sid))
        if legacy is not None and rollout is not None and config.legacy_url:
            apis[account.sid] = RoutedApi(api, rollout, config.legacy_url, legacy)
    return apis


def _ledger_of(config: ServerConfig) -> Ledger:
    ledger = chosen_ledger(config.ledger, {})
    try:
        ledger.check()
    except LedgerUnavailable as error:
        raise TwilioException(
            f"the ledger cannot be opened: {error}. Check --ledger or TWILIO_FAX_COMPAT_LEDGER"
        ) from error
    return ledger


async def _refused(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    body = encoded(http_problem(status).payload or {})
    return Response(body, status, {"content-type": "application/json"})


async def _failed(_request: Request, _error: Exception) -> Response:
    body = encoded(http_problem(500).payload or {})
    return Response(body, 500, {"content-type": "application/json"})
