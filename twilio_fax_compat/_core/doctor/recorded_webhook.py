"""Reads a webhook of Telnyx that somebody recorded, to see which public key verifies it."""

from __future__ import annotations

import json
import re
from typing import Mapping, Sequence

from attrs import field, frozen

_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


@frozen
class RecordedWebhook:
    """
    The *headers* of a webhook, with lower-case names, and its raw *body*.

    *bodies* are what the body may have been before an editor ended it with a new line.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def bodies(self) -> Sequence[bytes]:
        """The body, and the body without the new line at its end, if it has one."""
        ends = [end for end in (b"\n", b"\r\n") if self.body.endswith(end)]
        return [self.body, *(self.body[: -len(end)] for end in ends)]


def read_webhook(data: bytes) -> RecordedWebhook | str:
    """
    Return the webhook in *data*, or what is wrong with it.

    *data* is an HTTP request as it was received (the request line may be missing), or a JSON object with
    ``headers`` and ``body``, a text.
    """
    if data.lstrip().startswith(b"{"):
        return _of_json(data)
    end = _END_OF_HEADERS.search(data)
    if end is None:
        return "there is no empty line between the headers and the body"
    lines = data[: end.start()].decode("latin-1").splitlines()
    headers = {}
    for number, line in enumerate(lines, 1):
        header = _HEADER.fullmatch(line)
        if header is not None:
            headers[header[1].lower()] = header[2]
        elif number > 1:
            return f"line {number} is not a header"
    return RecordedWebhook(headers, data[end.end() :])


def _of_json(data: bytes) -> RecordedWebhook | str:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return "it begins with a brace, and is not JSON"
    headers, body = value.get("headers"), value.get("body")
    if not isinstance(headers, dict):
        return "the JSON object has no headers: they are part of what is verified"
    if not isinstance(body, str):
        return "body is not a text: the signature is that of the raw bytes"
    return RecordedWebhook(
        {str(name).lower(): str(text) for name, text in headers.items()},
        body.encode("utf-8", "surrogatepass"),
    )
