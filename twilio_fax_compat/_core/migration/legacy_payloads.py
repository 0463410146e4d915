"""
Faxes and errors of another Twilio-shaped client, in the form of Twilio's API.

Names: https://www.twilio.com/docs/fax/api/fax-resource and
https://www.twilio.com/docs/fax/api/fax-media-resource.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any, Mapping

from twilio_fax_compat._core.masking import is_public, mask
from twilio_fax_compat._core.messages import JSON, TwilioResponse
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.times import parse_http_date, parse_timestamp

FAX_NAMES = (
    "sid",
    "account_sid",
    "from",
    "to",
    "quality",
    "media_sid",
    "media_url",
    "num_pages",
    "duration",
    "status",
    "direction",
    "api_version",
    "price",
    "price_unit",
    "date_created",
    "date_updated",
    "links",
    "url",
)
MEDIA_NAMES = (
    "sid",
    "account_sid",
    "fax_sid",
    "content_type",
    "date_created",
    "date_updated",
    "url",
)
_PREFIX = re.compile(r"Unable to (?:create|fetch|update|delete) (?:record|page): ?")


def payload_of_instance(
    instance: Any, names: tuple[str, ...], unreadable: list[str] | None = None
) -> JSON:
    """
    Return the payload of *instance*, an object with Twilio's attributes.

    If *unreadable* is given, an attribute that raises an error is None, and its name is added there.
    Without a readable ``sid`` the error is raised all the same.
    """
    properties = getattr(instance, "_properties", None)
    wire: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    payload = {}
    for name in names:
        own = "from_" if name == "from" else name
        try:
            value = wire[own] if own in wire else wire.get(name, getattr(instance, own, None))
        except Exception:
            if unreadable is None or name == "sid":
                raise
            unreadable.append(name)
            value = None
        payload[name] = _date(value) if name.startswith("date_") else _wire(value)
    return payload


def answer_of_error(error: BaseException) -> TwilioResponse | None:
    """
    Return the provider's answer inside a client's exception, or None if it has none.

    Such an exception has a ``status`` (``TwilioRestException``), or a response with a
    ``status_code`` among its arguments (a failed page). Numbers are masked, and an exception that
    shows a number is not chained.
    """
    status = _status(error, "status")
    if status is not None:
        code, details = getattr(error, "code", None), getattr(error, "details", None)
        message = _PREFIX.sub("", str(getattr(error, "msg", None) or error), count=1)
        return _problem(error, status, code, message, details)
    for argument in getattr(error, "args", ()):
        status = _status(argument, "status_code")
        if status is not None:
            body = _body_of(argument)
            message = str(body.get("message") or error.args[0])
            return _problem(error, status, body.get("code"), message, body.get("details"))
    return None


def _problem(
    error: BaseException, status: int, code: object, message: str, details: object
) -> TwilioResponse:
    return problem(
        status,
        code if isinstance(code, int) else status,
        mask(message),
        details if isinstance(details, dict) else None,
        error if is_public(error) else None,
    )


def _status(holder: object, name: str) -> int | None:
    value = getattr(holder, name, None)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 100 <= value < 600 else None


def _body_of(response: object) -> JSON:
    try:
        body = json.loads(getattr(response, "text", ""))
    except (TypeError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def _date(value: Any) -> Any:
    if isinstance(value, str):
        # Twilio's other products, and their imitations, write RFC 2822 dates.
        value = parse_timestamp(value) or parse_http_date(value) or value
    if not isinstance(value, datetime):
        return _wire(value)
    moment = value if value.tzinfo is None else value.astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _wire(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, bool, dict, list)):
        return value
    return str(value)
