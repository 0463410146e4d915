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

from twilio_fax_compat._core.effects import Now, Recall, Remember
from twilio_fax_compat._core.facts import NOTHING_KNOWN, Facts
from twilio_fax_compat._core.translation.client_state import keeps_media
from twilio_fax_compat._core.webhooks.effects import (
    AppAnswer,
    CallApp,
    Claim,
    Download,
    Finish,
    Keep,
    LogWarning,
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
from twilio_fax_compat._core.webhooks.multipart import encode_multipart
from twilio_fax_compat._core.webhooks.twilio_requests import (
    CallbackSettings,
    _call,
    _headers,
    _origin,
)
from twilio_fax_compat._core.webhooks.twiml import Receive, Reject, read_twiml

DONE, AGAIN = 200, 503
"""The two answers to Telnyx: 200 is success, and any other status makes Telnyx deliver again."""

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
    not delivered.
    """
    claim = yield Claim(event.id)
    if claim != "new":
        return DONE if claim == "done" else AGAIN
    settled = False
    try:
        settled = yield from _deliver(event, url, rules)
        if settled:
            yield Settle(event.id)
    finally:
        if not settled:
            yield Release(event.id)
    return DONE if settled else AGAIN


def deliver_from_inbox(event: FaxEvent, url: str, rules: CallbackSettings, attempts: int) -> Talk:
    """
    Deliver an inbox event to the application, then mark it as done or schedule a retry.

    *attempts* counts the attempts, this one included. Events of one fax are delivered one at a time,
    so that a final status does not overtake an earlier one. Returns `DONE` or `AGAIN`.
    """
    lock = fax_lock(event)
    if (yield Claim(lock)) != "new":
        yield Postpone(event.id, ANOTHER_IS_AT_IT, count_attempt=False)
        return AGAIN
    delivered = False
    try:
        delivered = yield from _deliver(event, url, rules)
        if delivered:
            yield Finish(event.id)
    finally:
        if not delivered:
            pause = min(FIRST_PAUSE * 2.0 ** min(attempts - 1, 32), LONGEST_PAUSE)
            yield Postpone(event.id, pause)
            if attempts >= MANY_ATTEMPTS:
                yield LogWarning(
                    f"a callback failed in {attempts} attempts; the next attempt is in {pause:.0f} s"
                )
        yield Release(lock)
    return DONE if delivered else AGAIN


def fax_lock(event: FaxEvent) -> str:
    """Return the name of the lock that is held while an event of this fax is delivered."""
    return "fax:" + event.fax_id


def _deliver(event: FaxEvent, url: str, rules: CallbackSettings) -> Generator[Step, Any, bool]:
    facts = (yield Recall((event.fax_id,))).get(event.fax_id, NOTHING_KNOWN)
    handle = _inbound if event.is_inbound else _outbound
    delivered: bool = yield from handle(event, facts, url, rules)
    if delivered and event.is_final:
        yield Remember(event.fax_id, facts_of(event))
    return delivered


def _outbound(
    event: FaxEvent, facts: Facts, url: str, rules: CallbackSettings
) -> Generator[Step, Any, bool]:
    is_wanted = rules.forwards_all or event.is_final or event.status == "queued"
    if not is_wanted or (facts.status is not None and not event.is_final):
        return True
    link = None
    if event.status == "delivered" and keeps_media(event.payload.get("client_state")):
        link = yield from _own_link(event, url, rules)
    fields = to_twilio_callback(event, rules.account_sid, facts.cancel_asked, link)
    answer: AppAnswer = yield _call("POST", url, fields, rules)
    return answer.is_good


def _inbound(
    event: FaxEvent, facts: Facts, url: str, rules: CallbackSettings
) -> Generator[Step, Any, bool]:
    action = facts.action
    if event.status == "media.processing":
        return True
    if action is None:
        action = yield from _ask_for_twiml(event, url, rules)
        if action is None:
            return False
        yield Remember(event.fax_id, Facts(action=action))
    if not event.is_final:
        return True
    keeps_it = action.get("store_media") != "false"
    is_kept = rules.keeps_documents and keeps_it and action.get("verb") == "Receive"
    if is_kept and not (yield from _keep_document(event)):
        return False
    if not action.get("url"):
        return True
    link = (yield from _own_link(event, url, rules)) if keeps_it else None
    fields = to_twilio_callback(event, rules.account_sid, media_url=link)
    target, method = action["url"], action.get("method", "POST")
    is_own = _origin(target) == _origin(url)
    if not keeps_it and event.status == "received":
        link = fields.pop("MediaUrl", None)
        document = (yield Download(event.fax_id, link)) if link else None
        if document is None:
            yield LogWarning("the document of a received fax could not be downloaded")
            return False
        kind, body = encode_multipart(fields, "Media", "fax.pdf", "application/pdf", document)
        headers = _headers(target, fields, rules, kind)
        answer: AppAnswer = yield CallApp("POST", target, headers, body, is_own)
    else:
        answer = yield evolve(_call(method, target, fields, rules), is_own=is_own)
    return answer.is_good


def _keep_document(event: FaxEvent) -> Generator[Step, Any, bool]:
    url = event.payload.get("media_url")
    if event.status != "received" or not isinstance(url, str) or not url:
        return True
    stored: bool = yield Keep(event.fax_id, url)
    if not stored:
        yield LogWarning("the document of a received fax could not be stored")
    return stored


def _own_link(
    event: FaxEvent, url: str, rules: CallbackSettings
) -> Generator[Step, Any, str | None]:
    if rules.links is None:
        return None
    now = yield Now()
    return rules.links.link("{}://{}".format(*_origin(url)), event.fax_id, now)


def _ask_for_twiml(
    event: FaxEvent, url: str, rules: CallbackSettings
) -> Generator[Step, Any, Mapping[str, str] | None]:
    """Return the action that the application's TwiML asks for, or None if it must be asked again."""
    fields = incoming_fax(event, rules.account_sid)
    answer: AppAnswer = yield _call(rules.incoming_method, url, fields, rules)
    if not answer.is_good:
        yield LogWarning(
            f"the application answered an incoming fax with HTTP {answer.status}", 11200
        )
        return None
    verb = read_twiml(answer.body, answer.content_type, url)
    if isinstance(verb, Receive):
        for note in verb.notes:
            yield LogWarning(note)
        if verb.media_type != "application/pdf" or verb.page_size != "letter":
            yield LogWarning(
                "mediaType and pageSize have no effect: Telnyx delivers the PDF unchanged"
            )
        return {
            "verb": "Receive",
            "url": verb.action or "",
            "method": verb.method,
            "store_media": "true" if verb.store_media else "false",
        }
    if isinstance(verb, Reject):
        yield LogWarning("Telnyx has already accepted the fax: <Reject> only prevents the action")
        return {"verb": "Reject"}
    yield LogWarning(verb.text, verb.code)
    return {"verb": ""}
