"""Reads and writes vcrpy's cassette files."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import parse_qsl, quote

from attrs import define, field

from twilio_fax_compat._core.cassettes.recorded_account import Recorded
from twilio_fax_compat._core.messages import JSON, TelnyxRequest, TelnyxResponse, query_text
from twilio_fax_compat.rest import FAX_URL

SUFFIXES: Mapping[str, str] = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}
"""The suffix of a cassette file to the name of the serializer."""


class NotACassette(ValueError):
    """A file is not a cassette. The text says why."""


@define
class Cassette:
    """The content of a cassette file, as plain values."""

    data: JSON = field(repr=False)
    serializer: str

    @property
    def interactions(self) -> list[JSON]:
        """Every recorded request and its response."""
        interactions: list[JSON] = self.data["interactions"]
        return interactions

    def text(self) -> str:
        """Return the content of the file."""
        text: str = _serializer(self.serializer).serialize(self.data)
        return text


@define
class Call:
    """A recorded Twilio request. *form*: the posted fields; *user*: the user of Basic authorization."""

    method: str
    url: str = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    user: str | None = field(repr=False)


def read(path: Path) -> Cassette:
    """Return the cassette in a file. Raises NotACassette, OSError, and ImportError without vcrpy."""
    serializer = SUFFIXES.get(path.suffix.lower())
    if serializer is None:
        raise NotACassette("its name must end in {}".format(" or ".join(SUFFIXES)))
    try:
        data = _serializer(serializer).deserialize(path.read_bytes().decode("utf-8"))
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - each serializer has its own
        raise NotACassette(f"it cannot be read ({type(error).__name__})") from None
    if isinstance(data, list) and data and isinstance(data[0], dict) and "request" in data[0]:
        raise NotACassette(
            "it was recorded by vcrpy before 1.0: run python -m vcr.migration on it first"
        )
    interactions = data.get("interactions") if isinstance(data, dict) else None
    if not isinstance(interactions, list) or not all(map(_is_interaction, interactions)):
        raise NotACassette("it has no interactions")
    return Cassette(data, serializer)


def is_fax(interaction: JSON) -> bool:
    """Return whether an interaction is a request to Twilio's fax API."""
    return FAX_URL.match(str(interaction["request"].get("uri"))) is not None


def call_of(interaction: JSON) -> Call:
    """Return the request of an interaction."""
    request = interaction["request"]
    posted = _bytes_of(request.get("body")).decode("utf-8", "replace")
    form = dict(parse_qsl(posted, keep_blank_values=True))
    kind, _, credential = _header(request, "authorization").partition(" ")
    user = None
    if kind.lower() == "basic":
        try:
            user = b64decode(credential).decode().partition(":")[0]
        except ValueError:
            user = None
    return Call(str(request.get("method", "GET")).upper(), request["uri"], form, user)


def recorded_of(interaction: JSON) -> Recorded:
    """Return the response of an interaction."""
    status, text = text_of(interaction["response"])
    try:
        payload = json.loads(text)
    except ValueError:
        payload = None
    return Recorded(status, payload if isinstance(payload, dict) else None)


def text_of(response: JSON) -> tuple[int, str]:
    """Return the status (0 if there is none) and the decoded body of a response of vcrpy."""
    status = response.get("status")
    code = status.get("code") if isinstance(status, dict) else response.get("status_code", status)
    number = int(str(code)) if re.fullmatch("[0-9]{3}", str(code)) else 0
    return number, _decoded(response).decode("utf-8", "replace")


def interaction_of(request: TelnyxRequest, response: TelnyxResponse, base_url: str) -> JSON:
    """Return an exchange with Telnyx in vcrpy's format, without credentials."""
    headers = {"Accept": ["application/json"]}
    body = None
    if request.body is not None:
        headers["Content-Type"] = ["application/json"]
        body = json.dumps(request.body)
    return {
        "request": {
            "method": request.method,
            "uri": base_url + quote(request.path, safe="/") + query_text(request.query),
            "body": body,
            "headers": headers,
        },
        "response": {
            "status": {"code": response.status, "message": _PHRASES.get(response.status, "")},
            "headers": {name.title(): [value] for name, value in response.headers.items()},
            "body": {"string": response.body.decode()},
        },
    }


_PHRASES = {200: "OK", 202: "Accepted", 204: "No Content"}


def _serializer(name: str) -> Any:
    try:
        from vcr.serializers import jsonserializer, yamlserializer
    except ImportError as missing:
        message = "cassettes need vcrpy: pip install 'twilio-fax-compat[pytest]'"
        raise ImportError(message) from missing
    return yamlserializer if name == "yaml" else jsonserializer


def _is_interaction(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(part), dict) for part in ("request", "response")
    )


def _bytes_of(body: object) -> bytes:
    if isinstance(body, dict):
        if isinstance(body.get("base64_string"), (str, bytes)):
            try:
                return b64decode(body["base64_string"])
            except ValueError:
                return b""
        body = body.get("string")
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _decoded(response: JSON) -> bytes:
    body = _bytes_of(response.get("body", response.get("content")))
    # Some filters decode a body and keep its Content-Encoding header.
    try:
        if body[:2] == b"\x1f\x8b":
            return gzip.decompress(body)
        if _header(response, "content-encoding").lower() == "deflate":
            return zlib.decompress(body, zlib.MAX_WBITS if body[:1] == b"\x78" else -zlib.MAX_WBITS)
    except (OSError, EOFError, zlib.error):
        return body
    return body


def _header(message: JSON, name: str) -> str:
    headers = message.get("headers")
    for key, value in headers.items() if isinstance(headers, dict) else ():
        if str(key).lower() == name:
            first = value[0] if isinstance(value, list) and value else value
            return first.decode("latin-1") if isinstance(first, bytes) else str(first)
    return ""
