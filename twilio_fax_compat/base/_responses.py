"""Read the payload of a response of either library."""

from __future__ import annotations

import json
from typing import Any


def payload_of(response: Any) -> Any:
    """Return what the body of *response* decodes to. Raises ValueError when it is not JSON."""
    # Asked of the class: the mock of a test has any attribute.
    has_payload = getattr(type(response), "has_payload", False) is True
    payload = response.payload if has_payload else None
    return json.loads(response.text) if payload is None else payload


def cause_of(response: Any) -> BaseException | None:
    """Return the exception that an error of *response* is chained to, or None."""
    cause = getattr(response, "cause", None)
    return cause if isinstance(cause, BaseException) else None
