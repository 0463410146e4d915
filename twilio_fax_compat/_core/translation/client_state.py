"""
What travels through Telnyx and back in ``client_state``, first the token that tells our faxes apart.

Telnyx wants base64 and echoes it on the resource and its webhooks
(https://developers.telnyx.com/docs/programmable-fax/send-a-fax-api).
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from typing import Mapping

_VERSION = 1


def pack(token: str, stores_media: bool = False) -> str:
    """Return the ``client_state`` of a fax that carries *token*, and whether its media is kept."""
    state = {"twilio_fax_compat": _VERSION, "token": token}
    if stores_media:
        # No webhook tells it.
        state["media"] = 1
    return b64encode(json.dumps(state, separators=(",", ":")).encode()).decode("ascii")


def token_of(client_state: object) -> str | None:
    """Return the token inside a ``client_state``, or None for one that is not ours."""
    token = _state(client_state).get("token")
    return token if isinstance(token, str) else None


def keeps_media(client_state: object) -> bool:
    """Tell whether a ``client_state`` is ours and says that the fax's media is kept."""
    return _state(client_state).get("media") == 1


def _state(client_state: object) -> Mapping[str, object]:
    if not isinstance(client_state, str):
        return {}
    try:
        state = json.loads(b64decode(client_state, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) and "twilio_fax_compat" in state else {}
