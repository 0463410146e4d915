"""What the two middlewares share: settings, verification, and the carrying out of steps."""

from __future__ import annotations

import json
import logging
import os
import time
from base64 import b64decode
from typing import Any, Generic, Mapping, Sequence, TypeVar

import httpx
from attrs import field, frozen
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from twilio_fax_compat._core.events import FaxEvent, event_name, read_event
from twilio_fax_compat._core.media_links import MediaLinks, media_key
from twilio_fax_compat._core.receiving import (
    DONE,
    AppAnswer,
    CallApp,
    Claim,
    Download,
    Release,
    Rules,
    Settle,
    Step,
    Tell,
)
from twilio_fax_compat._drive import carry_out
from twilio_fax_compat._ledgers import chosen_ledger
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.webhooks.media import MediaServer

A = TypeVar("A")

logger = logging.getLogger("twilio_fax_compat.webhooks")

SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
TOLERANCE = 300.0
"""Seconds that a signature's time may be off, either way, as in Telnyx's own SDK."""

CLAIM_SECONDS = 60.0
"""How long an event stays with whoever began to deliver it and was never heard of again."""

DOCUMENT_LIMIT = 64 * 1024 * 1024


@frozen
class Stranger:
    """A request that is not about a fax, and is the application's own business."""


@frozen(kw_only=True)
class Receiver:
    """
    The settings of a middleware, complete and checked.

    *keys* verify Telnyx's signatures, any of them will do; *max_body* is in bytes, *tolerance* in
    seconds.
    """

    rules: Rules
    keys: Sequence[VerifyKey] = field(repr=False)
    ledger: Ledger = field(repr=False)
    media: MediaServer | None = None
    max_body: int = 1024 * 1024
    tolerance: float = TOLERANCE

    @classmethod
    def of(
        cls,
        *,
        auth_token: str | None,
        account_sid: str | None,
        public_key: str | Sequence[str] | None,
        ledger: Ledger | str | None,
        forward: str,
        max_body: int,
        media: TelnyxSettings | bool,
        environ: Mapping[str, str] | None,
    ) -> Receiver:
        """
        Return the receiver of a middleware's arguments, the rest being taken from *environ*.

        Raises TwilioException that names what is missing or cannot be right.
        """
        environ = os.environ if environ is None else environ
        found = {
            "TWILIO_AUTH_TOKEN": auth_token or environ.get("TWILIO_AUTH_TOKEN"),
            "TWILIO_ACCOUNT_SID": account_sid or environ.get("TWILIO_ACCOUNT_SID"),
            "TELNYX_PUBLIC_KEY": public_key or environ.get("TELNYX_PUBLIC_KEY"),
        }
        missing = [name for name, value in found.items() if not value]
        if missing:
            raise TwilioException(
                "webhook settings are missing: set {} in the environment or pass {}".format(
                    " and ".join(missing),
                    ", ".join(name.lower().partition("_")[2] for name in missing),
                )
            )
        if forward not in ("final", "all"):
            raise TwilioException("forward must be 'final' or 'all'")
        links = MediaLinks(key=media_key(str(found["TWILIO_AUTH_TOKEN"]))) if media else None
        settings = media if isinstance(media, TelnyxSettings) else TelnyxSettings()
        server = MediaServer(links, settings.completed(environ)) if links is not None else None
        texts = found["TELNYX_PUBLIC_KEY"]
        if isinstance(texts, str):
            texts = texts.split(",")
        return cls(
            rules=Rules(
                account_sid=str(found["TWILIO_ACCOUNT_SID"]),
                auth_token=str(found["TWILIO_AUTH_TOKEN"]),
                forwards_all=forward == "all",
                links=links,
            ),
            keys=[_key(text) for text in texts or ()],
            ledger=chosen_ledger(ledger, environ),
            media=server,
            max_body=max_body,
        )

    def read(self, headers: Mapping[str, str], body: bytes) -> FaxEvent | Stranger | int:
        """
        Return the verified event of a webhook, or the HTTP status that answers one without.

        *headers* have lower-case names; *body* is raw, and longer than the limit if it was.
        """
        if len(body) > self.max_body:
            return _refused(400, "the body is too large")
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return _refused(400, "the body is no JSON")
        if not (event_name(told) or "").startswith("fax."):
            return Stranger()
        why = self._doubt(headers, body)
        if why is not None:
            return _refused(401, why)
        event = read_event(told)
        if event is None:
            logger.info("an event of no known kind was left alone")
            return DONE
        return event

    def _doubt(self, headers: Mapping[str, str], body: bytes) -> str | None:
        stamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
            return "the timestamp is missing or none"
        try:
            raw = b64decode(signature.encode("ascii"), validate=True)
        except ValueError:
            return "the signature is none"
        if len(raw) != 64:
            return "the signature is missing or none"
        message = stamp.encode("ascii") + b"|" + body
        if not any(_verifies(key, message, raw) for key in self.keys):
            return "the signature does not fit"
        if abs(time.time() - int(stamp)) > self.tolerance:
            return "the signature is not of this time"
        return None

    def carry_out(self, step: Step) -> Any:
        """Carry out a step that is no call of the wrapped application."""
        if isinstance(step, Claim):
            return self.ledger.claim(step.event_id, CLAIM_SECONDS)
        if isinstance(step, Settle):
            return self.ledger.settle(step.event_id)
        if isinstance(step, Release):
            return self.ledger.release(step.event_id)
        if isinstance(step, Tell):
            code = "" if step.code is None else f"{step.code}: "
            return logger.warning("%s%s", code, step.text)
        if isinstance(step, Download):
            return _download(step.url)
        if isinstance(step, CallApp):
            return _call_elsewhere(step)
        return carry_out(step, self.ledger)


class Middleware(Generic[A]):
    """What wraps an application: it, and the settings that are checked when this is built."""

    def __init__(
        self,
        app: A,
        *,
        auth_token: str | None = None,
        account_sid: str | None = None,
        public_key: str | Sequence[str] | None = None,
        ledger: Ledger | str | None = None,
        forward: str = "final",
        max_body: int = 1024 * 1024,
        media: TelnyxSettings | bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.app = app
        self._receiver = Receiver.of(
            auth_token=auth_token,
            account_sid=account_sid,
            public_key=public_key,
            ledger=ledger,
            forward=forward,
            max_body=max_body,
            media=media,
            environ=environ,
        )


def _refused(status: int, why: str) -> int:
    logger.warning("a webhook was refused: %s", why)
    return status


def _verifies(key: VerifyKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(message, signature)
    except BadSignatureError:
        return False
    return True


def _key(text: str) -> VerifyKey:
    try:
        return VerifyKey(b64decode(text.strip().encode("ascii"), validate=True))
    except (TypeError, ValueError) as error:
        raise TwilioException(
            "TELNYX_PUBLIC_KEY must be the base64 of 32 bytes, as the portal shows it"
        ) from error


def _download(url: str) -> bytes | None:
    try:
        with httpx.Client(timeout=20) as client, client.stream("GET", url) as response:
            if response.status_code != 200:
                return None
            document = b""
            for chunk in response.iter_bytes():
                document += chunk
                if len(document) > DOCUMENT_LIMIT:
                    return None
            return document
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return None


def _call_elsewhere(call: CallApp) -> AppAnswer:
    try:
        with httpx.Client(timeout=15) as client:
            response = client.request(
                call.method, call.url, headers=dict(call.headers), content=call.body
            )
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        logger.warning("11205: the action could not be reached: %s", type(error).__name__)
        return AppAnswer(0)
    return AppAnswer(response.status_code, response.headers.get("content-type"), response.content)
