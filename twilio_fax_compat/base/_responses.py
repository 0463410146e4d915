"""Reads the payload of a response of Twilio's package or of ours."""

from __future__ import annotations

import json
from typing import Any


def payload_of(response: Any) -> Any:
    """Return the decoded JSON body of *response*. Raises ValueError if it is not JSON."""
    # Look at the class: a mock has every attribute.
    has_payload = getattr(type(response), "has_payload", False) is True
    payload = response.payload if has_payload else None
    return json.loads(response.text) if payload is None else payload


def cause_of(response: Any) -> BaseException | None:
    """Return the exception to chain to an error of *response*, or None."""
    cause = getattr(response, "cause", None)
    return cause if isinstance(cause, BaseException) else None
