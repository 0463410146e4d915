"""
Deliver Telnyx events to an application that was written for Twilio's callbacks.

Twilio's documents disagree on which transitions it called back
(https://www.twilio.com/docs/fax/api/fax-resource and
https://support.twilio.com/hc/en-us/articles/360007630493): ``queued`` and the final status are certain,
the others are a setting. For an incoming fax, the application is first asked for TwiML, and then gets
the result (https://www.twilio.com/docs/fax/twiml/receive).
"""

from __future__ import annotations

from typing import Any, Generator, Mapping

from attrs import evolve

from twilio_fax_compat._core.effects import Now, Pause, Recall, Remember
from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.translation.client_state import account_of, keeps_media
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.translation.media_links import media_key
from twilio_fax_compat._core.webhooks.calls import Delivery, call_app
from twilio_fax_compat._core.webhooks.effects import (
    Claim,
    Download,
    FindToken,
    Finish,
    Keep,
    Postpone,
    Release,
    Settle,
    Step,
    Talk,
)
from twilio_fax_compat._core.webhooks.events import (
    FaxEvent,
    facts_of,
    incoming_fax,
    to_twilio_callback,
)
from twilio_fax_compat._core.webhooks.public_url import origin_of
from twilio_fax_compat._core.webhooks.twilio_requests import CallbackSettings
from twilio_fax_compat._core.webhooks.twiml_reader import NOT_XML, Receive, Reject, read_twiml

DONE, AGAIN = 200, 503
"""The two answers to Telnyx: 200 is success, and any other status makes Telnyx deliver again."""

WAITING_FOR_THE_FAX = (0.05, 0.1, 0.2, 0.4, 0.5)
"""
Seconds between the looks at a fax whose earlier event is being delivered.

Together they are less than the two seconds for which Telnyx waits.
"""

