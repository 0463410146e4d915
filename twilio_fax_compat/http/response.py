"""The responses of Twilio's client."""

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
    A response with a decoded body, *payload*. It is encoded as text only when ``text`` is read.

    *cause* is the exception to chain to an error of this response. The repr shows the status, which
    provider failed, and the masked message of an error. It does not show the body, as a failed list
    puts its response into an exception's arguments.
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
        from twilio_fax_compat._core.masking import mask

        payload = self.payload if isinstance(self.payload, dict) else {}
        details = payload.get("details")
        provider = details.get("provider") if isinstance(details, dict) else None
        message = None if self.ok else payload.get("message")
        return (
            f"HTTP {self.status_code}"
            + (f" of {provider}" if provider else "")
            + (f": {mask(message)}" if isinstance(message, str) and message else "")
        )

    def __getstate__(self) -> dict[str, Any]:
        # A cause may hold connections, which cannot be pickled.
        return {**vars(self), "cause": None}


class ListedResponse(PayloadResponse):
    """The response of a list. Its payload is made when it is first read from *answer*."""

    has_lazy_records = True

    def __init__(self, answer: Any) -> None:
        self.headers = {}
        self.cached = False
        self.status_code = 200
        self.ok = True
        self.cause = None
        self.answer = answer

    @cached_property
    def payload(self) -> Any:
        """The decoded body."""
        return self.answer.payload

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "payload": self.payload, "answer": None}


def response_to(answer: Any) -> PayloadResponse:
    """Return an answer of a fax API (a ``TwilioResponse``) as a response of Twilio's client."""
    if getattr(answer, "faxes", None) is not None:
        return ListedResponse(answer)
    return PayloadResponse(answer.status, answer.payload, {}, answer.cause)
