"""Twilio's REST client, whose faxes go through Telnyx."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Mapping, MutableMapping
from urllib.parse import urlsplit, urlunsplit

from twilio_fax_compat._preload import ASYNC, modules_for, no_fork, preload
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http.http_client import TwilioHttpClient, is_untouched
from twilio_fax_compat.http.response import response_to

if TYPE_CHECKING:
    from twilio_fax_compat._core.translation.media_links import Documents
    from twilio_fax_compat._telnyx.api import FaxApi
    from twilio_fax_compat._telnyx.async_api import AsyncFaxApi
    from twilio_fax_compat.ledger import Ledger
    from twilio_fax_compat.migration._async_routed_api import AsyncRoutedFaxApi
    from twilio_fax_compat.migration._routed_api import RoutedFaxApi
    from twilio_fax_compat.rest.fax import Fax
    from twilio_fax_compat.settings import TelnyxSettings

__all__ = ["Client"]

FAX_URL = re.compile(r"https?://fax(\.[a-z0-9-]+){0,2}\.twilio\.com(:\d+)?(/|$)", re.IGNORECASE)
"""The URLs of Twilio's fax API, in every region."""


class Client:
    """
    A client of Twilio's API (https://www.twilio.com/docs/fax/api) whose faxes go through Telnyx.

    Every other product goes through the installed ``twilio`` package. Its client is made at the
    first use, with the same arguments.
    """

    def __init__(
        self,
        username: str | None = None,
        password: str | None = None,
        account_sid: str | None = None,
        region: str | None = None,
        http_client: Any = None,
        environment: MutableMapping[str, str] | None = None,
        edge: str | None = None,
        user_agent_extensions: list[str] | None = None,
        credential_provider: Any = None,
        *,
        telnyx: TelnyxSettings | None = None,
        ledger: Ledger | str | None = None,
        media_host: str | None = None,
        legacy: Any = None,
        rollout: Any = None,
    ) -> None:
        """
        Take Twilio's arguments, then ours.

        *username* and *password* are Twilio's credentials, by default ``TWILIO_ACCOUNT_SID`` and
        ``TWILIO_AUTH_TOKEN`` in *environment*, which is ``os.environ`` by default. *http_client* is
        an ``httpx.Client``, or an object with the ``request`` method of Twilio's HTTP clients. For the
        ``_async`` methods it is an ``httpx.AsyncClient``, or an object whose ``request`` is a coroutine
        function; without one, both kinds of calls work.
        *telnyx* says how to reach Telnyx. Its missing settings are read from *environment* at the
        first fax call. *ledger*, or its URL (``TWILIO_FAX_COMPAT_LEDGER``), keeps the data of a fax
        that Telnyx does not keep, by default in the memory of this process. *media_host*
        (``TWILIO_FAX_COMPAT_MEDIA_HOST``), such as ``https://app.example.com``, is where an
        application serves documents with our webhook middleware. Each ``media_url`` is a link to it.

        *legacy* is another client with Twilio's methods. *rollout* decides which faxes it sends, and
        which go through Telnyx: a stage, a flag or a ``migration.Rollout``. The default flag is
        ``TWILIO_FAX_COMPAT_ROLLOUT``, and the default legacy client is that of the installed
        ``twilio``.

        Raises TwilioException if the Twilio credentials are missing.
        """
        environ = environment or os.environ
        self.username = username or environ.get("TWILIO_ACCOUNT_SID")
        self.password = password or environ.get("TWILIO_AUTH_TOKEN")
        self.account_sid = account_sid or self.username
        self.edge = edge or environ.get("TWILIO_EDGE")
        self.region = region or environ.get("TWILIO_REGION")
        self.user_agent_extensions = user_agent_extensions or []
        self.credential_provider = credential_provider
        if credential_provider is None and not (self.username and self.password):
            raise TwilioException("Credentials are required to create a TwilioClient")
        self.auth: tuple[str | None, str | None] = (self.username, self.password)
        self._environment = environ
        self._telnyx = telnyx
        self._ledger = ledger
        self._media_host = media_host
        self._http_client: Any = http_client or self._default_http_client()
        self._legacy_argument = legacy
        self._rollout = rollout
        self._fax_api: FaxApi | RoutedFaxApi | None = None
        self._async_fax_api: AsyncFaxApi | AsyncRoutedFaxApi | None = None
        self._is_own_http = True
        self._installed_client: Any = None
        self._fax: Fax | None = None

    def _default_http_client(self) -> Any:
        return TwilioHttpClient()

    @property
    def http_client(self) -> Any:
        """The HTTP client. A new one is used from the next call on."""
        return self._http_client

    @http_client.setter
    def http_client(self, http_client: Any) -> None:
        self._http_client = http_client
        self._fax_api = self._async_fax_api = None
        if self._installed_client is not None and _is_twilio_style(http_client):
            self._installed_client.http_client = http_client

    @property
    def fax(self) -> Fax:
        """
        The Fax domain.

        The first access imports what every fax call needs. A fork in another thread waits for it.
        """
        if self._fax is None:
            self._preload()
            from twilio_fax_compat.rest.fax import Fax

            self._fax = Fax(self)
        return self._fax

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: MutableMapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        """
        Make a request to Twilio's API and return a response with ``status_code`` and ``text``.

        *uri* is absolute. *params* is the query and *data* is the form, under Twilio's names.
        Telnyx answers a request to the fax API. Any other goes through the installed ``twilio``
        package. Raises TwilioException if a setting is missing.
        """
        uri = uri.decode() if isinstance(uri, bytes) else str(uri)
        if not FAX_URL.match(uri):
            return self._twilio_client().request(
                method, uri, params, data, headers, auth, timeout, allow_redirects
            )
        fax_api = self._fax_api
        if fax_api is None or self._is_own_http != is_untouched(self._http_client):
            fax_api = self._new_fax_api()
        answer = fax_api.request(method, uri, params, data)
        return response_to(answer)

    async def request_async(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: MutableMapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        """
        Make a request to Twilio's API and return a response with ``status_code`` and ``text``.

        *uri* is absolute. *params* is the query and *data* is the form, under Twilio's names.
        Telnyx answers a request to the fax API. Any other goes through the installed ``twilio``
        package. Raises TwilioException if a setting is missing.
        """
        uri = uri.decode() if isinstance(uri, bytes) else str(uri)
        if not FAX_URL.match(uri):
            return await self._twilio_client().request_async(
                method, uri, params, data, headers, auth, timeout, allow_redirects
            )
        fax_api = self._async_fax_api
        if fax_api is None or self._is_own_http != is_untouched(self._http_client):
            fax_api = self._new_async_fax_api()
        answer = await fax_api.request(method, uri, params, data)
        return response_to(answer)

    async def aclose(self) -> None:
        """
        Close the idle connections to Telnyx of the running event loop.

        The next call opens new ones. An *http_client* that was passed is closed by whoever made it.
        """
        if self._async_fax_api is not None:
            await self._async_fax_api.aclose()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    def get_hostname(self, uri: str) -> str:
        """Return *uri* with the host of this client's edge and region."""
        if not self.edge and not self.region:
            return uri
        parts = urlsplit(uri)
        host, _, port = parts.netloc.partition(":")
        pieces = host.split(".")
        product, domain = pieces[0], ".".join(pieces[-2:])
        edge = region = None
        if len(pieces) == 4:
            region = pieces[1]
        elif len(pieces) == 5:
            edge, region = pieces[1], pieces[2]
        edge = self.edge or edge
        region = self.region or region or (edge and "us1")
        netloc = ".".join(piece for piece in (product, edge, region, domain) if piece)
        if port:
            netloc += ":" + port
        return urlunsplit(parts._replace(netloc=netloc))

    def _preload(self) -> None:
        ledger_url = self._ledger or self._environment.get("TWILIO_FAX_COMPAT_LEDGER")
        preload(*modules_for(self._is_routed(), ledger_url))

    def _is_routed(self) -> bool:
        return bool(
            self._legacy_argument is not None
            or self._rollout is not None
            or self._environment.get("TWILIO_FAX_COMPAT_ROLLOUT")
        )

    def _new_fax_api(self) -> FaxApi | RoutedFaxApi:
        self._preload()
        self._is_own_http = is_untouched(self._http_client)
        self._fax_api = self._new_routed_api() if self._is_routed() else self._telnyx_fax_api()
        return self._fax_api

    def _new_async_fax_api(self) -> AsyncFaxApi | AsyncRoutedFaxApi:
        preload(*ASYNC)
        from twilio_fax_compat._telnyx.api import FaxApi
        from twilio_fax_compat._telnyx.async_api import AsyncFaxApi

        fax_api = self._new_fax_api()
        if isinstance(fax_api, FaxApi):
            self._async_fax_api = AsyncFaxApi(fax_api, self._http_client)
        else:
            from twilio_fax_compat.migration._async_routed_api import AsyncRoutedFaxApi

            self._async_fax_api = AsyncRoutedFaxApi(
                fax_api, lambda: AsyncFaxApi(self._telnyx_fax_api(), self._http_client)
            )
        return self._async_fax_api

    def _new_routed_api(self) -> RoutedFaxApi:
        from twilio_fax_compat.ledger._opening import chosen_ledger
        from twilio_fax_compat.migration._routed_api import RoutedFaxApi, rollout_of
        from twilio_fax_compat.rest._twilio_package import with_fax
        from twilio_fax_compat.settings import TelnyxSettings

        has_telnyx = True
        try:
            settings = self._settings()
        except TwilioException:
            has_telnyx, settings = False, self._telnyx or TelnyxSettings()
        return RoutedFaxApi(
            self.account_sid,
            rollout_of(self._rollout, self._environment),
            chosen_ledger(self._ledger, self._environment),
            settings,
            self._telnyx_fax_api,
            lambda: with_fax(self._provider_client),
            has_telnyx,
            tuple(
                f"{name}: Telnyx has one API for all regions, so this setting has no effect"
                for name, value in (("edge", self.edge), ("region", self.region))
                if value
            ),
        )

    def _telnyx_fax_api(self) -> FaxApi:
        from twilio_fax_compat._telnyx.api import documents_at
        from twilio_fax_compat.ledger._opening import chosen_ledger

        media_host = self._media_host or self._environment.get("TWILIO_FAX_COMPAT_MEDIA_HOST")
        with no_fork():
            return self._telnyx_api_over(
                self._http_client,
                self._settings(),
                chosen_ledger(self._ledger, self._environment),
                documents_at(media_host, self.password, self.username) if media_host else None,
            )

    def _settings(self) -> TelnyxSettings:
        from twilio_fax_compat.settings import TelnyxSettings

        settings = TelnyxSettings() if self._telnyx is None else self._telnyx
        if not isinstance(settings, TelnyxSettings):
            raise TwilioException(
                f"telnyx must be TelnyxSettings(...), not {type(settings).__name__}"
            )
        settings = settings.completed(self._environment)
        retries = self._http_client.max_retries if is_untouched(self._http_client) else None
        return settings if retries is None else settings.with_attempts(retries + 1)

    def _telnyx_api_over(
        self,
        http_client: Any,
        settings: TelnyxSettings,
        ledger: Ledger,
        documents: Documents | None,
    ) -> FaxApi:
        from twilio_fax_compat._telnyx.api import FaxApi

        return FaxApi(self.account_sid, settings, http_client, ledger, documents)

    def _provider_client(self) -> Any:
        return self._twilio_client() if self._legacy_argument is None else self._legacy_argument

    def _twilio_client(self) -> Any:
        if self._installed_client is None:
            from twilio_fax_compat.rest._twilio_package import legacy_client

            http_client = self._http_client if _is_twilio_style(self._http_client) else None
            self._installed_client = legacy_client(
                username=self.username,
                password=self.password,
                account_sid=self.account_sid,
                region=self.region,
                http_client=http_client,
                environment=self._environment,
                edge=self.edge,
                user_agent_extensions=self.user_agent_extensions or None,
                credential_provider=self.credential_provider,
            )
        return self._installed_client

    def __getstate__(self) -> dict[str, Any]:
        # What holds connections and locks is made again at the next call.
        state = {**vars(self), "_fax_api": None, "_async_fax_api": None}
        state["_installed_client"] = None
        if self._environment is os.environ:
            state["_environment"] = None
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        if self._environment is None:
            self._environment = os.environ

    def __deepcopy__(self, memo: dict[int, Any]) -> Client:
        """Return a copy of this client that shares its ledger, its flag and its legacy client."""
        import copy

        for part in (self._ledger, self._environment, self._legacy_argument, self._rollout):
            memo[id(part)] = part
        try:
            copy.deepcopy(self._http_client, memo)
        except TypeError:  # an httpx.Client holds locks, so the copy uses it too
            memo[id(self._http_client)] = self._http_client
        result = memo[id(self)] = object.__new__(type(self))
        result.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return result

    def __getattr__(self, name: str) -> Any:
        """Return the attribute *name* of the installed ``twilio`` package's client."""
        if name.startswith("_"):
            raise AttributeError(
                "{!r} object has no attribute {!r}".format(type(self).__name__, name)
            )
        from twilio_fax_compat.rest._twilio_package import TwilioIsMissing

        try:
            return getattr(self._twilio_client(), name)
        except TwilioIsMissing as missing:
            raise AttributeError("client.{}: {}".format(name, missing)) from None

    def __repr__(self) -> str:
        """Return Twilio's representation."""
        return "<Twilio {}>".format(self.account_sid)


def _is_twilio_style(http_client: object) -> bool:
    if is_untouched(http_client):
        return False
    return type(http_client).__module__.partition(".")[0] != "httpx"
