"""Makes Telnyx call an application."""

import json

import httpx

from tests.helpers import FROM, TO
from twilio_fax_compat.testing.webhooks import signed_headers

EVENT = {
    "data": {
        "record_type": "event",
        "event_type": "fax.queued",
        "id": "e1",
        "occurred_at": "2026-07-01T12:00:00.000000Z",
        "payload": {
            "fax_id": "6ddd2642-0dab-4bcf-9c5f-45dd5f0a2d2e",
            "direction": "outbound",
            "from": FROM,
            "to": TO,
            "status": "queued",
        },
    },
}


def forged(app, telnyx, body=None, key=None, alter=None, path="/fax/status", sent=None, **headers):
    """Post a webhook that is signed with *key*, its signature headers altered or left out."""
    body = json.dumps(EVENT).encode() if body is None else body
    key = key or telnyx._webhook_sender.key
    signed = {**signed_headers(key, body, telnyx.now), **headers}
    signed = {name: value for name, value in signed.items() if value is not None}
    content = alter(body) if alter else body
    return httpx.post(app.url + path, content=content if sent is None else sent, headers=signed)


def finish(telnyx):
    telnyx.settle()
    telnyx.flush_webhooks()


def inbound(app, telnyx, **options):
    telnyx.webhook_url = app.url + "/fax"
    fax = telnyx.receive("+15005550002", FROM, pages=3, **options)
    finish(telnyx)
    return "FX" + fax.replace("-", "")


def webhook(name="fax.delivered", event_id="e1", delivered_to=None, **payload):
    """Return the body of an event."""
    payload = {**EVENT["data"]["payload"], **payload}
    data = {"event_type": name, "id": event_id, "payload": payload}
    meta = {"meta": {"delivered_to": delivered_to}} if delivered_to else {}
    return json.dumps({"data": data, **meta}).encode()
