"""
Parse and format the timestamps of both APIs.

Twilio writes whole seconds and a ``Z``
(https://www.twilio.com/docs/fax/api/fax-resource). Telnyx's samples have a fraction and a zone, or not
(https://developers.telnyx.com/development/migration/twilio-migration-guide). A time without a zone is
UTC.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)


_USUAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)


def parse_timestamp(text: object) -> datetime | None:
    """Return *text* (ISO 8601) as an aware UTC datetime, or None if it cannot be parsed."""
    match = _TIMESTAMP.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    date, time, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(date + "T" + time).replace(
            microsecond=int((fraction or "0")[:6].ljust(6, "0")), tzinfo=timezone.utc
        )
        return moment - _offset(zone)
    except (OverflowError, ValueError):
        return None


def _offset(zone: str | None) -> timedelta:
    if not zone or zone in "Zz":
        return timedelta(0)
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -offset if zone[0] == "-" else offset


def twilio_timestamp(text: object) -> str | None:
    """Return a Telnyx timestamp as Twilio writes it (``2021-03-04T05:06:07Z``), or None."""
    if isinstance(text, str) and _USUAL.fullmatch(text):
        return text[:19] + "Z"
    match = _TIMESTAMP.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    zone = match.group(4)
    if not zone or zone in "Zz":
        return "{}T{}Z".format(*match.group(1, 2))
    moment = parse_timestamp(text)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def usual_moment(text: object) -> datetime | None:
    """Return a Telnyx timestamp with a ``Z`` as a datetime of whole seconds, or None for any other text."""
    if not isinstance(text, str) or not _USUAL.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text[:19] + "+00:00")
    except ValueError:
        return None


def utc_text(moment: datetime) -> str:
    """Return an aware UTC *moment* as ISO 8601 text with microseconds and a ``Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def last_moment_of(text: str) -> datetime | None:
    """
    Return the latest time that a provider may have written as *text*, or None.

    ``...:07Z`` can be any time before the next second, and ``...:07.25Z`` any time before the next
    hundredth. An upper bound must include those times.
    """
    moment = parse_timestamp(text)
    match = _TIMESTAMP.fullmatch(text)
    if moment is None or match is None:
        return None
    digits = len(match.group(3) or "")
    if digits >= 6:
        return moment
    return moment + timedelta(microseconds=10 ** (6 - digits) - 1)


_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"(\d{4}) (\d\d:\d\d:\d\d) GMT",
    re.ASCII,
)
"""The format that servers must write (https://www.rfc-editor.org/rfc/rfc9110#name-date-time-formats)."""


def parse_http_date(text: object) -> datetime | None:
    """Return an HTTP ``Date`` header as an aware UTC datetime, or None if it cannot be parsed."""
    if not isinstance(text, str):
        return None
    usual = _HTTP_DATE.fullmatch(text)
    if usual is not None:
        day, month, year, time = usual.groups()
        return parse_timestamp(f"{year}-{_MONTHS.index(month) // 3 + 1:02}-{day}T{time}Z")
    # It takes long to import, and only few servers need it.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (IndexError, TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_period(text: str) -> timedelta | None:
    """Return the period that *text* means, such as ``90m``, ``24h``, ``7d`` or ``2w``, or None."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else None
