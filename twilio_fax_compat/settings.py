"""Where Telnyx is and how it is spoken to."""

from __future__ import annotations

import re
from typing import Any, Mapping
from urllib.parse import urlsplit

from attrs import Attribute, evolve, field, frozen, validators

from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.translation.create_form import UNSUPPORTED
from twilio_fax_compat.base.exceptions import TwilioException

__all__ = ["DEFAULT_BASE_URL", "ENVIRONMENT", "RetryPolicy", "TelnyxSettings"]

DEFAULT_BASE_URL = "https://api.telnyx.com/v2"

ENVIRONMENT: Mapping[str, str] = {
    "api_key": "TELNYX_API_KEY",
    "connection_id": "TELNYX_CONNECTION_ID",
    "base_url": "TELNYX_BASE_URL",
    "public_key": "TELNYX_PUBLIC_KEY",
}
"""
The environment variable of each setting that has one.

They are those of Telnyx's SDK (https://github.com/team-telnyx/telnyx-python), which has none for the
connection.
"""

_POLICIES = ("refuse", "warn", "ignore")


def _check_header_text(
    _instance: object, attribute: Attribute[str | None], value: str | None
) -> None:
    if value is not None and not re.fullmatch(r"[\x21-\x7e]+", value):
        # The value is a secret or near one: it is not repeated.
        raise TwilioException(
            "{} has spaces or characters that no such value has".format(ENVIRONMENT[attribute.name])
        )


def _check_base_url(
    _instance: object, _attribute: Attribute[str | None], value: str | None
) -> None:
    if value is None:
        return
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise TwilioException(
            "TELNYX_BASE_URL must be an http or https URL without credentials, as {}".format(
                DEFAULT_BASE_URL
            )
        )


def _check_unsupported(
    _instance: object, _attribute: Attribute[Mapping[str, str]], value: Mapping[str, str]
) -> None:
    for name, policy in value.items():
        if name not in UNSUPPORTED or policy not in _POLICIES:
            raise TwilioException(
                "unsupported={{{!r}: {!r}}}: the parameters are {}, the choices {}".format(
                    name, policy, ", ".join(UNSUPPORTED), ", ".join(_POLICIES)
                )
            )


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _without_slash(value: str | None) -> str | None:
    return value.rstrip("/") if value else None


@frozen(kw_only=True)
class TelnyxSettings:
    """
    How to reach Telnyx. What is left None is read from the environment at the first fax call.

    *api_key* (``TELNYX_API_KEY``): a V2 API key, ``KEY...``.
    *connection_id* (``TELNYX_CONNECTION_ID``): the id of the Fax Application that sends.
    *base_url* (``TELNYX_BASE_URL``): with the version, by default `DEFAULT_BASE_URL`.
    *public_key* (``TELNYX_PUBLIC_KEY``): base64, for webhooks.
    *connect_timeout*, *timeout*: seconds to connect, and to wait for each part of an answer.
    *retry*: the limits of repeating, a `RetryPolicy`.
    *unsupported*: ``"refuse"``, ``"warn"`` or ``"ignore"`` by the name of a parameter of
    ``create`` that Telnyx has no equal for, such as ``{"ttl": "ignore"}``.

    Raises TwilioException for values that cannot be right.
    """

    api_key: str | None = field(default=None, repr=False, validator=_check_header_text)
    connection_id: str | None = field(
        default=None,
        converter=_text_or_none,
        validator=_check_header_text,
    )
    base_url: str | None = field(default=None, converter=_without_slash, validator=_check_base_url)
    public_key: str | None = field(default=None, validator=_check_header_text)
    connect_timeout: float = field(default=5.0, validator=validators.gt(0.0))
    timeout: float = field(default=60.0, validator=validators.gt(0.0))
    retry: RetryPolicy = field(factory=RetryPolicy, validator=validators.instance_of(RetryPolicy))
    unsupported: Mapping[str, str] = field(factory=dict, validator=_check_unsupported)

    def completed(self, environ: Mapping[str, str]) -> TelnyxSettings:
        """
        Return these settings with what they leave out taken from *environ*.

        Raises TwilioException that names what sending needs and neither has.
        """
        found: dict[str, Any] = {
            name: environ.get(variable) or None
            for name, variable in ENVIRONMENT.items()
            if getattr(self, name) is None
        }
        settings = evolve(self, **found)
        missing = [
            variable
            for name, variable in ENVIRONMENT.items()
            if name in ("api_key", "connection_id") and not getattr(settings, name)
        ]
        if missing:
            raise TwilioException(
                "Telnyx settings are missing: set {} in the environment, or pass "
                "telnyx=TelnyxSettings(...) to the Client".format(" and ".join(missing))
            )
        return evolve(settings, base_url=settings.base_url or DEFAULT_BASE_URL)
