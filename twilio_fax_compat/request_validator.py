"""
Validates the signature of a Twilio webhook, or of one that our middleware translated.

It works as the validator of twilio 7.5.1 does. It also accepts what the validator of 9.13 accepts:
algorithms other than HMAC-SHA1, and repeated values from an object with ``getall`` or ``getlist``.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import ParseResult, parse_qs, urlparse

from twilio_fax_compat._core.webhooks.signatures import (
    HASHES,
    HMAC_SHA1,
    HMAC_SHA256,
    body_hash,
    is_same,
    twilio_signature,
)

__all__ = [
    "HMAC_SHA1",
    "HMAC_SHA256",
    "SIGNATURE_HEADER",
    "SIGNATURE_SETTINGS_HEADER",
    "RequestValidator",
    "add_port",
    "compare",
    "get_signature_algorithm",
    "remove_port",
]

SIGNATURE_HEADER = "X-Twilio-Signature"
SIGNATURE_SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"

logger = logging.getLogger(__name__)


def compare(string1: str, string2: str) -> bool:
    """Return whether two strings are equal, in a time that does not depend on where they differ."""
    # An argument without a length raises TypeError, as in Twilio's function.
    if len(string1) != len(string2) or isinstance(string1, str) != isinstance(string2, str):
        return False
    return is_same(string1, string2)


def remove_port(uri: ParseResult) -> str:
    """Return the parsed *uri* as text without its port."""
    if not uri.port:
        return uri.geturl()
    # As in Twilio's code: of a URL with a user and a password, only the user remains.
    return uri._replace(netloc=uri.netloc.split(":")[0]).geturl()


def add_port(uri: ParseResult) -> str:
    """Return the parsed *uri* as text with a port: its own, or the default port of its scheme."""
    if uri.port:
        return uri.geturl()
    port = 443 if uri.scheme == "https" else 80
    return uri._replace(netloc=f"{uri.netloc}:{port}").geturl()


def get_signature_algorithm(signature_settings_header: str | None) -> str:
    """
    Return the algorithm that an ``X-Twilio-Webhooks-Signature-Settings`` header names.

    Without the header, or without an algorithm in it, the result is HMAC-SHA1.
    """
    for setting in (signature_settings_header or "").split(","):
        name, _, value = setting.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip()
    return HMAC_SHA1


class RequestValidator:
    """Signs and validates requests with *token*: the auth token, or the secret of a shared key."""

    def __init__(self, token: str) -> None:
        self.token = token.encode("utf-8")

    def compute_signature(self, uri: str, params: Any, algorithm: str | None = None) -> str:
        """
        Return the signature of a request to *uri* with the form *params*.

        *params* maps names to strings. An object with ``getall`` or ``getlist`` may have several
        strings for a name. Raises ValueError for an unknown *algorithm*.
        """
        if not _is_known(algorithm):
            raise ValueError(f"Unsupported webhook signature algorithm: {algorithm}")
        pairs: list[tuple[str, str]] = []
        if params:
            for name in params.keys():  # noqa: SIM118 (a string instead of a mapping raises AttributeError)
                pairs.extend((name, value) for value in self.get_values(params, name))
        return twilio_signature(self.token, uri, pairs, (algorithm or HMAC_SHA1).upper())

    def get_values(self, param_dict: Any, param_name: str) -> Any:
        """Return all values of *param_name* in *param_dict*."""
        for method in ("getall", "getlist"):  # aiohttp and webob; Django and Flask
            values_of = getattr(param_dict, method, None)
            if values_of is not None:
                return values_of(param_name)
        return [param_dict[param_name]]

    def compute_hash(self, body: str) -> str:
        """Return the ``bodySHA256`` of *body*."""
        return body_hash(body.encode("utf-8"))

    def validate(self, uri: str, params: Any, signature: str, algorithm: str | None = None) -> bool:
        """
        Return whether *signature* is valid for a request to *uri*, with or without its port.

        *params* is the form, or the body as text if *uri* has a ``bodySHA256``. An unknown
        *algorithm* logs a warning, and the result is False.
        """
        if not _is_known(algorithm):
            logger.warning(
                "Unsupported webhook signature algorithm %r: the algorithms are %s",
                algorithm,
                list(HASHES),
            )
            return False
        if params is None:
            params = {}
        parsed = urlparse(uri)
        spellings = remove_port(parsed), add_port(parsed)
        is_body_right = True
        query = parse_qs(parsed.query)
        if "bodySHA256" in query and isinstance(params, str):
            is_body_right = compare(self.compute_hash(params), query["bodySHA256"][0])
            params = {}
        matches = [
            compare(self.compute_signature(spelling, params, algorithm), signature)
            for spelling in spellings
        ]
        return is_body_right and any(matches)


def _is_known(algorithm: str | None) -> bool:
    return (algorithm or HMAC_SHA1).upper() in HASHES
