"""
What Twilio signs its requests with: https://www.twilio.com/docs/usage/security.

The key is the account's auth token. The text is the full URL without fragment and, for a form, each
name and its values without separators; a body of another kind is bound by ``bodySHA256``, a
parameter of the URL.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Iterable, Mapping

HMAC_SHA1 = "HMAC_SHA1"
HMAC_SHA256 = "HMAC_SHA256"

HASHES: Mapping[str, str] = {HMAC_SHA1: "sha1", HMAC_SHA256: "sha256"}
"""Twilio's name of an algorithm to its hash; the first one is that of auth tokens."""


def twilio_signature(
    token: str | bytes,
    url: str,
    fields: Iterable[tuple[str, str]] = (),
    algorithm: str = HMAC_SHA1,
) -> str:
    """
    Return the ``X-Twilio-Signature`` of a request to *url* with the form *fields*, as base64.

    *fields* are in any order; a value that a name has twice is signed once. *algorithm* is one of
    `HASHES`.
    """
    key = token.encode("utf-8") if isinstance(token, str) else token
    text = url + "".join(map("".join, sorted(set(fields))))
    return b64encode(hmac.digest(key, text.encode("utf-8"), HASHES[algorithm])).decode()


def body_hash(body: bytes) -> str:
    """Return the ``bodySHA256`` of a raw body."""
    return sha256(body).hexdigest()


def is_same(one: str | bytes, other: str | bytes) -> bool:
    """LogWarning whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(_as_bytes(one), _as_bytes(other))


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
