"""Mask text for errors and logs: phone numbers, SIP users, URLs and credentials."""

from __future__ import annotations

import re
import traceback

_SIP = re.compile(r"\b(sips?:)[^\s@\"'<>]*@", re.IGNORECASE)
_URL = re.compile(r"\b(https?://)(?:[^\s/@\"'<>]*@)?([^\s/\"'<>?#]+)[^\s\"'<>]*", re.IGNORECASE)
_SECRET = re.compile(r"\b(Bearer\s+|Basic\s+)\S+|\bKEY[0-9A-Za-z_-]{6,}", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![0-9])\+?\(?[0-9](?:[0-9]|[ ().-](?=[ ().0-9-])){5,}[0-9]")

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

TIMES_AND_ADDRESSES = re.compile(
    r"(?<![0-9A-Za-z+.-])(?:"
    r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?)?(?![0-9])(?!-[0-9])"
    r"|(?:[0-3]?[0-9] )?(?:19|20)[0-9]{2} [0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?![0-9])"
    rf"|(?:{_OCTET}[.]){{3}}{_OCTET}(?![0-9])(?![.][0-9])"
    r")"
)
"""Dates with times, and IPv4 addresses: digits with separators that are not phone numbers."""

_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[A-Z]{2}[0-9a-fA-F]{32}"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[0-9]*[a-fA-F])[0-9a-fA-F]{20,}"
    r"|0x[0-9a-fA-F]+"
    r")(?![0-9A-Za-z])"
)
"""Sids, UUIDs, hashes and addresses of objects, whose digits are not phone numbers."""

_NUMBER_OR_NOT = re.compile(
    f"(?P<other>{_ID.pattern}|{TIMES_AND_ADDRESSES.pattern})|{_NUMBER.pattern}"
)


def mask(text: str) -> str:
    """
    Return *text* without private data.

    A phone number keeps its last four digits. SIP users, credentials, and the part of a URL after the
    host are removed. Dates, times, IP addresses, sids and UUIDs stay.
    """
    text = _SECRET.sub(lambda match: (match.group(1) or "") + "***", text)
    text = _URL.sub(r"\1\2/...", text)
    text = _SIP.sub(r"\1...@", text)
    return _NUMBER_OR_NOT.sub(_mask_number, text)


def _mask_number(match: re.Match[str]) -> str:
    if match.group("other"):
        return match.group()
    digits = re.sub(r"[^0-9]", "", match.group())
    return "..." + digits[-4:]


def is_public(error: BaseException, *secrets: str) -> bool:
    """
    Return whether a printed traceback of *error* shows nothing private and none of *secrets*.

    Python also prints causes, contexts, notes and the members of exception groups, so they count too.
    """
    links: list[BaseException] = []
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if any(link is other for other in links):
            continue
        links.append(link)
        try:
            text = "".join(traceback.format_exception_only(type(link), link))
            text += "\n".join(map(str, getattr(link, "__notes__", None) or ()))
            members = tuple(getattr(link, "exceptions", None) or ())
        except Exception:  # noqa: BLE001 - what cannot be printed is not chained
            return False
        if mask(text) != text or any(secret in text for secret in secrets if secret):
            return False
        linked = (link.__cause__, link.__context__, *members)
        waiting.extend(item for item in linked if isinstance(item, BaseException))
    return True


def mask_number(number: object) -> str:
    """Return a fax number or SIP URI in masked form, for errors and logs: ``...0009``."""
    text = str(number)
    if _SIP.match(text):
        return mask(text)
    digits = re.sub(r"[^0-9]", "", text)
    return "..." + digits[-4:] if len(digits) > 4 else "..."
