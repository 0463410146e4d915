"""
Parse a Twilio create form into a Telnyx ``POST /faxes`` body.

Twilio's form: https://www.twilio.com/docs/fax/api/fax-resource#create-a-fax-resource. Telnyx's
body: https://developers.telnyx.com/api-reference/programmable-fax-commands/send-a-fax.
"""

from __future__ import annotations

import re
from typing import Mapping
from urllib.parse import urlsplit

from attrs import define, field

from twilio_fax_compat._core.effects import Warn
from twilio_fax_compat._core.masking import mask, mask_number
from twilio_fax_compat._core.messages import JSON, TwilioResponse
from twilio_fax_compat._core.translation.errors import problem
from twilio_fax_compat._core.translation.statuses import TELNYX_QUALITIES

URL_LIMIT = 2000
"""The longest URL that Telnyx accepts, in characters (its error 10003)."""

PARAMETERS: Mapping[str, str] = {
    "To": "to",
    "MediaUrl": "media_url",
    "Quality": "quality",
    "StatusCallback": "status_callback",
    "From": "from_",
    "SipAuthUsername": "sip_auth_username",
    "SipAuthPassword": "sip_auth_password",
    "StoreMedia": "store_media",
    "Ttl": "ttl",
}
"""Twilio's wire names, and the argument names of Twilio's Python client."""

DEFAULT_QUALITY = "fine"
"""Twilio's quality of a create that names none."""

DEFAULT_STORE_MEDIA = True
"""Twilio's default for ``StoreMedia``."""

UNSUPPORTED: Mapping[str, str] = {
    "sip_auth_username": "refuse",
    "sip_auth_password": "refuse",
    "ttl": "warn",
    "status_callback": "warn",
}
"""
What happens to a parameter that Telnyx has no equivalent for; the settings override it.

``refuse`` if dropping it changes what happens to the fax, ``warn`` if it does not. ``ignore`` is the
third choice.
"""

_NO_SIP_LOGIN = (
    "Telnyx cannot log in to a SIP destination: let the destination accept Telnyx by address, "
    "or send to its phone number"
)

ADVICE: Mapping[str, str] = {
    "sip_auth_username": _NO_SIP_LOGIN,
    "sip_auth_password": _NO_SIP_LOGIN,
    "ttl": (
        "Telnyx has no limit on how long a fax may wait and the argument was left out: cancel a "
        "fax that took too long with update(status='canceled')"
    ),
    "status_callback": (
        "the URL gets Telnyx's JSON webhooks: wrap the application that serves it in "
        "twilio_fax_compat.webhooks, which makes Twilio's callbacks of them, and choose "
        "unsupported={'status_callback': 'ignore'}"
    ),
}

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SIP = re.compile(r"sips?:[^\s@]+(@[^\s@]+)?", re.IGNORECASE)
_FORBIDDEN_IN_URL = re.compile(r"[\s\x00-\x1f\x7f<>\"\\^`{|}]")


@define
class FaxRequest:
    """
    A valid create form.

    *body* is the Telnyx request, *warnings* are for the caller. *status_callback* is the program's
    ``StatusCallback``; the flow decides which URL Telnyx gets as ``webhook_url``.
    """

    body: JSON = field(repr=False)
    warnings: list[Warn]
    status_callback: str | None = field(default=None, repr=False)

    @property
    def is_to_sip(self) -> bool:
        """Whether the destination is a SIP URI."""
        return not str(self.body["to"]).startswith("+")


def parse_create_form(
    fields: Mapping[str, object], connection_id: str, unsupported: Mapping[str, str]
) -> FaxRequest | TwilioResponse:
    """
    Return the fax that a create form asks for, or Twilio's error for it.

    *fields* have Twilio's wire names. None and an empty text count as absent.
    *unsupported* overrides `UNSUPPORTED` by Python parameter name.
    """
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    unknown = sorted(set(given) - set(PARAMETERS))
    if unknown:
        return problem(400, 20001, "Unknown parameters: {}".format(mask(", ".join(unknown))))
    form = reorder_legacy_arguments(given)
    wrong = (
        _wrong_destination(form.get("To"))
        or _wrong_sender(form.get("From"))
        or _wrong_media(form.get("MediaUrl"))
        or _wrong_callback(form.get("StatusCallback"))
        or _wrong_quality(form.get("Quality"))
        or _wrong_flag(form.get("StoreMedia"))
    )
    if wrong is not None:
        return wrong
    warnings: list[Warn] = []
    for wire_name, name in PARAMETERS.items():
        if wire_name not in form or name not in UNSUPPORTED:
            continue
        policy = unsupported.get(name, UNSUPPORTED[name])
        if policy == "refuse":
            return problem(400, 20422, f"{name}: {ADVICE[name]}")
        if policy == "warn":
            warnings.append(Warn(name, f"{name}: {ADVICE[name]}"))
    callback = form.get("StatusCallback")
    return FaxRequest(
        _body(form, connection_id), warnings, None if callback is None else str(callback)
    )


