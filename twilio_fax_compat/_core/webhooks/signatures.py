"""
Twilio's request signatures: https://www.twilio.com/docs/usage/security.

The key is the account's auth token. The text is the full URL without fragment and, for a form, each
name and its values without separators. For any other body, the URL has its hash as the parameter
``bodySHA256``.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Iterable, Mapping

HMAC_SHA1 = "HMAC_SHA1"
HMAC_SHA256 = "HMAC_SHA256"

HASHES: Mapping[str, str] = {HMAC_SHA1: "sha1", HMAC_SHA256: "sha256"}
"""The hash of each algorithm, by Twilio's name. Auth tokens use the first."""


def twilio_signature(
    token: str | bytes,
    url: str,
    fields: Iterable[tuple[str, str]] = (),
    algorithm: str = HMAC_SHA1,
) -> str:
    """
    Return the ``X-Twilio-Signature`` of a request to *url* with the form *fields*, as base64.

    *fields* may come in any order. If a name has the same value twice, it is signed once.
    *algorithm* is a key of `HASHES`.
    """
    key = token.encode("utf-8") if isinstance(token, str) else token
    text = url + "".join(map("".join, sorted(set(fields))))
    return b64encode(hmac.digest(key, text.encode("utf-8"), HASHES[algorithm])).decode()


def body_hash(body: bytes) -> str:
    """Return the ``bodySHA256`` of a raw body."""
    return sha256(body).hexdigest()


def is_same(first: str | bytes, second: str | bytes) -> bool:
    """Return whether two texts are equal, comparing in constant time."""
    return hmac.compare_digest(_as_bytes(first), _as_bytes(second))


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
