"""
Carries a program's callback URL in the webhook URL that Telnyx gets, encrypted.

So it is kept with the fax wherever the event arrives: at another process, at another host, or after the
ledger was lost. Neither Telnyx nor a log can read it, and nobody else can make one.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b, sha256
from typing import Sequence

from attrs import field, frozen
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

_PURPOSE = b"twilio_fax_compat callback url|"


@frozen
class SealedUrls:
    """
    Encrypts URLs with keys derived from an account's auth *tokens*.

    The first token encrypts; the others, such as the former one, only decrypt.
    """

    tokens: Sequence[str] = field(repr=False)

    def seal(self, url: str) -> str:
        """Return *url* encrypted, as text for a path. The same URL gives the same text."""
        key, content = _key(self.tokens[0]), url.encode()
        # A nonce that follows from key and content is never used for two contents.
        nonce = blake2b(content, key=key, digest_size=SecretBox.NONCE_SIZE).digest()
        sealed = SecretBox(key).encrypt(content, nonce)
        return urlsafe_b64encode(sealed).decode("ascii").rstrip("=")

    def opened(self, text: str) -> str | None:
        """Return the URL of a sealed *text*, or None if no token opens it."""
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        for token in self.tokens:
            try:
                return SecretBox(_key(token)).decrypt(sealed).decode()
            except (CryptoError, ValueError):
                continue
        return None


def _key(token: str) -> bytes:
    return sha256(_PURPOSE + token.encode()).digest()
