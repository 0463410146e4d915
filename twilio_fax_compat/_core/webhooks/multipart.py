"""Encodes a form with a file (https://www.rfc-editor.org/rfc/rfc7578)."""

from __future__ import annotations

from hashlib import sha256
from typing import Mapping


def encode_multipart(
    fields: Mapping[str, str], name: str, filename: str, content_type: str, content: bytes
) -> tuple[str, bytes]:
    """
    Return the content type and the body of a form: its *fields*, then one file.

    *name*, *filename* and *content_type* describe the file and contain no quotes. The boundary is a
    hash of the content, so the content does not contain it.
    """
    boundary = "fax" + sha256(content).hexdigest()[:32]
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
    return f"multipart/form-data; boundary={boundary}", body
