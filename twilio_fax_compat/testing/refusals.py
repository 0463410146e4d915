"""
Telnyx's error responses.

Codes and titles: https://developers.telnyx.com/development/api-fundamentals/api-errors.
"""

from __future__ import annotations

from typing import Any, Mapping

TITLES: Mapping[str, str] = {
    "10003": "Invalid URL",
    "10004": "Missing required parameter",
    "10005": "Resource not found",
    "10007": "Unexpected error",
    "10008": "Request timeout",
    "10009": "Authentication failed",
    "10010": "Authorization failed",
    "10011": "Too many requests",
    "10015": "Bad Request",
    "10016": "Phone number must be in +E.164 format",
    "10023": "Invalid JSON",
    "10024": "Unsupported Content-Type",
    "10025": "Invalid length",
    "10026": "Invalid type",
    "10027": "Unprocessable entity",
    "10031": "Invalid request filter",
    "10032": "Invalid enumerated value",
    "10033": "Value outside of range",
    "10036": "Resource being processed",
    "10037": "Service unavailable",
    "85004": "Invalid connection id",
    "90017": "Invalid client_state",
    "90080": "Fax command not allowed in the current state",
    "90081": "Fax command not allowed on an inbound fax",
}

CODES: Mapping[int, str] = {
    400: "10015",
    401: "10009",
    403: "10010",
    404: "10005",
    408: "10008",
    409: "10036",
    422: "10027",
    429: "10011",
    500: "10007",
}
"""The general code of each HTTP status; for any other status it is ``10037``."""

NOT_FOUND = "The requested resource or URL could not be found."


class Refusal(Exception):
    """
    Raised to answer a request with an error.

    *pointer* is the JSON pointer to the wrong field of the body; *parameter* is the name of the wrong
    query parameter.
    """

    def __init__(
        self,
        status: int,
        code: str | None = None,
        detail: str = "",
        pointer: str | None = None,
        parameter: str | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code or CODES.get(status, "10037")
        self.detail = detail
        self.source = {"pointer": pointer} if pointer else {"parameter": parameter}

    def body(self) -> dict[str, list[dict[str, Any]]]:
        """Return the body of the response."""
        title = TITLES.get(self.code, "Error")
        error: dict[str, Any] = {
            "code": self.code,
            "title": title,
            "detail": self.detail or title,
            "meta": {"url": f"https://developers.telnyx.com/docs/overview/errors/{self.code}"},
        }
        if any(self.source.values()):
            error["source"] = self.source
        return {"errors": [error]}
