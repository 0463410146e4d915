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
    AGAIN,
    DONE,
    AppAnswer,
    CallApp,
    Claim,
    Download,
    Finish,
    Keep,
    Postpone,
    Release,
    Rules,
    Settle,
    Step,
    Talk,
    Tell,
    receive,
    turn_of,
    work_off,
)
from twilio_fax_compat._drive import carry_out
from twilio_fax_compat._ledgers import chosen_ledger
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.ledger import InboxEntry, Ledger, LedgerUnavailable, MemoryLedger
from twilio_fax_compat.settings import TelnyxSettings
from twilio_fax_compat.webhooks.download import downloaded
from twilio_fax_compat.webhooks.inbox import LEASE, Workers
from twilio_fax_compat.webhooks.media import Media, MediaServer

A = TypeVar("A")

logger = logging.getLogger("twilio_fax_compat.webhooks")

SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
TOLERANCE = 300.0
"""Seconds that a signature's time may be off, either way, as in Telnyx's own SDK."""


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
    has_inbox: bool = False
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
        media: Media | TelnyxSettings | bool,
        inbox: bool,
        incoming_method: str,
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
        if incoming_method not in ("GET", "POST"):
            raise TwilioException("incoming_method must be 'GET' or 'POST'")
        chosen = chosen_ledger(ledger, environ)
        if inbox and isinstance(chosen, MemoryLedger):
            raise TwilioException(
                "inbox=True needs a ledger that outlives the process: set "
                "TWILIO_FAX_COMPAT_LEDGER to sqlite:////path/of/fax.db or a PostgreSQL URL"
            )
        server = links = None
        if media:
            options = media if isinstance(media, Media) else Media()
            if isinstance(media, TelnyxSettings):
                options = Media(telnyx=media)
            key = media_key(str(found["TWILIO_AUTH_TOKEN"]))
            links = MediaLinks(key=key, path=options.path, lifetime=options.lifetime)
            server = _media_server(links, options, environ)
        texts = found["TELNYX_PUBLIC_KEY"]
        if isinstance(texts, str):
            texts = texts.split(",")
        return cls(
            rules=Rules(
                account_sid=str(found["TWILIO_ACCOUNT_SID"]),
                auth_token=str(found["TWILIO_AUTH_TOKEN"]),
                forwards_all=forward == "all",
                links=links,
                keeps_documents=server is not None and server.keeps_documents,
                incoming_method=incoming_method,
            ),
            keys=[_key(text) for text in texts or ()],
            ledger=chosen,
            media=server,
            has_inbox=inbox,
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
            told = json.loads(body.decode())
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
        if not _verifies(self.keys, message, raw):
            return "the signature does not fit"
        if abs(time.time() - int(stamp)) > self.tolerance:
            return "the signature is not of this time"
        return None

    def carry_out(self, step: Step) -> Any:
        """Carry out a step that is no call of the wrapped application."""
        ledger = self.ledger
        if isinstance(step, Claim):
            return ledger.claim(step.event_id, LEASE)
        if isinstance(step, Settle):
            return ledger.settle(step.event_id)
        if isinstance(step, Release):
            return ledger.release(step.event_id)
        if isinstance(step, Finish):
            return ledger.finish(step.event_id)
        if isinstance(step, Postpone):
            return ledger.postpone(step.event_id, step.seconds, as_untaken=step.as_untaken)
        if isinstance(step, Tell):
            code = "" if step.code is None else f"{step.code}: "
            return logger.warning("%s%s", code, step.text)
        if isinstance(step, Download):
            download = self.media.download if self.media else _download
            return download(step.fax_id, step.url)
        if isinstance(step, Keep):
            return self.media is not None and self.media.keep(step.fax_id, step.url)
        if isinstance(step, CallApp):
            return _call_elsewhere(step)
        return carry_out(step, ledger)

    def store(self, event: FaxEvent, body: bytes, url: str, kept: Mapping[str, str]) -> int:
        """Put an event into the inbox and return what answers Telnyx."""
        try:
            self.ledger.put(InboxEntry(event.id, body, kept, url))
        except LedgerUnavailable as error:
            logger.warning("an event could not be stored: %s", error)
            return AGAIN
        return DONE

    def keep_taken(self, entry: InboxEntry, seconds: float) -> None:
        """Keep an entry of the inbox, and the turn of its fax, for so many *seconds* more."""
        event = read_event(json.loads(entry.body))
        self.ledger.postpone(entry.event_id, seconds)
        if event is not None:
            self.ledger.prolong(turn_of(event), seconds)

    def begin(self, event: FaxEvent, url: str) -> Talk:
        """Return the steps that deliver an event which just came."""
        return receive(event, url, self.rules)

    def resume(self, entry: InboxEntry) -> Talk:
        """Return the steps that deliver an event from the inbox."""
        event = read_event(json.loads(entry.body))
        assert event is not None  # only such events are stored
        return work_off(event, entry.url, self.rules, entry.attempts)


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
        media: Media | TelnyxSettings | bool = False,
        inbox: bool = False,
        incoming_method: str = "POST",
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
            inbox=inbox,
            incoming_method=incoming_method,
            environ=environ,
        )
        self._workers = (
            Workers(self._receiver.ledger, self._deliver_entry, self._receiver.keep_taken)
            if inbox
            else None
        )

    def start(self) -> None:
        """Begin to work on the inbox now; otherwise the first request of the process does it."""
        if self._workers is not None:
            self._workers.start()

    def close(self, timeout: float = 10.0) -> None:
        """Work on the inbox no more, after up to *timeout* seconds for what is being delivered."""
        if self._workers is not None:
            self._workers.stop(timeout)

    def _deliver_entry(self, entry: InboxEntry) -> None:
        raise NotImplementedError


def path_inside(target: str, called: str, own: str) -> str:
    """
    Return the path by which the server knows *target*, a path on the host that Telnyx called.

    A proxy may show to the world as *called* what the server has as *own*.
    """
    if target == called:
        return own
    before = called[: -len(own)] if own and called.endswith(own) else ""
    return target[len(before) :] if before and target.startswith(before + "/") else target


def _media_server(links: MediaLinks, media: Media, environ: Mapping[str, str]) -> MediaServer:
    try:
        return MediaServer(links, media, media.telnyx.completed(environ))
    except ValueError as error:
        raise TwilioException("Media(store=...) must be a URL that fsspec knows") from error


def _refused(status: int, why: str) -> int:
    logger.warning("a webhook was refused: %s", why)
    return status


def _verifies(keys: Sequence[VerifyKey], message: bytes, signature: bytes) -> bool:
    for key in keys:
        try:
            key.verify(message, signature)
        except BadSignatureError:
            continue
        return True
    return False


def _key(text: str) -> VerifyKey:
    try:
        return VerifyKey(b64decode(text.strip().encode("ascii"), validate=True))
    except (TypeError, ValueError) as error:
        raise TwilioException(
            "TELNYX_PUBLIC_KEY must be the base64 of 32 bytes, as the portal shows it"
        ) from error


def _download(_fax_id: str, url: str) -> bytes | None:
    return downloaded(url)


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
