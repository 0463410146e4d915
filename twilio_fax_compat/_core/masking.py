"""Text made fit for errors and logs: no full phone number, no SIP user, no signed or secret URL."""

from __future__ import annotations

import re

_SIP = re.compile(r"\b(sips?:)[^\s@\"'<>]*@", re.IGNORECASE)
_URL = re.compile(r"\b(https?://)(?:[^\s/@\"'<>]*@)?([^\s/\"'<>?#]+)[^\s\"'<>]*", re.IGNORECASE)
_SECRET = re.compile(r"\b(Bearer\s+|Basic\s+)\S+|\bKEY[0-9A-Za-z_-]{6,}", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![0-9A-Za-z-])\+?\(?[0-9](?:[0-9]|[ ().-](?=[ ().0-9-])){5,}[0-9]")


def mask(text: str) -> str:
    """
    Return *text* without what is private.

    Phone numbers are cut to their last four digits; SIP users, what follows the host of a URL, and
    credentials are left out.
    """
    text = _SECRET.sub(lambda match: (match.group(1) or "") + "***", text)
    text = _URL.sub(r"\1\2/...", text)
    text = _SIP.sub(r"\1...@", text)
    return _NUMBER.sub(_mask_number, text)


def _mask_number(match: re.Match[str]) -> str:
    digits = re.sub(r"[^0-9]", "", match.group())
    return "..." + digits[-4:]


def mask_number(number: object) -> str:
    """Return a fax number or SIP URI as errors and logs may show it: ``...0009``."""
    text = str(number)
    if _SIP.match(text):
        return mask(text)
    digits = re.sub(r"[^0-9]", "", text)
    return "..." + digits[-4:] if len(digits) > 4 else "..."
