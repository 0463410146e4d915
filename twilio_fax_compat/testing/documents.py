"""PDF documents and the signed links under which they are served."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Mapping
from urllib.parse import quote

_STAMP = "%Y%m%dT%H%M%SZ"


def pdf(pages: int = 1) -> bytes:
    """Return a PDF of so many pages, each with its number on it."""
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
    document = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        document
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n"
        % (
            len(objects) + 1,
            table,
        )
        + b"<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, len(document))
    )


def link(origin: str, path: str, key: bytes, now: datetime, lifetime: float) -> str:
    """Return the URL of *path* that opens for *lifetime* seconds, in the manner of Amazon's S3."""
    made = now.astimezone(timezone.utc).strftime(_STAMP)
    seconds = str(int(lifetime))
    return (
        f"{origin}{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={quote('EMULATOR/us-east-1/s3/aws4_request', safe='')}"
        f"&X-Amz-Date={made}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={_signature(path, key, made, seconds)}"
    )


def opens(path: str, query: Mapping[str, str], key: bytes, now: datetime) -> bool:
    """Tell whether the link with that *path* and *query* is ours and has not expired."""
    made, seconds = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
    signature = query.get("X-Amz-Signature", "")
    if not hmac.compare_digest(signature.encode(), _signature(path, key, made, seconds).encode()):
        return False
    begin = datetime.strptime(made, _STAMP).replace(tzinfo=timezone.utc)
    return now < begin + timedelta(seconds=int(seconds))


def _signature(path: str, key: bytes, made: str, seconds: str) -> str:
    return hmac.new(key, f"{path}\n{made}\n{seconds}".encode(), sha256).hexdigest()
