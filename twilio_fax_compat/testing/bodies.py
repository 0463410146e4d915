"""
Read requests: JSON, form and multipart bodies, and the queries of lists.

Fields: https://developers.telnyx.com/api-reference/programmable-fax-commands/send-a-fax. Form
bodies: the cURL samples of https://developers.telnyx.com/docs/programmable-fax/send-a-fax-api.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from typing import Any, Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.requests import Request

from twilio_fax_compat.testing.refusals import Refusal

QUALITIES = ("normal", "high", "very_high", "ultra_light", "ultra_dark")
PREVIEW_FORMATS = ("pdf", "tiff")

_MULTIPART_FIELDS = frozenset(
    {"connection_id", "from", "to", "contents", "quality", "monochrome", "t38_enabled"}
    | {"store_media", "store_preview"}
)
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SIP = re.compile(r"sips?:\S+", re.IGNORECASE)
_DISPLAY_NAME = re.compile(r"[A-Za-z0-9 _~!.+-]{1,128}")
_URL = re.compile(r"https?://[^/\s]+\S*")


async def read_body(request: Request) -> dict[str, Any]:
    """Return the fields of a JSON, form or multipart body. Raises Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        fields: dict[str, Any] = {}
        async with request.form() as form:
            for name, value in form.multi_items():
                if name in _MULTIPART_FIELDS:
                    fields[name] = await value.read() if isinstance(value, UploadFile) else value
        return fields
    raw = await request.body()
    # One guide posts JSON under cURL's default content type.
    if kind == "application/x-www-form-urlencoded" and not raw.lstrip().startswith(b"{"):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    if kind not in ("", "application/json", "application/x-www-form-urlencoded"):
        raise Refusal(415, "10024", f"The content type {kind} is not supported")
    return json_object(raw)


def json_object(raw: bytes) -> dict[str, Any]:
    """Return the object of a JSON text. Raises Refusal."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal(400, "10023", "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "10015", "The body is not a JSON object", "/")
    return body


def fax_from(body: Mapping[str, Any], connections: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the part of a fax resource that the *body* of a send determines. Raises Refusal.

    *connections* has the ids of the existing Fax Applications as keys.
    """
    for name in ("connection_id", "to", "from"):
        if body.get(name) in (None, ""):
            raise Refusal(422, "10004", f"The '{name}' parameter is required", f"/{name}")
        _text(body, name)
    media = [name for name in ("media_url", "media_name", "contents") if body.get(name)]
    if not media:
        raise Refusal(422, "10004", "One of media_url, media_name is required", "/media_url")
    if len(media) > 1:
        raise Refusal(422, "10015", f"Give either {media[0]} or {media[1]}, not both", "/media_url")
    if body["connection_id"] not in connections:
        raise Refusal(422, "85004", "There is no such Fax Application", "/connection_id")
    if not _E164.fullmatch(body["from"]):
        raise Refusal(422, "10016", "'from' is not in +E.164 format", "/from")
    if not _E164.fullmatch(body["to"]) and not _SIP.fullmatch(body["to"]):
        raise Refusal(422, "10016", "'to' must be in +E.164 format or a SIP URI", "/to")
    fax: dict[str, Any] = {
        "connection_id": body["connection_id"],
        "direction": "outbound",
        "from": body["from"],
        "to": body["to"],
        "from_display_name": _display_name(body),
        "quality": one_of(body, "quality", QUALITIES, "high"),
        "store_media": flag(body, "store_media", False),
        "client_state": _client_state(body),
        "media_url": url(body, "media_url"),
        "media_name": _text(body, "media_name"),
    }
    flag(body, "monochrome", False)
    flag(body, "t38_enabled", True)
    whole(body, "black_threshold", 1, 100)
    if fax["store_media"] and fax["media_name"]:
        raise Refusal(422, "10015", "store_media cannot be used with media_name", "/store_media")
    return {name: value for name, value in fax.items() if value is not None}


def preview_format_from(body: Mapping[str, Any]) -> str | None:
    """Return the format of the preview that a send asks for, or None. Raises Refusal."""
    chosen = one_of(body, "preview_format", PREVIEW_FORMATS, "tiff")
    return chosen if flag(body, "store_preview", False) else None


def flag(body: Mapping[str, Any], name: str, default: bool) -> bool:
    """Return a boolean field of a JSON or form body. Raises Refusal."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise Refusal(422, "10026", f"'{name}' must be a boolean", f"/{name}")
    return value


def whole(body: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """Return an integer field of a JSON or form body. Raises Refusal."""
    value = body.get(name)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        value = int(value)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(422, "10026", f"'{name}' must be a whole number", f"/{name}")
    if not least <= value <= most:
        raise Refusal(422, "10033", f"'{name}' must be from {least} to {most}", f"/{name}")
    return value


def one_of(body: Mapping[str, Any], name: str, values: Sequence[str], default: str) -> str:
    """Return a field of a body that must be one of *values*. Raises Refusal."""
    value = body.get(name)
    if value is None:
        return default
    if value not in values:
        raise Refusal(422, "10032", f"'{name}' must be one of {', '.join(values)}", f"/{name}")
    return str(value)


def url(body: Mapping[str, Any], name: str) -> str | None:
    """Return a URL field of a body. Raises Refusal."""
    value = _text(body, name)
    if value is not None and (len(value) > 2000 or not _URL.fullmatch(value)):
        raise Refusal(
            422,
            "10003",
            f"'{name}' must be an http or https URL of at most 2000 characters",
            f"/{name}",
        )
    return value


def page_of(query: Mapping[str, str], default: int, most: int) -> tuple[int, int]:
    """Return the page number and size of a *query*. Raises Refusal."""
    number = _counted(query, "page[number]", 1)
    return number, min(most, _counted(query, "page[size]", default))


def meta(number: int, size: int, total: int) -> dict[str, int]:
    """Return the ``meta`` of a list."""
    return {
        "page_number": number,
        "page_size": size,
        "total_pages": -(-total // size),
        "total_results": total,
    }


def _counted(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise Refusal(422, "10031", f"{name} must be a number of 1 or more", parameter=name)
    return int(text)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(422, "10026", f"'{name}' must be a string", f"/{name}")
    return value


def _display_name(body: Mapping[str, Any]) -> str:
    name = _text(body, "from_display_name")
    if name is not None and not _DISPLAY_NAME.fullmatch(name):
        raise Refusal(
            422,
            "10025",
            "'from_display_name' takes at most 128 letters, digits, spaces and -_~!.+",
            "/from_display_name",
        )
    return name or str(body["from"])


def _client_state(body: Mapping[str, Any]) -> str | None:
    state = _text(body, "client_state")
    try:
        b64decode((state or "").encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(422, "90017", "client_state must be base64", "/client_state") from None
    return state