def _body(form: Mapping[str, object], connection_id: str) -> JSON:
    return {
        "connection_id": connection_id,
        "to": form["To"],
        "from": form["From"],
        "media_url": form["MediaUrl"],
        "quality": TELNYX_QUALITIES[str(form.get("Quality", DEFAULT_QUALITY)).lower()],
        "store_media": _FLAGS[str(form.get("StoreMedia", DEFAULT_STORE_MEDIA)).lower()],
    }


def is_default(name: str, value: object) -> bool:
    """Return whether the parameter with a wire *name* means the same without its *value*."""
    text = str(value).lower()
    if name == "Quality":
        return text == DEFAULT_QUALITY
    return name == "StoreMedia" and _FLAGS.get(text) is DEFAULT_STORE_MEDIA


def reorder_legacy_arguments(form: Mapping[str, object]) -> Mapping[str, object]:
    """
    Return *form* with the positional arguments of Twilio's first releases in today's order.

    The order was ``create(from_, to, media_url, quality, status_callback)``. A call in that order
    puts a number into ``MediaUrl`` and a URL into ``Quality``, which today's order never does.
    """
    destination, document = form.get("MediaUrl"), form.get("Quality")
    if document is None:
        return form
    if not (_is_number(form.get("To")) and _is_destination(destination) and _is_url(document)):
        return form
    quality, callback = form.get("StatusCallback"), form.get("From")
    if quality is not None and str(quality).lower() not in TELNYX_QUALITIES:
        if callback is not None or not _is_url(quality):
            return form
        quality, callback = None, quality
    if callback is not None and not _is_url(callback):
        return form
    moved = {
        "To": destination,
        "MediaUrl": document,
        "Quality": quality,
        "StatusCallback": callback,
        "From": form["To"],
    }
    return {name: value for name, value in {**form, **moved}.items() if value is not None}


def _wrong_destination(number: object) -> TwilioResponse | None:
    if number is None:
        return problem(400, 21201, "to: no destination was given")
    if _is_destination(number):
        return None
    return problem(
        400,
        21211,
        f"to ({mask_number(number)}) is neither an E.164 number nor a SIP URI: write it as +14155550100 or "
        "sip:user@example.com",
    )


def _wrong_sender(number: object) -> TwilioResponse | None:
    if number is None:
        return problem(400, 21213, "from_: Telnyx needs the number to send from, as +14155550100")
    if _is_number(number):
        return None
    return problem(
        400,
        21212,
        f"from_ ({mask_number(number)}) is not an E.164 number: give a number of your Telnyx account as "
        "+14155550100",
    )


def _wrong_media(url: object) -> TwilioResponse | None:
    if url is not None and _is_url(url):
        return None
    return problem(
        400,
        21620,
        f"media_url must be an absolute http or https URL of at most {URL_LIMIT} characters that Telnyx "
        "can fetch without a redirect",
    )


def _wrong_callback(url: object) -> TwilioResponse | None:
    if url is None or _is_url(url):
        return None
    return problem(
        400,
        21609,
        f"status_callback must be an absolute http or https URL of at most {URL_LIMIT} characters",
    )


def _wrong_quality(quality: object) -> TwilioResponse | None:
    if quality is None or str(quality).lower() in TELNYX_QUALITIES:
        return None
    return problem(400, 20422, "quality must be one of {}".format(", ".join(TELNYX_QUALITIES)))


def _wrong_flag(flag: object) -> TwilioResponse | None:
    if flag is None or str(flag).lower() in _FLAGS:
        return None
    return problem(400, 20422, "store_media must be True or False")


_FLAGS: Mapping[str, bool] = {"true": True, "false": False, "1": True, "0": False}


def _is_number(value: object) -> bool:
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def _is_destination(value: object) -> bool:
    return _is_number(value) or (isinstance(value, str) and _SIP.fullmatch(value) is not None)


def _is_url(value: object) -> bool:
    if not isinstance(value, str) or len(value) > URL_LIMIT or _FORBIDDEN_IN_URL.search(value):
        return False
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
