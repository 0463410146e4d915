"""
Signed webhooks, delivered by a thread.

Signature: https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks.
Only HTTP 200 is a success; then comes the failover URL:
https://developers.telnyx.com/docs/programmable-fax/receiving-webhooks.
"""

from __future__ import annotations

import heapq
import json
import logging
from base64 import b64encode
from datetime import datetime, timezone
from hashlib import sha256
from threading import Condition, Thread, current_thread
from typing import Any, Mapping, Sequence

import httpx
from attrs import define, evolve, field, frozen
from nacl.signing import SigningKey

from twilio_fax_compat.testing.clock import monotonic, wall_clocks
from twilio_fax_compat.testing.faults import Faults
from twilio_fax_compat.testing.webhook_deliveries import WebhookDeliveries, WebhookDelivery

logger = logging.getLogger("twilio_fax_compat.testing")

TIMEOUT = 2.0
"""How long Telnyx waits for the response to a webhook, in seconds."""


@frozen
class Delivery:
    """
    One attempt to deliver an *event* (the envelope's ``data``) to *url*.

    *attempt* counts from 1. *status* is the HTTP status of the response. Without a response it is None,
    and *error* says why. *at* is the virtual time of the attempt, *answer* the start of the response's body.
    """

    url: str
    event: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    attempt: int
    status: int | None
    error: str | None = None
    at: datetime | None = field(default=None, repr=False)
    answer: str = field(default="", repr=False)


@frozen
class _Job:
    """An event to deliver to the first of *urls*, then to the next."""

    urls: Sequence[str]
    event: dict[str, Any]
    timeout: float
    record: WebhookDelivery
    attempt: int = 1
    clock: int = 0


