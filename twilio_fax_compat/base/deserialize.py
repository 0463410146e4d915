"""Values of Twilio's wire as Python has them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

ISO8601_DATE_FORMAT = "%Y-%m-%d"
ISO8601_DATETIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_is_plain = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\dZ", flags=re.ASCII
).fullmatch  # what `datetime.fromisoformat` and `datetime.strptime` agree on in every Python


def iso8601_date(s: Any) -> Any:
    """Return the date that *s* tells, or *s* itself."""
    try:
        return datetime.strptime(s, ISO8601_DATE_FORMAT).date()
    except (TypeError, ValueError):
        return s


def iso8601_datetime(s: Any) -> Any:
    """Return the aware UTC moment that *s* tells (``2021-03-04T05:06:07Z``), or *s* itself."""
    if s is None:
        return s
    try:
        if _is_plain(s):
            return datetime.fromisoformat(s[:19] + "+00:00")  # ten times as fast as strptime
        return datetime.strptime(s, ISO8601_DATETIME_FORMAT).replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        return s


def rfc2822_datetime(s: Any) -> Any:
    """Return an RFC 2822 date's moment, its zone taken for UTC as at Twilio, or None."""
    from email.utils import parsedate

    moment = parsedate(s)
    return None if moment is None else datetime(*moment[:6]).replace(tzinfo=timezone.utc)


def decimal(d: Any) -> Any:
    """Return the Decimal that *d* tells; what is empty as it is."""
    if not d:
        return d
    from decimal import BasicContext, Decimal

    return Decimal(d, BasicContext)


def integer(i: Any) -> Any:
    """Return the int that *i* tells, or *i* itself."""
    if i is None:
        return i
    try:
        return int(i)
    except (TypeError, ValueError):
        return i
