"""
Decodes the bodies of recorded messages by their Content-Encoding.

https://www.rfc-editor.org/rfc/rfc9110#name-content-encoding. ``br`` and ``zstd`` need the package
``brotli`` (or ``brotlicffi``), and ``zstandard`` (or Python 3.14).
"""

from __future__ import annotations

import importlib
import io
import re
import zlib
from base64 import b64decode
from typing import Any, Callable, Mapping

from twilio_fax_compat._core.messages import JSON

LARGEST = 64 * 1024 * 1024
"""The largest body after decoding, in bytes (64 MiB)."""


class CannotDecode(ValueError):
    """A body cannot be decoded. The text says why."""


def body_of(message: JSON) -> bytes:
    """Return the body of a request or response, not decoded. Raises CannotDecode for bad base64."""
    body = message.get("body", message.get("content"))
    if isinstance(body, dict):
        if isinstance(body.get("base64_string"), (str, bytes)):
            try:
                return b64decode(body["base64_string"])
            except ValueError:
                raise CannotDecode("its base64 text is broken") from None
        body = body.get("string")
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return body if isinstance(body, bytes) else b""


def decoded_body(message: JSON) -> bytes:
    """
    Return the decoded body of a recorded request or response.

    Some filters of vcrpy decode a body and keep its Content-Encoding header, so a body that is
    plain text already is returned as it is. Raises CannotDecode.
    """
    body = body_of(message)
    encodings = [name.strip().lower() for name in header(message, "content-encoding").split(",")]
    encodings = [name for name in encodings if name not in ("", "identity")]
    if len(encodings) > 3:
        raise CannotDecode("it has more than three content encodings")
    for encoding in reversed(encodings):
        if not body or is_plain_text(body):
            break
        if encoding not in _DECODERS:
            raise CannotDecode(f"the content encoding {encoding[:20]!r} is not supported")
        body = _DECODERS[encoding](body)
    return _gzip(body) if body[:2] == b"\x1f\x8b" else body


def is_plain_text(body: bytes) -> bool:
    """Return whether *body* is text in UTF-8 or ASCII, without control characters."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return re.search("[\\x00-\\x08\\x0e-\\x1f\\x7f]", text) is None


def header(message: JSON, name: str) -> str:
    """Return the first value of the header *name* (lower case) of a message, or an empty text."""
    for key, value in header_items(message):
        if _text(key).lower() == name:
            first = value[0] if isinstance(value, (list, tuple)) and value else value
            return _text(first)
    return ""


def header_items(message: JSON) -> list[tuple[Any, Any]]:
    """Return the headers of a message as pairs. Most releases of vcrpy wrote a mapping, some pairs."""
    headers = message.get("headers")
    if isinstance(headers, dict):
        return list(headers.items())
    pairs = headers if isinstance(headers, (list, tuple)) else ()
    return [tuple(pair) for pair in pairs if isinstance(pair, (list, tuple)) and len(pair) == 2]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _inflated(body: bytes, window: int) -> bytes:
    data, rest = b"", body
    while rest:
        # A gzip body may have several members.
        inflater = zlib.decompressobj(window)
        data += inflater.decompress(rest, LARGEST - len(data) + 1)
        if len(data) > LARGEST:
            raise CannotDecode(f"it is larger than {LARGEST // 1024 // 1024} MiB")
        if not inflater.eof:
            raise CannotDecode("it is cut off")
        rest = inflater.unused_data.lstrip(b"\0") if window > zlib.MAX_WBITS else b""
    return data


def _gzip(body: bytes) -> bytes:
    try:
        return _inflated(body, 16 + zlib.MAX_WBITS)
    except zlib.error:
        raise CannotDecode("it is not gzip") from None


def _deflate(body: bytes) -> bytes:
    # RFC 9110 means the zlib format, but some servers send raw deflate data.
    for window in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        try:
            return _inflated(body, window)
        except zlib.error:
            continue
    raise CannotDecode("it is not deflate")


def _package(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise CannotDecode("its content encoding needs the package " + names[0])


def _brotli(body: bytes) -> bytes:
    brotli = _package("brotli", "brotlicffi")
    decompressor = brotli.Decompressor()
    data = b""
    try:
        for begin in range(0, len(body), 1024):
            data += decompressor.process(body[begin : begin + 1024])
            if len(data) > LARGEST:
                raise CannotDecode(f"it is larger than {LARGEST // 1024 // 1024} MiB")
        is_finished = decompressor.is_finished()
    except brotli.error:
        raise CannotDecode("it is not br") from None
    if not is_finished:
        raise CannotDecode("it is cut off")
    return data


def _zstd(body: bytes) -> bytes:
    zstd = _package("zstandard", "compression.zstd", "backports.zstd")
    failed = getattr(zstd, "ZstdError", None)
    try:
        if failed is None:
            reader = zstd.ZstdFile(io.BytesIO(body))
        else:
            reader = zstd.ZstdDecompressor().stream_reader(
                io.BytesIO(body), read_across_frames=True
            )
        data: bytes = reader.read(LARGEST + 1)
    except Exception:  # noqa: BLE001 - each of these packages has an error of its own
        raise CannotDecode("it is not zstd") from None
    if len(data) > LARGEST:
        raise CannotDecode(f"it is larger than {LARGEST // 1024 // 1024} MiB")
    return data


_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
