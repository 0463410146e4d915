"""The settings of a server from environment variables."""

from __future__ import annotations

import os
from typing import Any, Mapping

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.accounts import ANY_NUMBER, Account, telnyx_settings
from twilio_fax_compat.server.config import ServerConfig
from twilio_fax_compat.server.config_file import read_config
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


def config_of(environ: Mapping[str, str] | None = None, **changes: Any) -> ServerConfig:
    """
    Return the settings that *environ* has, by default those of the process.

    ``TWILIO_FAX_COMPAT_CONFIG`` names a file with the accounts. Without it there is one account:
    ``TWILIO_ACCOUNT_SID``, ``TWILIO_AUTH_TOKEN``, ``TELNYX_API_KEY``, ``TELNYX_CONNECTION_ID``,
    ``TELNYX_PUBLIC_KEY`` and ``TELNYX_BASE_URL``. *changes* replace single settings.

    Raises TwilioException if a setting is missing or wrong.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {
        name: environ[variable] for name, variable in ENVIRONMENT.items() if environ.get(variable)
    }
    values.update({name: value for name, value in changes.items() if value is not None})
    path = environ.get(CONFIG_FILE)
    if path and "accounts" not in changes:
        return read_config(path, environ, values)
    if "accounts" not in values:
        values["accounts"] = [account_of(environ, has_legacy="legacy_url" in values)]
    return ServerConfig(**values)


def account_of(environ: Mapping[str, str], *, has_legacy: bool = False) -> Account:
    """
    Return the one account that *environ* has. With a former provider, it may have no Telnyx settings.

    Raises TwilioException if a variable is missing.
    """
    names = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]
    if not has_legacy:
        names += ["TELNYX_API_KEY", "TELNYX_CONNECTION_ID"]
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
        incoming_urls=read_incoming(incoming.split()) if incoming else {},
    )


def read_incoming(texts: list[str]) -> dict[str, str]:
    """Return incoming URLs by number from texts as ``+14155550100=https://...`` or ``https://...``."""
    urls: dict[str, str] = {}
    for text in texts:
        number, equals, url = text.partition("=")
        is_pair = bool(equals) and number.startswith(("+", ANY_NUMBER))
        urls[number if is_pair else ANY_NUMBER] = url if is_pair else text
    return urls
