"""
Compare this library's webhooks with Telnyx's SDK, as ratios in one interleaved run.

    python benchmarks/webhooks.py

A bare PyNaCl verification is 1. Needs the extras ``webhooks`` and ``emulator``. Telnyx's SDK is
measured if it is installed.
"""

from __future__ import annotations

import json
import statistics
import time
from base64 import b64decode, b64encode
from datetime import datetime, timezone

from nacl.signing import SigningKey, VerifyKey

from twilio_fax_compat._core.webhooks.events import to_twilio_callback
from twilio_fax_compat._core.webhooks.twilio_requests import CallbackSettings, _call
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.testing.webhooks import signed_headers
from twilio_fax_compat.webhooks import WSGIMiddleware
from twilio_fax_compat.webhooks.accounts import Accounts
from twilio_fax_compat.webhooks.receiver import Receiver

KEY = SigningKey.generate()
PUBLIC_KEY = b64encode(bytes(KEY.verify_key)).decode()
URL = "https://app.example.com/fax/status"
BODY = json.dumps(
    {
        "data": {
            "record_type": "event",
            "event_type": "fax.delivered",
            "id": "95479a2e-b947-470a-a88f-2da6dd07ae0f",
            "occurred_at": "2026-07-01T12:00:00.000000Z",
            "payload": {
                "fax_id": "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e",
                "connection_id": "1293384261075731499",
                "direction": "outbound",
                "from": "+15005550006",
                "to": "+15005550009",
                "original_media_url": "https://www.example.com/fax.pdf",
                "status": "delivered",
                "page_count": 1,
                "call_duration_secs": 31,
                "user_id": "19a75cea-02c6-4b9a-84fa-c9bc8341feb8",
            },
        },
        "meta": {"attempt": 1, "delivered_to": URL},
    }
).encode()
HEADERS = signed_headers(KEY, BODY, datetime.now(timezone.utc))


def bare():
    """Return a function that only decodes and verifies."""
    key = VerifyKey(b64decode(PUBLIC_KEY))

    def verify():
        signature = b64decode(HEADERS["telnyx-signature-ed25519"])
        key.verify(HEADERS["telnyx-timestamp"].encode() + b"|" + BODY, signature)

    return verify


def ours():
    """Return a function that turns a raw webhook into a signed Twilio request."""
    rules = CallbackSettings(account_sid="AC1", auth_token="token")
    receiver = Receiver(
        rules=rules,
        accounts=Accounts("AC1", "token"),
        keys=[VerifyKey(b64decode(PUBLIC_KEY))],
        ledger=MemoryLedger(),
    )

    def translate():
        event = receiver.read(HEADERS, BODY)
        _call("POST", URL, to_twilio_callback(event, "AC1"), rules)

    return translate


def sdk():
    """Return a function that verifies and parses with the SDK, or None without it."""
    try:
        import telnyx
        import telnyx.lib
    except ImportError:
        return None
    client = telnyx.Telnyx(api_key="KEY", public_key=PUBLIC_KEY)
    text = BODY.decode()
    client.webhooks.unwrap(text, headers=HEADERS)
    return lambda: client.webhooks.unwrap(text, headers=HEADERS)


def pass_through():
    """Return the microseconds that the middleware adds to an ordinary request."""

    def app(_environ, _start_response):
        return ()

    wrapped = WSGIMiddleware(app, auth_token="t", account_sid="AC1", public_key=PUBLIC_KEY)
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_USER_AGENT": "curl/8"}
    took = {}
    for name, target in (("bare", app), ("wrapped", wrapped)):
        rounds = []
        for _ in range(7):
            began = time.perf_counter()
            for _ in range(20_000):
                target(environ, None)
            rounds.append((time.perf_counter() - began) / 20_000)
        took[name] = statistics.median(rounds)
    return (took["wrapped"] - took["bare"]) * 1e6


def main():
    tasks = {"bare PyNaCl verification": bare(), "twilio_fax_compat": ours(), "telnyx SDK": sdk()}
    tasks = {name: task for name, task in tasks.items() if task is not None}
    rates = {name: [] for name in tasks}
    for _ in range(9):
        for name, task in tasks.items():
            began = time.perf_counter()
            for _ in range(1000):
                task()
            rates[name].append(1000 / (time.perf_counter() - began))
    base = rates["bare PyNaCl verification"]
    print("events per second, and the ratio to a bare verification")
    for name, values in rates.items():
        ratio = statistics.median(value / other for value, other in zip(values, base))
        print(f"  {name:<26} {statistics.median(values):9.0f}   {ratio:5.2f} x")
    print(f"the middleware adds to any other request: {pass_through():.2f} us")


if __name__ == "__main__":
    main()
