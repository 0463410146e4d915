"""
Verify Telnyx's webhook signatures.

Ed25519 over ``timestamp|body``:
https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Mapping, Sequence

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from twilio_fax_compat.base.exceptions import TwilioException

SIGNATURE = "telnyx-signature-ed25519"
TIMESTAMP = "telnyx-timestamp"

TOLERANCE = 300.0
"""Seconds by which a signature's time may differ from ours, as in Telnyx's own SDK."""


def why_not_verified(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[VerifyKey],
    now: float,
    tolerance: float = TOLERANCE,
) -> str | None:
    """
    Return what is wrong with a webhook's signature, or None if it is right.

    *headers* have lower-case names, *body* is raw, *now* is in seconds since the epoch. One of
    *keys* must verify the signature.
    """
    stamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        return "timestamp missing or malformed"
    try:
        raw = b64decode(signature.encode("ascii"), validate=True)
    except ValueError:
        return "signature malformed"
    if len(raw) != 64:
        return "signature missing or malformed"
    message = stamp.encode("ascii") + b"|" + body
    if not _verifies(keys, message, raw):
        return "wrong signature"
    if abs(now - int(stamp)) > tolerance:
        return "timestamp outside the five-minute tolerance"
    return None


def read_public_key(text: str) -> VerifyKey:
    """Return Telnyx's public key from its base64 *text*. Raises TwilioException."""
    try:
        return VerifyKey(b64decode(text.strip().encode("ascii"), validate=True))
    except (TypeError, ValueError) as error:
        raise TwilioException(
            "TELNYX_PUBLIC_KEY must be the base64 of 32 bytes, as Telnyx's portal shows it"
        ) from error


def _verifies(keys: Sequence[VerifyKey], message: bytes, signature: bytes) -> bool:
    for key in keys:
        try:
            key.verify(message, signature)
        except BadSignatureError:
            continue
        return True
    return False
