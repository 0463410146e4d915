"""Reads and writes vcrpy's cassette files."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Mapping
from urllib.parse import parse_qsl, quote

from attrs import define, field

from twilio_fax_compat._core.cassettes.recorded_account import Recorded
from twilio_fax_compat._core.messages import JSON, TelnyxRequest, TelnyxResponse, query_text
from twilio_fax_compat.cassettes.bodies import decoded_body, header
from twilio_fax_compat.cassettes.loader import (
    LARGEST,
    MIGRATE,
    BrokenCassette,
    NotACassette,
    dump,
    parse,
)
from twilio_fax_compat.rest import FAX_URL

__all__ = ["BrokenCassette", "Cassette", "NotACassette", "read"]

SUFFIXES: Mapping[str, str] = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}
"""The suffix of a cassette file to the name of the serializer."""


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
        return dump(self.data, self.serializer)


@define
class Call:
    """A recorded Twilio request. *form*: the posted fields; *user*: the user of Basic authorization."""

    method: str
    url: str = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    user: str | None = field(repr=False)


def read(path: Path) -> Cassette:
    """
    Return the cassette in a file.

    Raises NotACassette, or BrokenCassette if the file is a recording that cannot be used, OSError,
    and ImportError without PyYAML.
    """
    serializer = SUFFIXES.get(path.suffix.lower())
    if serializer is None:
        raise NotACassette("its name must end in {}".format(" or ".join(SUFFIXES)))
    if not path.is_file():
        raise NotACassette("it is not a regular file")
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    try:
        data = parse(content.decode("utf-8-sig"), serializer)
    except UnicodeDecodeError:
        raise NotACassette("it is not text in UTF-8") from None
    except BrokenCassette as error:
        if not re.search(b"interactions|request", content):
            raise NotACassette(str(error)) from None
        raise
    if isinstance(data, list) and data and isinstance(data[0], dict) and "request" in data[0]:
        raise BrokenCassette("it was recorded by vcrpy before 1.0: " + MIGRATE)
    interactions = data.get("interactions") if isinstance(data, dict) else None
    if not isinstance(interactions, list) or not all(map(_is_interaction, interactions)):
        raise NotACassette("it has no interactions")
    return Cassette(data, serializer)


def is_fax(interaction: JSON) -> bool:
    """Return whether an interaction is a request to Twilio's fax API."""
    return FAX_URL.match(str(interaction["request"].get("uri"))) is not None


def call_of(interaction: JSON) -> Call:
    """Return the request of an interaction. Raises CannotDecode."""
    request = interaction["request"]
    posted = decoded_body(request).decode("utf-8", "replace")
    form = dict(parse_qsl(posted, keep_blank_values=True))
    kind, _, credential = header(request, "authorization").partition(" ")
    user = None
    if kind.lower() == "basic":
        try:
            user = b64decode(credential).decode().partition(":")[0]
        except ValueError:
            user = None
    return Call(str(request.get("method", "GET")).upper(), str(request["uri"]), form, user)


def recorded_of(interaction: JSON) -> Recorded:
    """Return the response of an interaction. Raises CannotDecode."""
    status, text = text_of(interaction["response"])
    try:
        payload = json.loads(text)
    except ValueError:
        payload = None
    return Recorded(status, payload if isinstance(payload, dict) else None)


def text_of(response: JSON) -> tuple[int, str]:
    """
    Return the status (0 if there is none) and the decoded body of a response of vcrpy.

    Raises CannotDecode.
    """
    status = response.get("status")
    code = status.get("code") if isinstance(status, dict) else response.get("status_code", status)
    number = int(str(code)) if re.fullmatch("[0-9]{3}", str(code)) else 0
    return number, decoded_body(response).decode("utf-8-sig", "replace")


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


def _is_interaction(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(part), dict) for part in ("request", "response")
    )
