"""Converts Python values to the values of Twilio's forms."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Callable

from twilio_fax_compat.base import values


def iso8601_date(d: Any) -> Any:
    """Return a date as ``YYYY-MM-DD``, a string or `values.unset` as it is, and else None."""
    if d is values.unset or isinstance(d, str):
        return d
    if isinstance(d, dt.datetime):
        return str(d.date())
    return str(d) if isinstance(d, dt.date) else None


def iso8601_datetime(d: Any) -> Any:
    """
    Return a datetime as ``YYYY-MM-DDTHH:MM:SSZ``, a string or `values.unset` as it is, else None.

    As in Twilio's code, no time zone is converted: the datetime counts as UTC.
    """
    if d is values.unset or isinstance(d, str):
        return d
    return d.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(d, dt.date) else None


def prefixed_collapsible_map(m: Any, prefix: str) -> dict[str, Any]:
    """Return a nested dictionary as a flat one, with names joined by dots after *prefix*."""
    flat: dict[str, Any] = {}

    def flatten(branch: dict[str, Any], names: list[str]) -> None:
        for name, value in branch.items():
            if isinstance(value, dict):
                flatten(value, [*names, name])
            else:
                flat["{}.{}".format(prefix, ".".join([*names, name]))] = value

    if isinstance(m, dict):
        flatten(m, [])
    return flat


def object(obj: Any) -> Any:  # noqa: A001 - Twilio's name
    """Return a dictionary or list as JSON text, anything else as it is."""
    return json.dumps(obj) if isinstance(obj, (dict, list)) else obj


def map(lst: Any, serialize_func: Callable[[Any], Any]) -> Any:  # noqa: A001 - Twilio's name
    """Return a list with *serialize_func* applied to each element, anything else as it is."""
    return [serialize_func(element) for element in lst] if isinstance(lst, list) else lst
