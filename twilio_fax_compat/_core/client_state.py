"""
What travels through Telnyx and back in ``client_state``: the token that tells our faxes apart.

Telnyx wants base64 and echoes it on the resource and its webhooks
(https://developers.telnyx.com/docs/programmable-fax/send-a-fax-api).
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode

_VERSION = 1


def pack(token: str) -> str:
    """Return the ``client_state`` of a fax that carries *token*."""
    state = {"twilio_fax_compat": _VERSION, "token": token}
    return b64encode(json.dumps(state, separators=(",", ":")).encode()).decode("ascii")


def token_of(client_state: object) -> str | None:
    """Return the token inside a ``client_state``, or None for one that is not ours."""
    if not isinstance(client_state, str):
        return None
    try:
        state = json.loads(b64decode(client_state, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(state, dict) or "twilio_fax_compat" not in state:
        return None
    token = state.get("token")
    return token if isinstance(token, str) else None
