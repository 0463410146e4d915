"""
Verify Telnyx's webhook signatures.

Ed25519 over ``timestamp|body``:
https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from contextlib import contextmanager
from typing import Callable, Iterator, Mapping, Sequence

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from twilio_fax_compat.base.exceptions import TwilioException

SIGNATURE = "telnyx-signature-ed25519"
TIMESTAMP = "telnyx-timestamp"

TOLERANCE = 300.0
"""Seconds by which a signature's time may differ from ours, as in Telnyx's own SDK."""

_keys_of_this_process: list[VerifyKey] = []


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
    if not (_verifies(keys, message, raw) or _verifies(_keys_of_this_process, message, raw)):
        return "wrong signature: is TELNYX_PUBLIC_KEY the public key of this Telnyx account?"
    if abs(now - int(stamp)) > tolerance:
        return "timestamp outside the five-minute tolerance"
    return None


@contextmanager
def own_signatures() -> Iterator[Callable[[bytes], dict[str, str]]]:
    """
    Let this process sign webhooks that it read from Telnyx with its API key.

    Yields a function that returns the headers for a raw body. Only middlewares of this process accept these
    signatures, and only until the block ends: the key never leaves the process.
    """
    key = SigningKey.generate()

    def sign(body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()))
        signature = key.sign(stamp.encode("ascii") + b"|" + body).signature
        return {SIGNATURE: b64encode(signature).decode("ascii"), TIMESTAMP: stamp}

    _keys_of_this_process.append(key.verify_key)
    try:
        yield sign
    finally:
        _keys_of_this_process.remove(key.verify_key)


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
