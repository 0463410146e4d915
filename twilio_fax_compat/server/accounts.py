"""The Twilio accounts that a server answers for, and their credentials."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from hashlib import sha256
from typing import Iterable, Mapping
from urllib.parse import urlsplit

from attrs import Attribute, define, evolve, field, frozen

from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.masking import mask_number
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.settings import TelnyxSettings

ANY_NUMBER = "*"
"""The key of the incoming URL for numbers that have no URL of their own."""

POLICY = RetryPolicy(budget=20.0)
"""Answers before the first SDK gives up: twilio-node waits 30 s, twilio-java 30.5 s."""

AT_ONCE = 1000
"""Requests to Telnyx under way in one process. Slow ones must not stop the others."""

UNSUPPORTED: Mapping[str, str] = {"status_callback": "ignore"}
"""The server makes Twilio's callbacks itself, so a ``StatusCallback`` needs no warning."""


_SID = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)
_KEY_SID = re.compile(r"SK[0-9a-fA-F]{32}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[?[0-9a-f:.]+\]?", re.ASCII)


def _check_sid(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not _SID.fullmatch(value):
        raise TwilioException(
            "sid (TWILIO_ACCOUNT_SID) must be an account SID: AC and 32 hexadecimal digits"
        )


def _check_token(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not value or value != value.strip():
        raise TwilioException(
            "auth_token (TWILIO_AUTH_TOKEN) must be a text without spaces at its ends"
        )


def _check_keys(
    _instance: object, _attribute: Attribute[Mapping[str, str]], value: Mapping[str, str]
) -> None:
    for sid, secret in value.items():
        if not _KEY_SID.fullmatch(str(sid)):
            raise TwilioException(
                "api_keys must have SIDs of API keys as names: SK and 32 hexadecimal digits"
            )
        if not isinstance(secret, str) or not secret:
            raise TwilioException(f"api_keys: the secret of {sid} must be a text")


def _check_incoming(
    _instance: object, _attribute: Attribute[Mapping[str, str]], value: Mapping[str, str]
) -> None:
    for number, url in value.items():
        if number != ANY_NUMBER and not _E164.fullmatch(str(number)):
            raise TwilioException(
                f"incoming_urls has {mask_number(number)}, which is not an E.164 number: write it as "
                f"+14155550100, or {ANY_NUMBER} for every other number"
            )
        if not is_http_url(url):
            raise TwilioException(
                f"incoming_urls: the URL of {mask_number(number)} must be an absolute http or https URL"
            )


def _check_hosts(
    _instance: object, _attribute: Attribute[tuple[str, ...]], value: tuple[str, ...]
) -> None:
    for host in value:
        if not isinstance(host, str) or not _HOST.fullmatch(host):
            raise TwilioException(
                "callback_hosts must be host names without scheme and port, such as app.example.com "
                "or *.example.com"
            )


def _check_method(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if value not in ("GET", "POST"):
        raise TwilioException("incoming_method must be GET or POST")


def _lower(hosts: Iterable[str]) -> tuple[str, ...]:
    return tuple(host.lower() if isinstance(host, str) else host for host in hosts)


def is_http_url(url: object) -> bool:
    """Return whether *url* is an absolute http or https URL."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


@frozen(kw_only=True)
class Account:
    """
    One Twilio account and the Telnyx account that answers for it.

    *sid* and *auth_token* are Twilio's; *api_keys* are secrets by the SID of an API key (``SK...``).
    *telnyx* is complete. *incoming_urls* are the URLs that answer for received faxes, by E.164 number,
    `ANY_NUMBER` for every other one; they are called with *incoming_method*. Callbacks go only to
    *callback_hosts*, host names or ``*.example.com``; none means every host.

    Raises TwilioException for a value that is not valid.
    """

    sid: str = field(validator=_check_sid)
    auth_token: str = field(repr=False, validator=_check_token)
    telnyx: TelnyxSettings
    api_keys: Mapping[str, str] = field(factory=dict, repr=False, validator=_check_keys)
    incoming_urls: Mapping[str, str] = field(factory=dict, repr=False, validator=_check_incoming)
    incoming_method: str = field(default="POST", validator=_check_method)
    callback_hosts: tuple[str, ...] = field(default=(), converter=_lower, validator=_check_hosts)

    @property
    def has_telnyx(self) -> bool:
        """Whether the settings that Telnyx needs are there. Only a former provider does without."""
        return bool(self.telnyx.api_key and self.telnyx.connection_id)

    def incoming_url(self, number: str) -> str | None:
        """Return the URL that answers for a fax to *number*, or None."""
        return self.incoming_urls.get(number) or self.incoming_urls.get(ANY_NUMBER)


def telnyx_settings(settings: TelnyxSettings, environ: Mapping[str, str]) -> TelnyxSettings:
    """Return *settings*, completed from *environ*, with the server's time limit and warnings."""
    settings = settings.completed(environ, needs=())
    retry = POLICY if settings.retry == RetryPolicy() else settings.retry
    return evolve(
        settings,
        retry=retry,
        unsupported={**UNSUPPORTED, **settings.unsupported},
        at_once=max(settings.at_once, AT_ONCE),
    )


@define(eq=False)
class AccountTable:
    """Finds the account of a request by its Basic credentials, in constant time."""

    _by_user: dict[str, tuple[Account, bytes]] = field(factory=dict, repr=False)

    @classmethod
    def of(cls, accounts: Iterable[Account]) -> AccountTable:
        """
        Return the table of *accounts*.

        Raises TwilioException if two accounts have the same SID, or the same API key.
        """
        table = cls()
        for account in accounts:
            for user, secret in [(account.sid, account.auth_token), *account.api_keys.items()]:
                if user in table._by_user:
                    raise TwilioException(f"{user} is configured twice")
                table._by_user[user] = account, _digest(secret)
        return table

    def authenticated(self, authorization: str | None) -> Account | None:
        """Return the account of an ``Authorization`` header, None if it is missing or wrong."""
        pair = _basic(authorization)
        if pair is None:
            return None
        user, password = pair
        account, digest = self._by_user.get(user, (None, _NOBODY))
        return account if hmac.compare_digest(_digest(password), digest) else None


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


_NOBODY = b"\0" * 32


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Return user and password of a header of https://www.rfc-editor.org/rfc/rfc7617, or None."""
    scheme, _, text = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = b64decode(text.strip().encode("ascii"), validate=True).decode("utf-8")
    except ValueError:
        return None
    user, colon, password = decoded.partition(":")
    return (user, password) if colon else None
