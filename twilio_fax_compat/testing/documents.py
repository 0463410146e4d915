"""
Documents and their signed links, as Amazon S3 makes them.

Telnyx's samples of links: https://developers.telnyx.com/docs/programmable-fax/receive-a-fax-api.
Their query: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
"""

from __future__ import annotations

import hmac
import struct
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Mapping
from urllib.parse import quote

_STAMP = "%Y%m%dT%H%M%SZ"


def pdf(pages: int = 1) -> bytes:
    """Return a PDF with *pages* pages, each with its number on it."""
    numbers = range(pages)
    kids = " ".join(f"{3 + 2 * number} 0 R" for number in numbers)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
    ]
    for number in numbers:
        content = f"BT /F1 24 Tf 72 720 Td (Page {number + 1} of {pages}) Tj ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {4 + 2 * number} 0 R "
            "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> "
            ">> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    document = bytearray(b"%PDF-1.4\n")
    table = b""
    for number, body in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(document)
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(document))
    return bytes(document) + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (size, table, end)


def tiff(pages: int = 1) -> bytes:
    """Return a TIFF with *pages* pages of one white byte each."""
    # Tags of a bilevel image: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf.
    # All values are shorts.
    width, height, bits, photometric, offset, rows, count = 256, 257, 258, 262, 273, 278, 279
    first = 10
    length = 2 + 12 * 7 + 4
    document = b"II*\0" + struct.pack("<IH", first, 0)
    for page in range(pages):
        following = first + length * (page + 1) if page + 1 < pages else 0
        tags = ((width, 8), (height, 1), (bits, 1), (photometric, 0), (offset, 8), (rows, 1))
        entries = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in tags)
        entries += struct.pack("<HHII", count, 3, 1, 1)
        document += struct.pack("<H", 7) + entries + struct.pack("<I", following)
    return document


def link(origin: str, path: str, key: bytes, made: datetime, lifetime: float) -> str:
    """Return a signed URL of *path* that is valid for *lifetime* seconds after the time *made*."""
    stamp = made.astimezone(timezone.utc).strftime(_STAMP)
    seconds = str(int(lifetime))
    return (
        f"{origin}{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={quote('EMULATOR/us-east-1/s3/aws4_request', safe='')}"
        f"&X-Amz-Date={stamp}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={_signature(path, key, stamp, seconds)}"
    )


def objection(path: str, query: Mapping[str, str], key: bytes, now: datetime) -> str | None:
    """
    Return the body of S3's 403 response if the link is not valid at *now*, or None if it is valid.

    *path* and *query* are those of the link; the body is XML.
    """
    stamp, seconds = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
    signature = query.get("X-Amz-Signature")
    if signature is None:
        return s3_error("AccessDenied", "Access Denied")
    if not hmac.compare_digest(signature.encode(), _signature(path, key, stamp, seconds).encode()):
        return s3_error("SignatureDoesNotMatch", "The signature does not match")
    begin = datetime.strptime(stamp, _STAMP).replace(tzinfo=timezone.utc)
    if now < begin + timedelta(seconds=int(seconds)):
        return None
    return s3_error("AccessDenied", "Request has expired")


def s3_error(code: str, message: str) -> str:
    """Return an error as S3's XML."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )


def _signature(path: str, key: bytes, stamp: str, seconds: str) -> str:
    return hmac.new(key, f"{path}\n{stamp}\n{seconds}".encode(), sha256).hexdigest()
