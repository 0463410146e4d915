"""
Convert Telnyx's errors to Twilio's: status, code, message and details.

Twilio's codes: https://www.twilio.com/docs/api/errors. Telnyx's error body and codes:
https://developers.telnyx.com/development/api-fundamentals/api-errors. Telnyx reuses its codes across
products, so the HTTP status decides first, and then the parameter that the error names.
"""

from __future__ import annotations

from typing import Mapping

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import JSON, Failure, TelnyxResponse, TwilioResponse

DOCS = "https://www.twilio.com/docs/errors/{}"

STATUSES: Mapping[int, tuple[int, int, str]] = {
    400: (400, 20001, "Telnyx did not understand the request"),
    401: (401, 20003, "Authenticate: Telnyx refused the API key (TELNYX_API_KEY)"),
    402: (402, 20003, "Telnyx wants the account to be funded"),
    403: (403, 20003, "Permission denied: the Telnyx account may not do this"),
    405: (405, 20004, "Method not allowed"),
    409: (409, 20409, "Conflict: the fax is being processed"),
    422: (400, 20422, "Invalid parameter"),
    429: (429, 20429, "Too many requests"),
}
"""Telnyx HTTP status to Twilio's status, code and message. A 5xx keeps its number; 404 names the path."""

PARAMETERS: Mapping[str, tuple[int, str]] = {
    "to": (21211, "To"),
    "from": (21212, "From"),
    "media_url": (21620, "MediaUrl"),
    "webhook_url": (21609, "StatusCallback"),
}
"""The Telnyx parameter that a 4xx names, to Twilio's error code and parameter name."""

_STATE_CODES = frozenset({"90080", "90081"})
"""Telnyx's codes for a command that the fax's status or direction does not allow."""


def problem(
    status: int,
    code: int,
    message: str,
    details: JSON | None = None,
    cause: BaseException | None = None,
) -> TwilioResponse:
    """Return the Twilio error response of *status* with Twilio's *code* and *message*."""
    payload: JSON = {
        "code": code,
        "message": message,
        "more_info": DOCS.format(code),
        "status": status,
    }
    if details is not None:
        payload["details"] = details
    return TwilioResponse(status, payload, cause)


def not_found(path: str, details: JSON | None = None) -> TwilioResponse:
    """Return Twilio's answer for a resource that does not exist."""
    return problem(404, 20404, f"The requested resource {path} was not found", details)


def from_telnyx(response: TelnyxResponse, path: str) -> TwilioResponse:
    """
    Return Telnyx's error as Twilio's. *path* is the Twilio path of the request.

    ``details["errors"]`` is Telnyx's whole ``errors`` array. The message contains Telnyx's message,
    with masked numbers.
    """
    errors = telnyx_errors(response)
    details: JSON = {"errors": errors, "telnyx_status": response.status}
    said = "; ".join(filter(None, map(_sentence, errors))) or foreign_body(response)
    if response.status == 404:
        # The list of faxes is always there, so its address is wrong.
        hint = foreign_body(response) or (CHECK_URL if path.rstrip("/") == "/Faxes" else "")
        message = f"The requested resource {path} was not found"
        return problem(404, 20404, f"{message}: {hint}" if hint else message, details)
    status, code, summary = _kind(response.status, errors)
    return problem(status, code, f"{summary}: {said}" if said else summary, details)


CHECK_URL = "check TELNYX_BASE_URL"


def foreign_body(response: TelnyxResponse) -> str:
    """Return what to check if the body of *response* is not JSON, as Telnyx's are, else nothing."""
    if not response.body.strip() or response.json() is not None:
        return ""
    kind = response.headers.get("content-type", "").partition(";")[0].strip() or "unknown"
    return (
        f"the response has the type {mask(kind)} instead of Telnyx's JSON, so a proxy or firewall may "
        f"have sent it: {CHECK_URL}, HTTPS_PROXY and NO_PROXY"
    )


def from_failure(failure: Failure) -> TwilioResponse:
    """Return the Twilio error for a request that got no answer: 504 or 503."""
    status = 504 if failure.timed_out else 503
    message = f"Telnyx could not be reached: {mask(failure.summary)}"
    details: JSON = {"errors": [], "sent": failure.sent}
    return problem(status, 20503, message, details, failure.cause)


def telnyx_errors(response: TelnyxResponse) -> list[object]:
    """Return the ``errors`` array of a Telnyx answer, or an empty list."""
    errors = (response.json() or {}).get("errors")
    return errors if isinstance(errors, list) else []


def refuses_state(response: TelnyxResponse) -> bool:
    """Return whether Telnyx refused a command because of the fax's status or direction."""
    return any(
        isinstance(error, dict) and str(error.get("code")) in _STATE_CODES
        for error in telnyx_errors(response)
    )


def _kind(status: int, errors: list[object]) -> tuple[int, int, str]:
    if status >= 500:
        code = 20500 if status == 500 else 20503
        return status, code, f"Telnyx failed with HTTP {status}"
    mapped = STATUSES.get(status)
    if mapped is None:
        summary = f"Telnyx answered HTTP {status}"
        # Twilio's client treats a 3xx as success.
        return (status, status, summary) if status >= 400 else (502, 20500, summary)
    if status in (400, 422):
        for error in errors:
            parameter = _parameter(error)
            if parameter in PARAMETERS:
                code, name = PARAMETERS[parameter]
                return 400, code, f"Invalid {name}"
    return mapped


def _parameter(error: object) -> str:
    source: dict[str, object] = {}
    if isinstance(error, dict) and isinstance(error.get("source"), dict):
        source = error["source"]
    where = source.get("pointer") or source.get("parameter")
    return where.rsplit("/", 1)[-1] if isinstance(where, str) else ""


def _sentence(error: object) -> str:
    if not isinstance(error, dict):
        return ""
    words = [error.get(name) for name in ("title", "detail", "description")]
    said = ": ".join(dict.fromkeys(word for word in words if isinstance(word, str) and word))
    code = error.get("code")
    return mask(f"{said} (Telnyx {code})" if said and code else said or str(code or ""))
