"""Equal creates: the key under which a ledger remembers the sends of one form."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Mapping

from twilio_fax_compat._core.facts import SEND_KEYS
from twilio_fax_compat._core.translation.create_form import is_default, reorder_legacy_arguments

_SIGNATURE = re.compile(r"x-(amz|goog)-.*|signature|sig")
_SIGNED_WITH = re.compile(
    r"awsaccesskeyid|googleaccessid|expires|policy|key-pair-id"
    r"|s[vsrpte]|srt|spr|sip|sk(oid|tid|[tesv])"
)
"""
The other query parameters of a signed URL, in lower case.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html,
https://cloud.google.com/storage/docs/authentication/signatures and
https://learn.microsoft.com/rest/api/storageservices/create-service-sas.
"""


def send_key(fields: Mapping[str, object], salt: str) -> str:
    """
    Return the key of a send in the ledger: equal for equal forms (*fields*, by wire name) of one *salt*.

    A media URL that was signed again counts as the same URL, and a default value as an absent one.
    """
    form = dict(reorder_legacy_arguments(fields))
    if isinstance(form.get("MediaUrl"), str):
        form["MediaUrl"] = _unsigned(str(form["MediaUrl"]))
    pairs = sorted(
        (name, str(value))
        for name, value in form.items()
        if value not in (None, "") and not is_default(name, value)
    )
    digest = sha256(repr((salt, pairs)).encode("utf-8", "surrogatepass")).hexdigest()
    return key_of_name(digest[:32])


def key_of_name(name: str) -> str:
    """Return the key of a send in the ledger for the 32 hexadecimal digits that an error names."""
    return SEND_KEYS + name


def _unsigned(url: str) -> str:
    address, mark, query = url.partition("?")
    if not mark:
        return url
    pairs = [pair.partition("=") for pair in query.split("&")]
    names = {name.lower() for name, _, _ in pairs}
    if not any(_SIGNATURE.fullmatch(name) for name in names):
        return url
    return address + mark + "&".join("".join(pair) for pair in pairs if not _signs(pair[0].lower()))


def _signs(name: str) -> bool:
    return bool(_SIGNATURE.fullmatch(name) or _SIGNED_WITH.fullmatch(name))
