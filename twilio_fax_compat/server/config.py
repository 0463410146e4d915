"""The settings of a server."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from twilio_fax_compat._core.webhooks.public_url import read_public_url
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.accounts import Account, AccountTable, is_http_url


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

    def __attrs_post_init__(self) -> None:
        for account in self.accounts:
            if not account.has_telnyx and not self.legacy_url:
                raise TwilioException(
                    f"the account {account.sid} needs an API key and a Fax Application of Telnyx: set "
                    "TELNYX_API_KEY and TELNYX_CONNECTION_ID, or telnyx_api_key and "
                    "telnyx_connection_id in the configuration file"
                )
