"""
The data that travels through Telnyx and back in ``client_state``, such as the token that identifies a fax.

Telnyx wants base64 and echoes it on the resource and its webhooks
(https://developers.telnyx.com/docs/programmable-fax/send-a-fax-api).
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from typing import Mapping

_VERSION = 1


def pack(token: str, stores_media: bool = False, account_sid: str | None = None) -> str:
    """
    Return the ``client_state`` of a fax, as base64.

    It holds the fax's *token*, whether Telnyx *stores_media*, and the Twilio account that sent it.
    """
    state: dict[str, object] = {"twilio_fax_compat": _VERSION, "token": token}
    if stores_media:
        # No webhook has this setting.
        state["media"] = 1
    if account_sid:
        state["account"] = account_sid
    return b64encode(json.dumps(state, separators=(",", ":")).encode()).decode("ascii")


def token_of(client_state: object) -> str | None:
    """Return the token in a ``client_state``, or None if this library did not write it."""
    token = _state(client_state).get("token")
    return token if isinstance(token, str) else None


def keeps_media(client_state: object) -> bool:
    """Return whether a ``client_state`` says that Telnyx stores the fax's media."""
    return _state(client_state).get("media") == 1


def account_of(client_state: object) -> str | None:
    """Return the SID of the Twilio account in a ``client_state``, or None if it has none."""
    account_sid = _state(client_state).get("account")
    return account_sid if isinstance(account_sid, str) and account_sid else None


def _state(client_state: object) -> Mapping[str, object]:
    if not isinstance(client_state, str):
        return {}
    try:
        state = json.loads(b64decode(client_state, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) and "twilio_fax_compat" in state else {}
