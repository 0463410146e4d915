"""Deliver the events that an application missed, read from Telnyx with the API key."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from time import monotonic
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from attrs import field, frozen

from twilio_fax_compat._core.effects import Effect, Elapsed, run
from twilio_fax_compat._core.messages import TelnyxRequest, TelnyxResponse, TwilioResponse
from twilio_fax_compat._core.translation.ids import fax_sid
from twilio_fax_compat._core.webhooks.catch_up import (
    PATH,
    MissedEvent,
    MissedEvents,
    Post,
    deliver_missed,
    missed_events,
    redirected,
)
from twilio_fax_compat._core.webhooks.events import facts_of
from twilio_fax_compat._telnyx.driver import Call
from twilio_fax_compat._telnyx.http import sender
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.ledger import InboxEntry, Ledger, MemoryLedger
from twilio_fax_compat.ledger._opening import chosen_ledger
from twilio_fax_compat.settings import TelnyxSettings

NOT_DELIVERED = frozenset({"refused", "no-url"})
"""The results of events that another run has to deliver."""


@frozen
class CaughtUpEvent:
    """
    One event and its *result*.

    *sid* is the fax's SID. *event_type* is Telnyx's name of the event. *at_telnyx* is the status of Telnyx's
    own delivery, ``delivered`` or ``failed``. *result* is one of:

    - ``listed``: nothing was done with it, as *dry_run* asks.
    - ``stored``: it is in the inbox now. ``known``: it was in the inbox, or was delivered before.
    - ``accepted``: the middleware answered 200; the event was delivered now or before.
    - ``refused``: the application did not accept it.
    - ``recorded``: its facts are in the ledger. ``no-facts``: it has none to record.
    - ``no-url``: Telnyx's record has no URL; pass *url*.
    """

    sid: str
    event_type: str
    occurred_at: datetime | None
    at_telnyx: str
    result: str


@frozen
class CatchUp:
    """
    What `catch_up` did: the *events*, oldest first.

    *of_others* counts the events of other Fax Applications, and *unreadable* those without an id or a fax.
    Both were left out. *is_complete* is False if Telnyx's list kept changing while it was read.
    """

    events: Sequence[CaughtUpEvent] = field(repr=False)
    of_others: int = 0
    unreadable: int = 0
    is_complete: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """The number of events by result."""
        return dict(Counter(event.result for event in self.events))

    @property
    def is_done(self) -> bool:
        """Whether every event was delivered, so that no other run is needed."""
        return self.is_complete and not NOT_DELIVERED & self.counts.keys()


def catch_up(
    app: Any = None,
    *,
    since: timedelta,
    ledger: Ledger | str | None = None,
    facts_only: bool = False,
    include_delivered: bool = False,
    dry_run: bool = False,
    url: str | None = None,
    strip_prefix: str = "",
    application: str = "",
    telnyx: TelnyxSettings | None = None,
    http_client: Any = None,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> CatchUp:
    """
    Deliver the fax events that Telnyx could not deliver in the last *since*, oldest first.

    With *app*, a WSGI or ASGI application that contains the middleware, each event is posted to it in this
    process. Without it, each event is stored in the inbox of *ledger* (a ledger or its URL, by default
    ``TWILIO_FAX_COMPAT_LEDGER``), from which an application with ``inbox=True`` delivers it. *application* is
    the ``application`` of its middleware; without it, any application that shares the ledger may deliver.
    With *facts_only* nothing is delivered: the page counts, durations and failure reasons go to the ledger,
    for programs without a webhook server.

    An event that was delivered before is not delivered again if the ledger is the application's. So this
    may run while webhooks arrive, and more than once. *include_delivered* also takes the events that Telnyx
    delivered. *dry_run* only lists them. *url* replaces the URL of the events, and *strip_prefix* is the
    start of the URL's path that a proxy removes. The settings are *telnyx* or the environment: the API
    key is required, and a connection id selects the events of that Fax Application. *progress* is called
    with ``"pages read"`` or ``"events"`` and the number so far.

    Raises TwilioException for a missing or wrong setting, TwilioRestException if Telnyx refuses the
    request or cannot be reached, and LedgerUnavailable if the ledger cannot be reached.
    """
    environ = os.environ if environ is None else environ
    deliver = None
    if not dry_run:
        deliver = _delivery(app, ledger, facts_only, strip_prefix, application, environ)
    settings = (telnyx or TelnyxSettings()).completed(environ, needs=("api_key",))
    progress = progress or _nobody
    missed = _read(since, include_delivered, settings, http_client, progress)
    events = list(missed.events)
    if url is not None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise TwilioException("url must be an http or https URL")
        events = [redirected(event, url) for event in events]
    results = ["listed"] * len(events) if deliver is None else deliver(progress, events)
    return CatchUp(
        [_caught_up(event, result) for event, result in zip(events, results)],
        missed.of_others,
        missed.unreadable,
        missed.is_complete,
    )


Progress = Callable[[str, int], object]
"""What is called with the name of what is done, and how many of it are."""

Deliver = Callable[[Progress, Sequence[MissedEvent]], "list[str]"]


def _nobody(what: str, number: int) -> None:
    """Show no progress."""


def _delivery(
    app: Any,
    ledger: Ledger | str | None,
    facts_only: bool,
    strip_prefix: str,
    application: str,
    environ: Mapping[str, str],
) -> Deliver:
    if app is not None:
        if facts_only or ledger is not None:
            raise TwilioException("pass either an application, or a ledger or facts_only")
        return partial(_to_app, app, strip_prefix)
    chosen = chosen_ledger(ledger, environ)
    if facts_only:
        return partial(_to_facts, chosen)
    if isinstance(chosen, MemoryLedger):
        raise TwilioException(
            "the inbox needs a ledger on disk or in a database: pass the application's ledger or set "
            "TWILIO_FAX_COMPAT_LEDGER to sqlite:////path/of/fax.db or a PostgreSQL URL"
        )
    return partial(_to_inbox, chosen, strip_prefix, application)


def _read(
    since: timedelta,
    include_delivered: bool,
    settings: TelnyxSettings,
    http_client: Any,
    progress: Progress,
) -> MissedEvents:
    if since <= timedelta(0):
        raise TwilioException("since must be a positive timedelta, such as timedelta(hours=6)")
    send = sender(settings, http_client)
    # The flow asks for the time, and for nothing that a ledger has.
    call = Call(MemoryLedger())
    began = monotonic()
    pages = 0

    def perform(effect: Effect) -> Any:
        nonlocal began, pages
        if isinstance(effect, Elapsed):
            return monotonic() - began
        if not isinstance(effect, TelnyxRequest):
            return call.carry_out(effect)
        outcome = send(effect)
        if isinstance(outcome, TelnyxResponse) and outcome.status == 200:
            began = monotonic()  # each page has the time of a call
            pages += 1
            progress("pages read", pages)
        return outcome

    flow = missed_events(
        since,
        settings.retry,
        connection_id=settings.connection_id,
        include_delivered=include_delivered,
    )
    missed = run(flow, perform)
    if isinstance(missed, TwilioResponse):
        payload = missed.payload or {}
        error = TwilioRestException(
            missed.status, PATH, payload.get("message", ""), payload.get("code"), "GET"
        )
        error.details = payload.get("details")
        raise error from missed.cause
    return missed


def _to_facts(ledger: Ledger, progress: Progress, events: Sequence[MissedEvent]) -> list[str]:
    for number, missed in enumerate(events, 1):
        progress("events", number)
        if missed.event.is_final:
            ledger.remember(missed.event.fax_id, facts_of(missed.event))
    return ["recorded" if missed.event.is_final else "no-facts" for missed in events]


def _to_inbox(
    ledger: Ledger,
    strip_prefix: str,
    application: str,
    progress: Progress,
    events: Sequence[MissedEvent],
) -> list[str]:
    results = []
    for number, missed in enumerate(events, 1):
        progress("events", number)
        if missed.url is None:
            results.append("no-url")
            continue
        entry = InboxEntry(
            missed.event.id,
            missed.body,
            _circumstances(missed.url, strip_prefix),
            missed.url,
            application=application,
        )
        results.append("stored" if ledger.put(entry) else "known")
    return results


def _circumstances(url: str, strip_prefix: str) -> dict[str, str]:
    from twilio_fax_compat.webhooks._local_calls import own_path

    parts = urlsplit(url)
    variables = {
        "HTTP_HOST": parts.netloc.rpartition("@")[2],
        "HTTP_USER_AGENT": "telnyx-webhooks",
        "QUERY_STRING": parts.query,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": parts.scheme,
    }
    if strip_prefix:
        variables["PATH_INFO"] = own_path(url, strip_prefix)
    return variables


def _to_app(
    app: Any, strip_prefix: str, progress: Progress, events: Sequence[MissedEvent]
) -> list[str]:
    from twilio_fax_compat.webhooks._local_calls import LocalPost, own_path, run_with_app
    from twilio_fax_compat.webhooks.verification import own_signatures

    posted = count(1)
    with own_signatures() as sign:

        def post_for(post: Post) -> LocalPost:
            progress("events", next(posted))
            missed = post.missed
            assert missed.url is not None  # `deliver_missed` posts no others
            headers = {
                "host": urlsplit(missed.url).netloc.rpartition("@")[2],
                "user-agent": "telnyx-webhooks",
                "content-type": "application/json",
                **sign(missed.body),
            }
            path = own_path(missed.url, strip_prefix)
            return LocalPost(missed.url, path, headers, missed.body)

        return run_with_app(app, deliver_missed(events), post_for)


def _caught_up(missed: MissedEvent, result: str) -> CaughtUpEvent:
    return CaughtUpEvent(
        sid=fax_sid(missed.event.fax_id) or "",
        event_type=missed.event.name,
        occurred_at=missed.occurred_at,
        at_telnyx="delivered" if missed.delivered else "failed",
        result=result,
    )