@define
class WebhookSender:
    """
    Delivers each event until a URL answers 200, with at most *attempts* attempts per URL.

    *records* keeps what became of each event. *backoff*: real seconds before the second attempt, doubled
    for each further one. Other events are delivered in between.

    Signatures carry the time of the receiver's clock, whatever the virtual time is: the real time, or
    the time at which freezegun holds this process's clock. There, the attempt after a 4xx carries the
    other of the two, since a receiver in another process is not frozen.
    """

    key: SigningKey = field(repr=False)
    faults: Faults
    records: WebhookDeliveries
    attempts: int = 3
    backoff: float = 0.5
    deliveries: list[Delivery] = field(factory=list, repr=False)
    _waiting: list[tuple[float, int, _Job]] = field(factory=list, repr=False)
    _held_back: list[_Job] = field(factory=list, repr=False)
    _sequence: int = 0
    _busy: bool = False
    _changed: Condition = field(factory=Condition, repr=False)
    _thread: Thread | None = field(default=None, repr=False)

    @property
    def public_key(self) -> str:
        """The public key of the signatures: base64 of 32 bytes."""
        return b64encode(bytes(self.key.verify_key)).decode("ascii")

    def post(self, urls: Sequence[str], event: dict[str, Any], timeout: float = TIMEOUT) -> None:
        """Deliver *event* soon. *timeout*: real seconds to wait for each response."""
        fault = self.faults.of_webhook(event)
        what = None if fault is None else fault.name
        job = _Job(urls, event, timeout, WebhookDelivery(event))
        with self._changed:
            if what == "lost":
                return
            if what == "reordered":
                self._held_back.append(job)
                return
            self._enqueue(job)
            if what == "duplicated":
                self._enqueue(job)
            self._let_go()

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is left to deliver. Return False if that takes over *timeout* seconds."""
        with self._changed:
            self._let_go()
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def stop(self) -> None:
        """Drop the events that are not delivered yet."""
        with self._changed:
            self._waiting.clear()
            self._held_back.clear()
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join(TIMEOUT + 1)

    def _let_go(self) -> None:
        for job in self._held_back:
            self._enqueue(job)
        self._held_back.clear()
        if self._thread is None and self._waiting:
            self._thread = Thread(target=self._run, name="telnyx-webhooks", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _enqueue(self, job: _Job, delay: float = 0.0) -> None:
        self._sequence += 1
        heapq.heappush(self._waiting, (monotonic() + delay, self._sequence, job))

    def _run(self) -> None:
        with httpx.Client(trust_env=False) as client:
            while True:
                job = self._next()
                if job is None:
                    return
                done = self._deliver(client, job)
                with self._changed:
                    self._busy = False
                    if done or not self._try_again(job):
                        self._finish(job, done)
                    self._changed.notify_all()

    def _next(self) -> _Job | None:
        """Wait for a job and return it. Return None after `stop`."""
        with self._changed:
            while self._thread is current_thread():
                if not self._waiting:
                    self._changed.wait()
                    continue
                ahead = self._waiting[0][0] - monotonic()
                if ahead <= 0:
                    self._busy = True
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(ahead)
        return None

    def _try_again(self, job: _Job) -> bool:
        """Plan the next attempt. Return False if there is none."""
        if self._thread is not current_thread():
            return False
        status = self.deliveries[-1].status
        if status is not None and 400 <= status < 500:
            job = evolve(job, clock=job.clock + 1)
        tried = (job.attempt - 1) % self.attempts + 1
        if tried < self.attempts:
            delay = self.backoff * 2 ** (tried - 1)
            self._enqueue(evolve(job, attempt=job.attempt + 1), delay)
            return True
        if len(job.urls) > 1:
            self._enqueue(evolve(job, urls=job.urls[1:], attempt=job.attempt + 1))
            return True
        return False

    def _finish(self, job: _Job, delivered: bool) -> None:
        self.records.add(job.record)
        if delivered or self._thread is not current_thread():
            return
        last = self.deliveries[-1]
        times = wall_clocks()
        logger.warning(
            "%s of fax %s was not delivered in %d attempts; the last one got %s%s",
            job.event["event_type"],
            job.event["payload"]["fax_id"],
            job.attempt,
            last.error or f"HTTP {last.status}",
            "" if len(times) == 1 else ", and freezegun holds the clock of this process",
        )

    def _deliver(self, client: httpx.Client, job: _Job) -> bool:
        url = job.urls[0]
        body = webhook_body(job.event, url, job.attempt)
        times = wall_clocks()
        moment = datetime.fromtimestamp(times[job.clock % len(times)], timezone.utc)
        headers = signed_headers(self.key, body, moment)
        began = self.records.now()
        answer: httpx.Response | None = None
        error: str | None = None
        try:
            answer = client.post(url, content=body, headers=headers, timeout=job.timeout)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        status = None if answer is None else answer.status_code
        job.record.add_attempt(url, headers, answer, began, self.records.now())
        text = "" if answer is None else answer.content[:10_240].decode("utf-8", "replace")
        self.deliveries.append(
            Delivery(url, job.event, headers, body, job.attempt, status, error, began, text)
        )
        return status == 200


def webhook_body(event: Mapping[str, Any], url: str, attempt: int = 1) -> bytes:
    """Return the raw body of a webhook that delivers *event* to *url*."""
    meta = {"attempt": attempt, "delivered_to": url}
    return json.dumps({"data": event, "meta": meta}).encode()


def signed_headers(key: SigningKey, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a webhook with this raw *body*, signed at the time *now*."""
    timestamp = str(int(now.timestamp()))
    signature = key.sign(timestamp.encode() + b"|" + body).signature
    return {
        "content-type": "application/json",
        "user-agent": "telnyx-webhooks",
        "telnyx-signature-ed25519": b64encode(signature).decode("ascii"),
        "telnyx-timestamp": timestamp,
    }


def signing_key(seed: int) -> SigningKey:
    """Return the key that signs webhooks. It protects nothing: everybody can make it from the *seed*."""
    return SigningKey(sha256(b"twilio_fax_compat emulator|%d" % seed).digest())
