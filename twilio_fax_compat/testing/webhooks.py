"""
Signed webhooks, delivered from a thread of their own.

Signature: https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks.
"""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from collections import deque
from datetime import datetime
from threading import Condition, Thread
from time import monotonic
from typing import Any, Callable, Mapping

import httpx
from attrs import define, field, frozen
from nacl.signing import SigningKey

from twilio_fax_compat.testing.faults import Faults

TIMEOUT = 2.0
"""Telnyx's patience with a webhook's receiver, in seconds."""


@frozen
class Delivery:
    """One try to deliver an *event* (the envelope's ``data``) to *url*; *status* None if none."""

    url: str
    event: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    attempt: int
    status: int | None


@define
class Courier:
    """Delivers events in order, each up to *attempts* times, until exactly 200 is answered."""

    key: SigningKey = field(repr=False)
    faults: Faults
    now: Callable[[], datetime]
    attempts: int = 3
    backoff: float = 0.5
    deliveries: list[Delivery] = field(factory=list, repr=False)
    _waiting: deque[tuple[str, dict[str, Any]]] = field(factory=deque, repr=False)
    _held_back: list[tuple[str, dict[str, Any]]] = field(factory=list, repr=False)
    _busy: bool = False
    _stopped: bool = False
    _changed: Condition = field(factory=Condition, repr=False)
    _thread: Thread | None = field(default=None, repr=False)

    @property
    def public_key(self) -> str:
        """The key that verifies the signatures, base64 of 32 bytes."""
        return b64encode(bytes(self.key.verify_key)).decode("ascii")

    def post(self, url: str, event: dict[str, Any]) -> None:
        """Take an event for delivery."""
        fault = self.faults.of_webhook(event)
        with self._changed:
            if fault is not None and fault.name == "lost":
                return
            if fault is not None and fault.name == "reordered":
                self._held_back.append((url, event))
                return
            self._waiting.append((url, event))
            if fault is not None:
                self._waiting.append((url, event))
            self._waiting.extend(self._held_back)
            self._held_back.clear()
            if self._thread is None:
                self._stopped = False
                self._thread = Thread(target=self._run, name="telnyx-webhooks", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until all is delivered or given up; False when *timeout* seconds did not do."""
        with self._changed:
            self._waiting.extend(self._held_back)
            self._held_back.clear()
            if self._waiting and self._thread is None:
                return False
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def stop(self) -> None:
        """Give up what is not delivered yet."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(TIMEOUT + self.backoff + 1)

    def _run(self) -> None:
        with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
            while True:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._waiting or self._stopped)
                    if self._stopped:
                        return
                    url, event = self._waiting.popleft()
                    self._busy = True
                self._deliver(client, url, event)

    def _deliver(self, client: httpx.Client, url: str, event: dict[str, Any]) -> None:
        for attempt in range(1, self.attempts + 1):
            meta = {"attempt": attempt, "delivered_to": url}
            body = json.dumps({"data": event, "meta": meta}).encode()
            headers = signed_headers(self.key, body, self.now())
            status: int | None = None
            with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL, OSError):
                status = client.post(url, content=body, headers=headers).status_code
            self.deliveries.append(Delivery(url, event, headers, body, attempt, status))
            if status == 200 or attempt == self.attempts:
                return
            end = monotonic() + self.backoff * 2 ** (attempt - 1)
            with self._changed:
                self._changed.wait_for(lambda: self._stopped, max(0.0, end - monotonic()))
                if self._stopped:
                    return


def signed_headers(key: SigningKey, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a webhook with that raw *body*."""
    timestamp = str(int(now.timestamp()))
    signature = key.sign(timestamp.encode() + b"|" + body).signature
    return {
        "content-type": "application/json",
        "user-agent": "telnyx-webhooks",
        "telnyx-signature-ed25519": b64encode(signature).decode("ascii"),
        "telnyx-timestamp": timestamp,
    }
