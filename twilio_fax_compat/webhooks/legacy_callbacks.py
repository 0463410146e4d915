"""
Learn how faxes of the legacy provider end, from the callbacks that it sends to the application itself.

The application gets them unchanged. Only a callback with the account's signature counts. The end of a fax
is noted if this ledger knows the fax as the legacy provider's.
"""

from __future__ import annotations

import logging
from threading import Thread
from typing import Mapping
from urllib.parse import parse_qsl

from twilio_fax_compat._core.attempts import LEGACY
from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.migration.counters import ASKED, CALLBACK, counter_name
from twilio_fax_compat._core.migration.routing import FINAL_STATUSES, UUID_SID
from twilio_fax_compat._core.translation.ids import fax_id
from twilio_fax_compat.ledger import LedgerUnavailable
from twilio_fax_compat.request_validator import RequestValidator
from twilio_fax_compat.webhooks.receiver import Receiver

logger = logging.getLogger("twilio_fax_compat.webhooks")

LIMIT = 64 * 1024
"""The longest form that is read, in bytes. Twilio's callbacks have about one thousand."""

_FORM = "application/x-www-form-urlencoded"


def may_be_callback(method: str, content_type: str, length: str) -> bool:
    """Return whether a request with Twilio's signature may be a callback about a fax."""
    return (
        method == "POST"
        and content_type.partition(";")[0].strip().lower() == _FORM
        and length.isascii()
        and length.isdigit()
        and len(length) < 7
        and int(length) <= LIMIT
    )


def learn_later(receiver: Receiver, url: str, signature: str, body: bytes) -> None:
    """
    Note in another thread what the callback with this *body* to *url* says, if it is about a fax.

    So a slow ledger does not delay the application's answer. A failure changes nothing.
    """
    if b"FaxSid=" in body and b"FaxStatus=" in body:
        Thread(
            target=_learn, args=(receiver, url, signature, body), name="fax-legacy", daemon=True
        ).start()


def _learn(receiver: Receiver, url: str, signature: str, body: bytes) -> None:
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        if _is_signed(receiver, url, signature, fields):
            _note(receiver, fields)
    except LedgerUnavailable as error:
        logger.warning("the callback of a legacy fax is not counted: %s", error)
    except ValueError:
        return
    except Exception as error:  # noqa: BLE001 - the application has its callback
        logger.warning("the callback of a legacy fax is not counted: %s", type(error).__name__)


def _is_signed(receiver: Receiver, url: str, signature: str, fields: Mapping[str, str]) -> bool:
    account = fields.get("AccountSid") or receiver.accounts.account_sid
    token = receiver.accounts.token_of(account)
    return token is not None and RequestValidator(token).validate(url, fields, signature)


def _note(receiver: Receiver, fields: Mapping[str, str]) -> None:
    sid, status = fields["FaxSid"], fields["FaxStatus"]
    key = fax_id(sid)
    if key is None:
        return
    facts = receiver.ledger.recall((key,)).get(key, NOTHING_KNOWN)
    if facts.provider != LEGACY and (facts != NOTHING_KNOWN or UUID_SID.fullmatch(sid)):
        # Another middleware of this package may have sent it about a fax of Telnyx.
        return
    receiver.ledger.count(counter_name(ASKED, LEGACY, CALLBACK))
    if facts.provider == LEGACY and status in FINAL_STATUSES and facts.status != status:
        receiver.ledger.remember(key, Facts(provider=LEGACY, status=status))
