"""Removes private data from the interactions of cassettes."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from twilio_fax_compat._core.cassettes.nested_text import Unreadable
from twilio_fax_compat._core.cassettes.scrubbing import Scrubber
from twilio_fax_compat._core.messages import JSON
from twilio_fax_compat.cassettes.bodies import (
    CannotDecode,
    decoded_body,
    header_items,
    is_plain_text,
)

_OF_THE_OLD_BODY = (
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "content-md5",
    "digest",
)
"""Headers that are wrong once a body is decoded and changed."""


def observe(interaction: JSON, scrubber: Scrubber) -> None:
    """Let *scrubber* collect the private data of an *interaction*, as far as it can be read."""
    for part in (*_parts(interaction), _rest(interaction)):
        for name, value in part.items():
            try:
                body = _decoded(part)[name] if name in ("body", "content") else value
                scrubber.observe(body, name)
            except (CannotDecode, Unreadable):
                # `scrubbed` leaves this interaction out.
                continue


def scrubbed(interaction: JSON, scrubber: Scrubber) -> JSON:
    """
    Return an *interaction* without private data, with decoded bodies.

    Raises CannotDecode or Unreadable if a part of it cannot be read, such as a document.
    """
    request, response = (_readable(scrubber.scrub(_decoded(part))) for part in _parts(interaction))
    rest: JSON = scrubber.scrub(_rest(interaction))
    return {**rest, "request": request, "response": response}


def _parts(interaction: JSON) -> tuple[JSON, JSON]:
    return interaction["request"], interaction["response"]


def _rest(interaction: JSON) -> JSON:
    return {
        name: value for name, value in interaction.items() if name not in ("request", "response")
    }


def _readable(message: JSON) -> JSON:
    """Return a request or response with its body as text, as vcrpy writes text in UTF-8."""

    def text_of(body: Any) -> Any:
        return body.decode() if isinstance(body, bytes) and is_plain_text(body) else body

    for name in ("body", "content"):
        body = message.get(name)
        if isinstance(body, dict):
            message = {**message, name: {key: text_of(value) for key, value in body.items()}}
        elif name in message:
            message = {**message, name: text_of(body)}
    return message


def _decoded(message: JSON) -> JSON:
    """Return a request or response with its body decoded, and without headers of the old body."""
    raw: Any = message.get("body", message.get("content"))
    body: Any = raw
    if raw is not None:
        body = decoded_body(message)
        if isinstance(raw, dict):
            others = {name: raw[name] for name in raw if name not in ("string", "base64_string")}
            is_base64 = "base64_string" in raw
            content = b64encode(body).decode() if is_base64 else body
            body = {**others, "base64_string" if is_base64 else "string": content}
    name = "body" if "body" in message else "content"
    result = {**message, name: body} if name in message else dict(message)
    if "headers" in message:
        pairs = [
            (key, value)
            for key, value in header_items(message)
            if str(key).lower() not in _OF_THE_OLD_BODY
        ]
        is_mapping = isinstance(message["headers"], dict)
        result["headers"] = dict(pairs) if is_mapping else [list(pair) for pair in pairs]
    return result
