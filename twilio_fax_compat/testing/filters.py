"""
The filters of the list of faxes.

Names: https://developers.telnyx.com/api-reference/programmable-fax-commands/view-a-list-of-faxes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Sequence

from twilio_fax_compat.testing.index import Bounds
from twilio_fax_compat.testing.refusals import Refusal

_FILTER = re.compile(r"filter\[([a-z_]+)\]\[([a-z]+)\]")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?)?(Z|[+ -]\d\d:?\d\d)?",
    re.ASCII,
)


def filters_of(query: Sequence[tuple[str, str]]) -> tuple[dict[str, str], Bounds]:
    """Return the values that a fax must have, and the bounds of its creation. Raises Refusal."""
    equal: dict[str, str] = {}
    bounds: dict[str, datetime] = {}
    for name, value in query:
        if not name.startswith("filter"):
            continue
        match = _FILTER.fullmatch(name)
        subject, operator = match.groups() if match else ("", "")
        if subject == "created_at" and operator in ("gt", "gte", "lt", "lte"):
            bounds[operator] = read_moment(name, value)
        elif subject in ("from", "to") and operator == "eq":
            equal[subject] = value
        elif subject == "direction" and operator == "eq":
            if value not in ("inbound", "outbound"):
                raise Refusal(422, "10031", f"{name} must be inbound or outbound", parameter=name)
            equal[subject] = value
        else:
            raise Refusal(422, "10031", f"There is no filter {name}", parameter=name)
    return equal, Bounds(**bounds)


def read_moment(name: str, text: str) -> datetime:
    """Return the time *text* of the filter *name*. Raises Refusal."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise Refusal(422, "10031", f"{name} must be an ISO 8601 date-time", parameter=name)
    date, time, fraction, zone = match.groups()
    # A plus that is not percent-encoded arrives as a space.
    offset = "+0000" if zone in (None, "Z") else zone.replace(":", "").replace(" ", "+")
    whole = "{}T{}.{}{}".format(date, time or "00:00:00", (fraction or "0").ljust(6, "0"), offset)
    try:
        return datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError:
        raise Refusal(
            422, "10031", f"{name} is not a date of the calendar", parameter=name
        ) from None
