"""The settings of a server: from the environment, for one account, or from a file."""

from __future__ import annotations

import os
from typing import Any, Mapping

from attrs import Attribute, evolve, field, frozen

from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.webhooks.public_url import read_public_url
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.accounts import ANY_NUMBER, Account, AccountTable, is_http_url
from twilio_fax_compat.settings import TelnyxSettings

ENVIRONMENT: Mapping[str, str] = {
    "public_url": "TWILIO_FAX_COMPAT_PUBLIC_URL",
    "ledger": "TWILIO_FAX_COMPAT_LEDGER",
    "legacy_url": "TWILIO_FAX_COMPAT_LEGACY_URL",
    "rollout": "TWILIO_FAX_COMPAT_ROLLOUT",
}
"""The environment variable of each setting of the server."""

CONFIG_FILE = "TWILIO_FAX_COMPAT_CONFIG"
INCOMING_URL = "TWILIO_FAX_COMPAT_INCOMING_URL"
POLICY = RetryPolicy(budget=20.0)
"""Answers before the first SDK gives up: twilio-node waits 30 s, twilio-java 30.5 s."""

UNSUPPORTED: Mapping[str, str] = {"status_callback": "ignore"}
"""The server makes Twilio's callbacks itself, so a ``StatusCallback`` needs no warning."""


def _accounts(accounts: Any) -> tuple[Account, ...]:
    return tuple(accounts)


def _check_accounts(
    _instance: object, _attribute: Attribute[tuple[Account, ...]], value: tuple[Account, ...]
) -> None:
    if not value:
        raise TwilioException("the server needs at least one account")
    AccountTable.of(value)


def _public_url(url: str | None) -> str | None:
    if not url:
        return None
    checked = read_public_url(str(url))
    if checked is None:
        raise TwilioException(
            "public_url (TWILIO_FAX_COMPAT_PUBLIC_URL) must be an http or https URL without "
            "credentials, query and fragment, such as https://fax.example.com"
        )
    return checked


def _legacy_url(url: str | None) -> str | None:
    if not url:
        return None
    if not is_http_url(url) or "@" in url or "?" in url or "#" in url:
        raise TwilioException(
            "legacy_url (TWILIO_FAX_COMPAT_LEGACY_URL) must be an http or https URL without "
            "credentials, query and fragment, such as https://fax.twilio.com"
        )
    url = url.rstrip("/")
    return url[: -len("/v1")] if url.endswith("/v1") else url


def _check_positive(_instance: object, attribute: Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise TwilioException(f"{attribute.name} must be a number above 0")


@frozen(kw_only=True)
class ServerConfig:
    """
    The settings of a server.

    *accounts*: at least one. *public_url*: the server's address on the Internet, which Telnyx and the
    readers of callbacks call. *ledger*: a ledger or its URL, by default in the memory of this process.
    *legacy_url*, *rollout*: the former provider's fax API, and the flag that decides which faxes it
    gets. *trusted_proxies*: addresses whose ``X-Forwarded-`` headers are read, ``*`` for every one.
    *private_callbacks*: whether callbacks may go to private networks and this machine. *max_body*: the
    longest body of a request, in bytes. *read_timeout*: seconds for the headers of a request, and for
    its body.

    Raises TwilioException for a value that is not valid.
    """

    accounts: tuple[Account, ...] = field(converter=_accounts, validator=_check_accounts)
    public_url: str | None = field(default=None, converter=_public_url)
    ledger: Any = field(default=None, repr=False)
    legacy_url: str | None = field(default=None, converter=_legacy_url)
    rollout: Any = field(default=None, repr=False)
    trusted_proxies: tuple[str, ...] = field(default=("127.0.0.1", "::1"), converter=tuple)
    private_callbacks: bool = True
    max_body: int = field(default=256 * 1024, validator=_check_positive)
    read_timeout: float = field(default=15.0, validator=_check_positive)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None, **changes: Any) -> ServerConfig:
        """
        Return the settings that *environ* has, by default those of the process.

        ``TWILIO_FAX_COMPAT_CONFIG`` names a file with the accounts. Without it there is one account:
        ``TWILIO_ACCOUNT_SID``, ``TWILIO_AUTH_TOKEN``, ``TELNYX_API_KEY``, ``TELNYX_CONNECTION_ID``,
        ``TELNYX_PUBLIC_KEY`` and ``TELNYX_BASE_URL``. *changes* replace single settings.

        Raises TwilioException if a setting is missing or wrong.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {
            name: environ[variable]
            for name, variable in ENVIRONMENT.items()
            if environ.get(variable)
        }
        values.update({name: value for name, value in changes.items() if value is not None})
        path = environ.get(CONFIG_FILE)
        if path and "accounts" not in changes:
            from twilio_fax_compat.server.config_file import read_config

            return read_config(path, environ, values)
        if "accounts" not in values:
            values["accounts"] = [account_of(environ)]
        return cls(**values)


def account_of(environ: Mapping[str, str]) -> Account:
    """Return the one account that *environ* has. Raises TwilioException if a variable is missing."""
    names = "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TELNYX_API_KEY", "TELNYX_CONNECTION_ID"
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise TwilioException(
            "settings are missing: set {} in the environment, give --config FILE with the accounts, or "
            "try the server with --emulator".format(" and ".join(missing))
        )
    keys = {}
    if environ.get("TWILIO_API_KEY") and environ.get("TWILIO_API_SECRET"):
        keys[environ["TWILIO_API_KEY"]] = environ["TWILIO_API_SECRET"]
    incoming = environ.get(INCOMING_URL)
    return Account(
        sid=environ["TWILIO_ACCOUNT_SID"],
        auth_token=environ["TWILIO_AUTH_TOKEN"],
        telnyx=telnyx_settings(TelnyxSettings(), environ),
        api_keys=keys,
        incoming_urls=read_incoming([incoming]) if incoming else {},
    )


def telnyx_settings(settings: TelnyxSettings, environ: Mapping[str, str]) -> TelnyxSettings:
    """Return *settings*, completed from *environ*, with the server's time limit and warnings."""
    settings = settings.completed(environ)
    retry = POLICY if settings.retry == RetryPolicy() else settings.retry
    return evolve(settings, retry=retry, unsupported={**UNSUPPORTED, **settings.unsupported})


def read_incoming(texts: list[str]) -> dict[str, str]:
    """Return incoming URLs by number from texts as ``+14155550100=https://...`` or ``https://...``."""
    urls: dict[str, str] = {}
    for text in texts:
        number, equals, url = text.partition("=")
        is_pair = bool(equals) and number.startswith(("+", ANY_NUMBER))
        urls[number if is_pair else ANY_NUMBER] = url if is_pair else text
    return urls
