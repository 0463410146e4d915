"""`TelnyxSettings`: where Telnyx's API is, and how to call it."""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence
from urllib.parse import urlsplit

from attrs import Attribute, evolve, field, frozen

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

Telnyx's SDK (https://github.com/team-telnyx/telnyx-python) reads the same variables. It has none for
the connection.
"""

_POLICIES = ("refuse", "warn", "ignore")


def _check_header_text(
    _instance: object, attribute: Attribute[str | None], value: str | None
) -> None:
    # The value may be a secret, so no message repeats it.
    if value is None:
        return
    name = f"{attribute.name} ({ENVIRONMENT[attribute.name]})"
    if not isinstance(value, str):
        raise TwilioException(f"{name} must be a text, not {type(value).__name__}")
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise TwilioException(
            f"{name} contains a space or another character that is not allowed in it"
        )


def _check_base_url(
    _instance: object, _attribute: Attribute[str | None], value: str | None
) -> None:
    if value is None:
        return
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it checks it
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_valid = False
    if not is_valid or "@" in parts.netloc or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise TwilioException(
            "base_url (TELNYX_BASE_URL) must be an http or https URL without credentials, such as "
            + DEFAULT_BASE_URL
        )
    if parts.path.strip("/") == "" or parts.query or parts.fragment:
        raise TwilioException(
            "base_url (TELNYX_BASE_URL) must end with the path of the API's version, such as "
            + DEFAULT_BASE_URL
        )


def _check_seconds(_instance: object, attribute: Attribute[float], value: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):
        raise TwilioException(
            f"{attribute.name} must be a number of seconds above 0, such as 60, not {value!r}"
        )


def _check_retry(_instance: object, _attribute: Attribute[RetryPolicy], value: RetryPolicy) -> None:
    if not isinstance(value, RetryPolicy):
        raise TwilioException(f"retry must be a RetryPolicy, not {type(value).__name__}")


def _check_unsupported(
    _instance: object, _attribute: Attribute[Mapping[str, str]], value: Mapping[str, str]
) -> None:
    if not isinstance(value, Mapping):
        raise TwilioException(
            'unsupported must be a dictionary such as {"ttl": "ignore"}, '
            f"not {type(value).__name__}"
        )
    for name, policy in value.items():
        if name not in UNSUPPORTED or policy not in _POLICIES:
            raise TwilioException(
                "unsupported={{{!r}: {!r}}} is not valid: the parameters are {}, the choices {}".format(
                    name, policy, ", ".join(UNSUPPORTED), ", ".join(_POLICIES)
                )
            )


def _check_at_once(_instance: object, _attribute: Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TwilioException(f"at_once must be a number of requests, such as 100, not {value!r}")


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _without_slash(value: object) -> str | None:
    return str(value).rstrip("/") if value else None


@frozen(kw_only=True)
class TelnyxSettings:
    """
    How to reach Telnyx. A setting that is None is read from the environment at the first fax call.

    *api_key* (``TELNYX_API_KEY``): a V2 API key, ``KEY...``.
    *connection_id* (``TELNYX_CONNECTION_ID``): the id of the Fax Application that sends.
    *base_url* (``TELNYX_BASE_URL``): the API's URL with its version. The default is
    `DEFAULT_BASE_URL`.
    *public_key* (``TELNYX_PUBLIC_KEY``): the key that verifies Telnyx's webhooks, in base64.
    *connect_timeout*, *timeout*: seconds to connect, and to wait for each part of a response. A whole
    response must come within twice the *timeout*.
    *at_once*: how many requests of asynchronous calls are under way in an event loop; others wait.
    *retry*: a `RetryPolicy`, the limits of retrying.
    *unsupported*: what to do with a parameter of ``create`` that Telnyx does not have:
    ``"refuse"``, ``"warn"`` or ``"ignore"`` by its name, such as ``{"ttl": "ignore"}``.

    Raises TwilioException for a value that is not valid.
    """

    api_key: str | None = field(default=None, repr=False, validator=_check_header_text)
    connection_id: str | None = field(
        default=None,
        converter=_text_or_none,
        validator=_check_header_text,
    )
    base_url: str | None = field(default=None, converter=_without_slash, validator=_check_base_url)
    public_key: str | None = field(default=None, validator=_check_header_text)
    connect_timeout: float = field(default=5.0, validator=_check_seconds)
    timeout: float = field(default=60.0, validator=_check_seconds)
    at_once: int = field(default=100, validator=_check_at_once)
    retry: RetryPolicy = field(factory=RetryPolicy, validator=_check_retry)
    unsupported: Mapping[str, str] = field(factory=dict, validator=_check_unsupported)

    def completed(
        self, environ: Mapping[str, str], needs: Sequence[str] = ("api_key", "connection_id")
    ) -> TelnyxSettings:
        """
        Return these settings, with each missing one read from *environ*.

        Raises TwilioException if a setting that sending needs is missing in both.
        """
        values: dict[str, Any] = {
            name: environ.get(variable) or None
            for name, variable in ENVIRONMENT.items()
            if getattr(self, name) is None
        }
        settings = evolve(self, **values)
        missing = [
            variable
            for name, variable in ENVIRONMENT.items()
            if name in needs and not getattr(settings, name)
        ]
        if missing:
            raise TwilioException(
                "Telnyx settings are missing: set {} in the environment, or pass "
                "telnyx=TelnyxSettings(...) to the Client".format(" and ".join(missing))
            )
        return evolve(settings, base_url=settings.base_url or DEFAULT_BASE_URL)

    def with_attempts(self, attempts: int) -> TelnyxSettings:
        """Return these settings with a `RetryPolicy` of at least *attempts* attempts."""
        return evolve(self, retry=evolve(self.retry, attempts=max(self.retry.attempts, attempts)))
