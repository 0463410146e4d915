"""Responses as Twilio's client has them."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Mapping


class Response:
    """An HTTP response: *status_code*, *text* and *headers*."""

    def __init__(
        self, status_code: int, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.content = text
        self.headers = headers
        self.cached = False
        self.status_code = status_code
        self.ok = self.status_code < 400

    @property
    def text(self) -> str:
        """The body."""
        return self.content

    def __repr__(self) -> str:
        return f"HTTP {self.status_code} {self.content}"


class PayloadResponse(Response):
    """
    A response that carries what its body decodes to, which is written out only if asked for.

    *cause* is the exception that an error of this response is chained to. The repr shows no
    body, as a failed list puts its response into an exception's arguments, but which of two
    providers failed.
    """

    has_payload = True

    def __init__(
        self,
        status_code: int,
        payload: Any,
        headers: Mapping[str, str] | None = None,
        cause: BaseException | None = None,
    ) -> None:
        self.headers = headers
        self.cached = False
        self.status_code = status_code
        self.ok = self.status_code < 400
        self.payload = payload
        self.cause = cause

    @cached_property
    def content(self) -> str:  # type: ignore[override]
        """The body."""
        return "" if self.payload is None else json.dumps(self.payload)

    def __repr__(self) -> str:
        details = self.payload.get("details") if isinstance(self.payload, dict) else None
        provider = details.get("provider") if isinstance(details, dict) else None
        return f"HTTP {self.status_code}" + (f" of {provider}" if provider else "")

    def __getstate__(self) -> dict[str, Any]:
        # A cause may hold connections, which no process can give to another.
        return {**vars(self), "cause": None}
