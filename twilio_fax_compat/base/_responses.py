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


def has_lazy_records(response: Any) -> bool:
    """
    Return whether *response* is one of ours whose records are translated when somebody reads them.

    Its ``answer`` has the records as ``faxes``, the ``meta`` of the list, and the whole ``payload``.
    """
    return getattr(type(response), "has_lazy_records", False) is True


def is_lazy(record: Any) -> bool:
    """Return whether *record* is of such a response. Its ``payload()`` is the whole record."""
    return getattr(type(record), "is_lazy", False) is True