ANOTHER_IS_AT_IT = 1.0
"""Seconds until the next look at an event whose fax is locked."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 3600.0
"""Seconds between two attempts to deliver an inbox event. Each pause is twice the one before."""

MANY_ATTEMPTS = 8
"""From this attempt on, each failure logs a warning."""


def receive(event: FaxEvent, url: str, rules: CallbackSettings) -> Talk:
    """
    Deliver *event*, which Telnyx sent to *url*, to the application; return the answer to Telnyx.

    An event is marked as done after the application answered 2xx. An event that is done or locked is
    not delivered. Events of one fax are delivered one at a time, so that a final status does not
    overtake an earlier one.
    """
    claim = yield Claim(event.id, fax_sid(event.fax_id) or "")
    if claim != "new":
        return DONE if claim == "done" else AGAIN
    delivered = False
    try:
        if (yield from _lock_soon(event)):
            try:
                delivered = yield from _deliver(Delivery(event, url, rules))
                if delivered:
                    yield Settle(event.id)
            finally:
                yield Release(fax_lock(event))
    finally:
        if not delivered:
            yield Release(event.id)
    return DONE if delivered else AGAIN


def deliver_from_inbox(event: FaxEvent, url: str, rules: CallbackSettings, attempts: int) -> Talk:
    """
    Deliver an inbox event to the application, then mark it as done or schedule a retry.

    *attempts* counts the attempts, this one included. Events of one fax are delivered one at a time.
    Returns `DONE` or `AGAIN`.
    """
    if not (yield from _lock(event)):
        yield Postpone(event.id, ANOTHER_IS_AT_IT, count_attempt=False)
        return AGAIN
    delivery = Delivery(event, url, rules, attempts)
    delivered = False
    try:
        delivered = yield from _deliver(delivery)
        if delivered:
            yield Finish(event.id)
    finally:
        if not delivered:
            pause = min(FIRST_PAUSE * 2.0 ** min(attempts - 1, 32), LONGEST_PAUSE)
            reason = delivery.troubles[-1] if delivery.troubles else "the attempt was broken off"
            yield Postpone(event.id, pause, reason=reason)
            if attempts >= MANY_ATTEMPTS:
                yield delivery.warn(
                    f"a callback failed in {attempts} attempts; the next attempt is in {pause:.0f} s"
                )
        yield Release(fax_lock(event))
    return DONE if delivered else AGAIN


def fax_lock(event: FaxEvent) -> str:
    """Return the name of the lock that is held while an event of this fax is delivered."""
    return "fax:" + event.fax_id


def _lock(event: FaxEvent) -> Generator[Step, Any, bool]:
    claim = yield Claim(fax_lock(event), fax_sid(event.fax_id) or "", watched=True)
    return bool(claim == "new")


def _lock_soon(event: FaxEvent) -> Generator[Step, Any, bool]:
    for seconds in WAITING_FOR_THE_FAX:
        if (yield from _lock(event)):
            return True
        yield Pause(seconds)
    return (yield from _lock(event))


def _deliver(delivery: Delivery) -> Generator[Step, Any, bool]:
    event = delivery.event
    facts = (yield Recall((event.fax_id,))).get(event.fax_id, NOTHING_KNOWN)
    if event.is_final and facts.reported == event.status:
        # Telnyx reports the end of a received fax as fax.received and as fax.delivered.
        return True
    handle = _inbound if event.is_inbound else _outbound
    delivered: bool = yield from handle(delivery, facts)
    if delivered and event.is_final:
        yield Remember(event.fax_id, evolve(facts_of(event), reported=event.status))
    return delivered


def _for_account(delivery: Delivery) -> Generator[Step, Any, Delivery | None]:
    """Return *delivery* with the settings of the account that owns the fax, or None without a token."""
    settings = delivery.rules
    account = _owner(delivery.event, settings)
    if account == settings.account_sid and settings.auth_token is not None:
        return delivery
    token = yield FindToken(account)
    if token is None and account != settings.account_sid:
        yield delivery.warn(
            f"auth_token has no token for the account {account} of this fax, so the callback is the "
            f"default account's, {settings.account_sid}"
        )
        account = settings.account_sid
        token = settings.auth_token or (yield FindToken(account))
    if token is None:
        yield delivery.warn(
            f"auth_token has no token for the account {account}, so no callback can be signed"
        )
        return None
    links = settings.links
    if links is not None:
        links = evolve(links, key=media_key(token), account_sid=account)
    settings = evolve(settings, account_sid=account, auth_token=token, links=links)
    return evolve(delivery, rules=settings)


def _owner(event: FaxEvent, settings: CallbackSettings) -> str:
    number = event.payload.get("to" if event.is_inbound else "from")
    named = None if event.is_inbound else account_of(event.payload.get("client_state"))
    if named is None and isinstance(number, str):
        named = settings.number_accounts.get(number)
    return named or settings.account_sid


def _outbound(delivery: Delivery, facts: Facts) -> Generator[Step, Any, bool]:
    event, rules = delivery.event, delivery.rules
    is_wanted = rules.forwards_all or event.is_final or event.status == "queued"
    if not is_wanted or (facts.status is not None and not event.is_final):
        return True
    signed = yield from _for_account(delivery)
    return signed is not None and (yield from _report_outbound(signed, facts))


def _report_outbound(delivery: Delivery, facts: Facts) -> Generator[Step, Any, bool]:
    event, rules = delivery.event, delivery.rules
    link = None
    if event.status == "delivered" and keeps_media(event.payload.get("client_state")):
        link = yield from _own_link(delivery)
    fields = to_twilio_callback(event, rules.account_sid, facts.cancel_asked, link)
    reply = yield from call_app(delivery, "POST", delivery.url, fields)
    return reply.answer.is_good


def _inbound(delivery: Delivery, facts: Facts) -> Generator[Step, Any, bool]:
    if delivery.event.status == "media.processing":
        return True
    signed = yield from _for_account(delivery)
    return signed is not None and (yield from _take_inbound(signed, facts))


def _take_inbound(delivery: Delivery, facts: Facts) -> Generator[Step, Any, bool]:
    event, rules = delivery.event, delivery.rules
    action = facts.action
    if action is None:
        action = yield from _ask_for_twiml(delivery)
        if action is None:
            return False
        yield Remember(event.fax_id, Facts(action=action))
    if not event.is_final:
        return True
    keeps_it = action.get("store_media") != "false"
    is_kept = rules.keeps_documents and keeps_it and action.get("verb") == "Receive"
    if is_kept and not (yield from _keep_document(delivery)):
        return False
    if not action.get("url"):
        return True
    link = (yield from _own_link(delivery)) if keeps_it else None
    fields = to_twilio_callback(event, rules.account_sid, media_url=link)
    document = None
    if not keeps_it and event.status == "received":
        link = fields.pop("MediaUrl", None)
        document = (yield Download(event.fax_id, link)) if link else None
        if document is None:
            yield delivery.warn("the document of a received fax could not be downloaded")
            return False
    method = action.get("method", "POST")
    reply = yield from call_app(delivery, method, action["url"], fields, document)
    return reply.answer.is_good


def _keep_document(delivery: Delivery) -> Generator[Step, Any, bool]:
    event = delivery.event
    url = event.payload.get("media_url")
    if event.status != "received" or not isinstance(url, str) or not url:
        return True
    stored: bool = yield Keep(event.fax_id, url)
    if not stored:
        yield delivery.warn("the document of a received fax could not be stored")
    return stored


def _own_link(delivery: Delivery) -> Generator[Step, Any, str | None]:
    if delivery.rules.links is None:
        return None
    now = yield Now()
    origin = delivery.rules.links.origin or "{}://{}".format(*origin_of(delivery.url))
    return delivery.rules.links.link(origin, delivery.event.fax_id, now)


def _ask_for_twiml(delivery: Delivery) -> Generator[Step, Any, Mapping[str, str] | None]:
    """Return the action that the application's TwiML asks for, or None if it must be asked again."""
    rules = delivery.rules
    fields = incoming_fax(delivery.event, rules.account_sid)
    reply = yield from call_app(delivery, rules.incoming_method, delivery.url, fields)
    answer = reply.answer
    if not answer.is_good:
        return None
    if answer.is_encoded:
        if delivery.attempt == 1:
            yield delivery.warn(
                "the TwiML has a Content-Encoding, which the request did not accept: do not compress "
                "this answer. It is asked for again",
                NOT_XML,
            )
        return None
    verb = read_twiml(answer.body, answer.content_type, reply.url)
    if isinstance(verb, Receive):
        for note in verb.notes:
            yield delivery.warn(note)
        if verb.media_type != "application/pdf" or verb.page_size != "letter":
            yield delivery.warn(
                "mediaType and pageSize have no effect: Telnyx delivers the PDF unchanged"
            )
        return {
            "verb": "Receive",
            "url": verb.action or "",
            "method": verb.method,
            "store_media": "true" if verb.store_media else "false",
        }
    if isinstance(verb, Reject):
        yield delivery.warn(
            "Telnyx has already accepted the fax: <Reject> only prevents the action"
        )
        return {"verb": "Reject"}
    yield delivery.warn(verb.text, verb.code)
    return {"verb": ""}
