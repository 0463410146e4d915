"""
Telnyx's error bodies, and the reading of request bodies.

Codes: https://developers.telnyx.com/development/api-fundamentals/api-errors. Fields:
https://developers.telnyx.com/api-reference/programmable-fax-commands/send-a-fax.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any, Mapping

TITLES: Mapping[str, str] = {
    "10003": "Invalid URL",
    "10004": "Missing required parameter",
    "10005": "Resource not found",
    "10007": "Unexpected error",
    "10009": "Authentication failed",
    "10011": "Too many requests",
    "10015": "Bad Request",
    "10016": "Phone number must be in +E.164 format",
    "10025": "Value has the wrong length",
    "10026": "Value has the wrong type",
    "10031": "Invalid request filter",
    "10032": "Value not in enumeration",
    "10033": "Value out of range",
    "10037": "Service unavailable",
    "85004": "Invalid connection id",
    "90017": "Invalid client_state",
    "90080": "Fax command not allowed in the current state",
    "90081": "Fax command not allowed on an inbound fax",
}

QUALITIES = ("normal", "high", "very_high", "ultra_light", "ultra_dark")

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SIP = re.compile(r"sips?:\S+", re.IGNORECASE)
_DISPLAY_NAME = re.compile(r"[A-Za-z0-9 _~!.+-]{1,128}")


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(
        self, status: int, code: str, detail: str = "", pointer: str | None = None
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.pointer = pointer

    def body(self) -> dict[str, list[dict[str, Any]]]:
        """Return the body of the answer."""
        error: dict[str, Any] = {
            "code": self.code,
            "title": TITLES.get(self.code, "Error"),
            "detail": self.detail or TITLES.get(self.code, "Error"),
            "meta": {"url": f"https://developers.telnyx.com/docs/overview/errors/{self.code}"},
        }
        if self.pointer:
            error["source"] = {"pointer": self.pointer}
        return {"errors": [error]}


def fax_from(body: Mapping[str, Any], connections: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fax resource that a create *body* asks for. Raises Refusal."""
    for name in ("connection_id", "to", "from"):
        if body.get(name) in (None, ""):
            raise Refusal(422, "10004", f"The '{name}' parameter is required", f"/{name}")
        if not isinstance(body[name], str):
            raise Refusal(422, "10026", f"'{name}' must be a string", f"/{name}")
    media = [name for name in ("media_url", "media_name", "contents") if body.get(name)]
    if not media:
        raise Refusal(422, "10004", "One of media_url, media_name is required", "/media_url")
    if len(media) > 1:
        raise Refusal(422, "10015", f"{media[0]} and {media[1]} exclude each other", "/media_url")
    if body["connection_id"] not in connections:
        raise Refusal(422, "85004", "No such Fax Application", "/connection_id")
    if not _E164.fullmatch(body["from"]):
        raise Refusal(422, "10016", f"{body['from']} is not in +E.164 format", "/from")
    if not _E164.fullmatch(body["to"]) and not _SIP.fullmatch(body["to"]):
        raise Refusal(422, "10016", f"{body['to']} is not in +E.164 format", "/to")
    _check_url(body, "media_url")
    _check_url(body, "webhook_url")
    _check_client_state(body.get("client_state"))
    shown = body.get("from_display_name")
    if shown is not None and not _DISPLAY_NAME.fullmatch(str(shown)):
        raise Refusal(422, "10025", "from_display_name is too long", "/from_display_name")
    fax: dict[str, Any] = {
        "connection_id": body["connection_id"],
        "direction": "outbound",
        "from": body["from"],
        "to": body["to"],
        "from_display_name": shown or body["from"],
        "quality": _one_of(body, "quality", QUALITIES, "high"),
        "store_media": flag(body, "store_media", False),
        "client_state": body.get("client_state"),
    }
    for option in ("monochrome", "t38_enabled", "store_preview"):
        flag(body, option, False)
    _one_of(body, "preview_format", ("pdf", "tiff"), "tiff")
    threshold = body.get("black_threshold")
    if threshold is not None and not (isinstance(threshold, int) and 1 <= threshold <= 100):
        raise Refusal(422, "10033", "black_threshold is from 1 to 100", "/black_threshold")
    for option in ("media_url", "media_name"):
        if body.get(option):
            fax[option] = body[option]
    if fax["store_media"] and body.get("media_name"):
        raise Refusal(422, "10015", "store_media does not go with media_name", "/store_media")
    return {name: value for name, value in fax.items() if value is not None}


def flag(body: Mapping[str, Any], name: str, default: bool) -> bool:
    """Return a boolean of a JSON or form body. Raises Refusal."""
    value = body.get(name, default)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Refusal(422, "10026", f"'{name}' must be a boolean", f"/{name}")
    return value


def whole_number(text: str, name: str, least: int, most: int | None = None) -> int:
    """Return a number of a query, cut to *most*. Raises Refusal."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise Refusal(422, "10031", f"{name} must be a number from {least}")
    return int(text) if most is None else min(int(text), most)


def page_of(query: list[tuple[str, str]], default: int, most: int) -> tuple[int, int]:
    """Return the page number and size that a *query* asks for. Raises Refusal."""
    fields = dict(query)
    return (
        whole_number(fields.get("page[number]", "1"), "page[number]", 1),
        whole_number(fields.get("page[size]", str(default)), "page[size]", 1, most),
    )


def meta(number: int, size: int, total: int) -> dict[str, int]:
    """Return the ``meta`` of a list."""
    return {
        "page_number": number,
        "page_size": size,
        "total_pages": -(-total // size),
        "total_results": total,
    }


def _one_of(body: Mapping[str, Any], name: str, values: tuple[str, ...], default: str) -> str:
    value = body.get(name)
    if value is None:
        return default
    if value not in values:
        raise Refusal(422, "10032", f"'{name}' must be one of {', '.join(values)}", f"/{name}")
    return str(value)


def _check_url(body: Mapping[str, Any], name: str) -> None:
    url = body.get(name)
    if url is None:
        return
    if not isinstance(url, str) or len(url) > 2000 or not re.match(r"https?://[^/\s]+", url):
        raise Refusal(422, "10003", f"'{name}' is no URL", f"/{name}")


def _check_client_state(state: Any) -> None:
    if state is None:
        return
    try:
        b64decode(str(state).encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(422, "90017", "client_state must be base64", "/client_state") from None
