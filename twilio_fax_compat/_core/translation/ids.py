"""
Convert between Twilio SIDs and Telnyx ids.

A SID is ``FX`` or ``ME`` and the 32 hexadecimal digits of the Telnyx UUID.

Twilio's SIDs are 34 characters (https://www.twilio.com/docs/glossary/what-is-a-sid), Telnyx fax ids
are UUIDs (https://developers.telnyx.com/api-reference/programmable-fax-commands/view-a-fax). Each SID
belongs to one id; both are written in lower case.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import blake2b

# Both cases are named because re.IGNORECASE takes twice as long, for each fax of a list.
_HEX = "[0-9a-fA-F]"
_SID_DIGITS = re.compile(f"{_HEX}{{32}}")
_FAX_ID = re.compile("-".join(f"{_HEX}{{{length}}}" for length in (8, 4, 4, 4, 12)))


def fax_sid(fax_id: object) -> str | None:
    """Return the Twilio fax SID of a Telnyx fax id, or None if it is not a UUID."""
    if not isinstance(fax_id, str) or not _FAX_ID.fullmatch(fax_id):
        return None
    return "FX" + fax_id.replace("-", "").lower()


def fax_id_of(word: str) -> str | None:
    """Return the Telnyx fax id of what a person may write: a Twilio SID or the id itself; else None."""
    return fax_id(word) or (word.lower() if fax_sid(word) else None)


def media_sid(fax_id: object) -> str | None:
    """Return the SID of the only FaxMedia of a Telnyx fax, or None if *fax_id* is not a UUID."""
    sid = fax_sid(fax_id)
    return sid and "ME" + sid[2:]


def fax_id(sid: object, prefix: str = "FX") -> str | None:
    """
    Return the Telnyx fax id of a Twilio SID, or None if *sid* is not one.

    *prefix* is ``"FX"`` for a fax and ``"ME"`` for its media.
    """
    if not isinstance(sid, str) or len(sid) != 34 or not sid.startswith(prefix):
        return None
    digits = sid[2:]
    if not _SID_DIGITS.fullmatch(digits):
        return None
    digits = digits.lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


MARK = 12
"""The length of a `page_mark`."""


def page_mark(fax: object) -> str:
    """
    Return `MARK` characters that stand for a *fax*, its id or SID, in a page token.

    They depend on all of it: ids that begin alike have different marks.
    """
    digest = blake2b(str(fax).encode("utf-8", "surrogatepass"), digest_size=9).digest()
    return urlsafe_b64encode(digest).decode("ascii")
