"""
Faxes and errors of another Twilio-shaped client, as Twilio's API words them.

Names: https://www.twilio.com/docs/fax/api/fax-resource and
https://www.twilio.com/docs/fax/api/fax-media-resource.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Mapping

from twilio_fax_compat._core.messages import JSON, TwilioResponse
from twilio_fax_compat._core.problems import problem
from twilio_fax_compat._core.times import parse_http_date, parse_timestamp

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


def payload_of_instance(instance: Any, names: tuple[str, ...]) -> JSON:
    """Return the payload that *instance*, an object with Twilio's attributes, was made of."""
    properties = getattr(instance, "_properties", None)
    known: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    payload = {}
    for name in names:
        own = "from_" if name == "from" else name
        value = known[own] if own in known else known.get(name, getattr(instance, own, None))
        payload[name] = _date(value) if name.startswith("date_") else _wire(value)
    return payload


def answer_of_error(error: BaseException) -> TwilioResponse | None:
    """
    Return the answer that a client's exception tells of, or None when it tells of none.

    Such an exception has a ``status`` (``TwilioRestException``), or a response with a
    ``status_code`` among its arguments (a failed page).
    """
    status = getattr(error, "status", None)
    if isinstance(status, int) and not isinstance(status, bool) and 100 <= status < 600:
        code = getattr(error, "code", None)
        message = _PREFIX.sub("", str(getattr(error, "msg", None) or error), count=1)
        details = getattr(error, "details", None)
        return problem(
            status,
            code if isinstance(code, int) else status,
            message,
            details if isinstance(details, dict) else None,
            error,
        )
    for argument in getattr(error, "args", ()):
        status = getattr(argument, "status_code", None)
        if isinstance(status, int):
            return problem(status, status, "{}".format(error.args[0]), None, error)
    return None


def _date(value: Any) -> Any:
    if isinstance(value, str):
        # Twilio's other products, and those who copied them, write RFC 2822.
        value = parse_timestamp(value) or parse_http_date(value) or value
    if not isinstance(value, datetime):
        return _wire(value)
    moment = value if value.tzinfo is None else value.astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _wire(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, bool, dict, list)):
        return value
    return str(value)
