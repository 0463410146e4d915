"""The public face of the local Telnyx: `TelnyxEmulator`."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any, Callable, Collection, Mapping

from twilio_fax_compat.testing import documents
from twilio_fax_compat.testing.account import NUMBER, Account
from twilio_fax_compat.testing.api import Api, http_date
from twilio_fax_compat.testing.applications import Applications
from twilio_fax_compat.testing.clock import Clock, Ticker
from twilio_fax_compat.testing.failure_reasons import check_outcome, check_reason
from twilio_fax_compat.testing.faults import AnyFault, Faults
from twilio_fax_compat.testing.fax import Fax
from twilio_fax_compat.testing.journal import Exchange, Journal
from twilio_fax_compat.testing.lifecycle import Machine
from twilio_fax_compat.testing.middleware import EmulatorMiddleware
from twilio_fax_compat.testing.page.routes import Page
from twilio_fax_compat.testing.server import Server
from twilio_fax_compat.testing.webhook_deliveries import WebhookDeliveries
from twilio_fax_compat.testing.webhooks import (
    TIMEOUT,
    Delivery,
    WebhookSender,
    signed_headers,
    signing_key,
    webhook_body,
)


class TelnyxEmulator:
    """
    A server on loopback that behaves like Telnyx's fax API. Use it in a ``with`` block.

    *speed*: virtual seconds per real second; at 0 only `advance` moves the virtual time.
    *api_key*: the key that clients must send. *seed*: makes the key that signs webhooks; the same seed
    has the same `public_key`, also in another process. *webhook_url*: the URL that receives the events
    of faxes without a ``webhook_url`` of their own. *host*, *port*: the address to listen on; port 0 is
    any free port. *now*: the virtual time at the start, an aware datetime, by default the real time.
    *list_lag*: real seconds for which lists miss a new fax. *page_size_default*, *page_size_max*: of
    lists. *link_lifetime*: virtual seconds for which a media link is valid. *outcomes*: a mapping from
    destination numbers to ``"delivered"``, ``"received"`` or a failure reason. *newest_first*: the
    order of lists. *resource_failure_reason*: whether fax resources have a ``failure_reason``; older
    responses of Telnyx did not. *latency*: real seconds that each response takes. *cancel_delay*:
    virtual seconds from a cancellation to its effect. *pages*: the number of pages of each fax.
    *moves_when_read*: whether each fetch or list moves the faxes it returns to their next status, so
    that programs that poll come to an end however long they sleep. *webhook_attempts*: how often a
    webhook is tried at each URL. *webhook_backoff*: real seconds before the second attempt, doubled for
    each further one. *journal_limit*: how many requests `journal` keeps, by default all.

    Raises ValueError for a *now* without a time zone, and for an outcome that Telnyx does not document.
    Telnyx's documents:
    https://developers.telnyx.com/docs/programmable-fax/get-started.
    """

    def __init__(
        self,
        *,
        speed: float = 0.0,
        api_key: str = "KEY0EMULATOR0000000000000000000_emulator",
        seed: int = 0,
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        now: datetime | None = None,
        list_lag: float = 0.0,
        page_size_default: int = 20,
        page_size_max: int = 250,
        link_lifetime: float = 600.0,
        outcomes: Mapping[str, str] | None = None,
        newest_first: bool = True,
        resource_failure_reason: bool = True,
        latency: float = 0.0,
        cancel_delay: float = 0.0,
        pages: int = 1,
        moves_when_read: bool = False,
        webhook_attempts: int = 3,
        webhook_backoff: float = 0.5,
        journal_limit: int | None = None,
    ) -> None:
        if now is not None and now.tzinfo is None:
            raise ValueError("now must be an aware datetime: give it a tzinfo")
        for outcome in (outcomes or {}).values():
            check_outcome(outcome)
        self.api_key = api_key
        self._host, self._port = host, port
        self._latency = latency
        self._link_lifetime, self._link_key = link_lifetime, os.urandom(16)
        self._clock = Clock((now or datetime.now(timezone.utc)).astimezone(timezone.utc), speed)
        self._faults = Faults()
        self._journal = Journal(journal_limit)
        self._deliveries = WebhookDeliveries(
            self._clock.now, page_size_default, page_size_max, newest_first
        )
        self._webhook_sender = WebhookSender(
            signing_key(seed), self._faults, self._deliveries, webhook_attempts, webhook_backoff
        )
        self._events: list[dict[str, Any]] = []
        self._machine = Machine(
            self._clock,
            self._announce,
            self._link,
            resource_failure_reason,
            cancel_delay,
            list_lag,
            outcomes=dict(outcomes or {}),
            moves_when_read=moves_when_read,
        )
        self._deliveries.user_id = self._machine.user_id
        self._outcomes = dict(outcomes or {})
        self._applications = Applications(self._clock, webhook_url)
        self.account = Account()
        self.account.add_number(NUMBER, self._applications.first["id"])
        self._api = Api(
            self._machine,
            [
                *self._applications.routes(),
                *self._deliveries.routes(),
                *self.account.routes(),
            ],
            self._applications,
            self._link_key,
            pages,
            page_size_default,
            page_size_max,
            newest_first,
        )
        self._server: Server | None = None
        self._ticker: Ticker | None = None

    def start(self) -> TelnyxEmulator:
        """
        Start serving and return the emulator. After `stop` it serves on the same port, with all its faxes.

        Raises OSError if the port is in use, RuntimeError if the emulator is already serving.
        """
        if self._server is not None:
            raise RuntimeError("the emulator is already serving")
        middleware = EmulatorMiddleware(
            self._api.app,
            self.api_key,
            self._faults,
            self._journal,
            lambda: http_date(self.now),
            self._machine.run_due,
            self._latency,
            self._clock.now,
            Page(self),
        )
        self._server = Server(middleware, self._host, self._port)
        self._port = self._server.port
        self._server.start()
        if self._clock.speed:
            self._ticker = Ticker(self._machine.run_due)
        return self

    def stop(self) -> None:
        """Stop serving and drop undelivered webhooks. `journal`, `events` and `deliveries` stay readable."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._webhook_sender.stop()

    def __enter__(self) -> TelnyxEmulator:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def origin(self) -> str:
        """The scheme, host and port of the server."""
        return f"http://{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """The address of the page that shows what happens, for a browser."""
        return self.origin + "/"

    @property
    def is_holding(self) -> bool:
        """Whether `hold` keeps faxes in their first status."""
        return self._machine.holding

    @property
    def base_url(self) -> str:
        """The base URL for clients, in place of ``https://api.telnyx.com/v2``."""
        return self.origin + "/v2"

    @property
    def connection_id(self) -> str:
        """The id of the first Fax Application."""
        return str(self._applications.first["id"])

    @property
    def webhook_url(self) -> str | None:
        """The webhook URL of the first Fax Application, for faxes without a URL of their own."""
        return self._applications.first["webhook_event_url"] or None

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self._applications.first["webhook_event_url"] = url or ""

    @property
    def public_key(self) -> str:
        """The key that verifies webhooks: base64 of 32 bytes."""
        return self._webhook_sender.public_key

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that make a client use this emulator."""
        return {
            "TELNYX_BASE_URL": self.base_url,
            "TELNYX_API_KEY": self.api_key,
            "TELNYX_CONNECTION_ID": self.connection_id,
            "TELNYX_PUBLIC_KEY": self.public_key,
        }

    @property
    def now(self) -> datetime:
        """The virtual time, aware and in UTC."""
        return self._clock.now()

    @property
    def faxes(self) -> list[dict[str, Any]]:
        """Copies of all fax resources, oldest first."""
        self._machine.run_due()
        return [dict(fax.resource) for fax in self._machine.all()]

    @property
    def journal(self) -> list[Exchange]:
        """The requests that the emulator received, oldest first."""
        return self._journal.snapshot()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The ``data`` of every event, delivered or not, oldest first."""
        return list(self._events)

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver an event, oldest first."""
        return list(self._webhook_sender.deliveries)

    def advance(self, seconds: float) -> None:
        """
        Move the virtual time forward by *seconds*, and run what is due by then.

        Raises ValueError if *seconds* is negative.
        """
        self._clock.advance(seconds)
        self._machine.run_due()

    def settle(self) -> None:
        """Move the virtual time forward until every fax that is not held is final."""
        self._machine.settle()

    def step(self, fax_id: str) -> None:
        """Move a fax to its next status now. Raises KeyError for an unknown id."""
        self._machine.step(self._known(fax_id))

    def deliver(self, fax_id: str) -> None:
        """
        Move a fax through all its statuses to delivered or received now, even a cancelled fax.

        Raises KeyError for an unknown id.
        """
        self._machine.finish(self._known(fax_id))

    def fail(self, fax_id: str, reason: str, *, undocumented: bool = False) -> None:
        """
        End a fax now as failed for *reason*, such as ``"user_busy"``.

        Raises KeyError for an unknown id, and ValueError for a *reason* that Telnyx does not document,
        unless *undocumented* is set.
        """
        fax = self._known(fax_id)
        if not undocumented:
            check_reason(reason)
        self._machine.fail(fax, reason)

    def redeliver(self, fax_id: str) -> None:
        """
        Deliver the last event of a fax again, as Telnyx does if it got no answer.

        Raises KeyError for an unknown id, and ValueError if the fax has no event yet.
        """
        fax = self._known(fax_id)
        events = [event for event in self._events if event["payload"]["fax_id"] == fax.id]
        if not events:
            raise ValueError("the fax has no event yet")
        self._post(fax, events[-1])

    def hold(self) -> None:
        """Keep every fax in its first status until `release`, however much time passes."""
        self._machine.holding = True

    def release(self) -> None:
        """Let held faxes continue, and stop holding new ones."""
        self._machine.release()

    def receive(
        self,
        from_: str,
        to: str,
        pages: int = 1,
        document: bytes | None = None,
        outcome: str | None = None,
        caller_id: str | None = None,
    ) -> str:
        """
        Simulate an incoming fax and return its id. Its status changes with the virtual time.

        *document* is its PDF, by default one with *pages* pages. *outcome* is ``"received"`` or a
        failure reason, by default the outcome that was set for *to*. *caller_id* is by default *from_*.
        Raises ValueError for an *outcome* that Telnyx does not document.
        """
        if outcome is not None:
            check_outcome(outcome)
        application = self._applications.first
        resource = {
            "connection_id": application["id"],
            "direction": "inbound",
            "from": from_,
            "to": to,
            "quality": "high",
            "webhook_url": application["webhook_event_url"],
            "webhook_failover_url": application["webhook_event_failover_url"] or "",
        }
        fax = self._machine.add(resource, pages, outcome, caller_id)
        if document is not None:
            self._api.documents[fax.id] = document
        return fax.id

    def fax(self, fax_id: str) -> dict[str, Any]:
        """Return a copy of a fax resource. Raises KeyError for an unknown id."""
        self._machine.run_due()
        return dict(self._known(fax_id).resource)

    def document(self, fax_id: str) -> bytes:
        """Return the PDF of a fax. Raises KeyError for an unknown id."""
        return self._api.document(self._known(fax_id))

    def outcome(self, number: str, what: str, *, undocumented: bool = False) -> None:
        """
        Set how faxes to *number* end from now on: delivered, received or a failure reason.

        Raises ValueError for a reason that Telnyx does not document, unless *undocumented* is set.
        """
        if not undocumented:
            check_outcome(what)
        self._machine.outcomes[number] = what

    def flush_webhooks(self, timeout: float = 10.0) -> None:
        """
        Wait until every event was delivered or every attempt failed.

        Raises TimeoutError after *timeout* real seconds.
        """
        if not self._webhook_sender.flush(timeout):
            raise TimeoutError("some webhooks are not delivered yet")

    def webhook(
        self, event: Mapping[str, Any], url: str, now: datetime | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """
        Return the body and the signed headers of a webhook that delivers *event* to *url*.

        *event* is an item of `events`. *now* is the time of the signature, an aware datetime, by default
        the virtual time.
        """
        body = webhook_body(event, url)
        return body, signed_headers(self._webhook_sender.key, body, now or self.now)

    def inject(
        self,
        fault: AnyFault,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        when: Callable[[Any], bool] | None = None,
    ) -> None:
        """
        Apply *fault* to the next *times* requests or events that match; None means always.

        *method* and *path* select requests: ``/v2/faxes``, or ``/v2/faxes/*`` for everything below it.
        For faults of webhooks, *path* is an event type such as ``fax.delivered``. *when* is called with
        the `Exchange` or the event, and returns whether the fault applies. Faults apply in the order in
        which they were injected. Raises ValueError for *times* below 1.
        """
        self._faults.add(fault, times, method, path, when)

    def clear_faults(self) -> None:
        """Remove all injected faults."""
        self._faults.clear()

    def clear_journal(self) -> None:
        """Empty the journal."""
        self._journal.clear()

    def reset(self, keep: Collection[str] = ()) -> None:
        """
        Start afresh: remove faxes, events, deliveries, journal, faults and holding, and restore *outcomes*.

        Faxes whose ids are in *keep* stay. The virtual time, the keys and the port stay, too.
        """
        self._webhook_sender.stop()
        self._machine.forget(keep)
        self._machine.outcomes = dict(self._outcomes)
        self._machine.holding = False
        for fax_id in set(self._api.documents) - set(keep):
            self._api.documents.pop(fax_id, None)
        self._events.clear()
        self._webhook_sender.deliveries.clear()
        self._deliveries.clear()
        self.clear_faults()
        self.clear_journal()

    def _known(self, fax_id: str) -> Fax:
        fax = self._machine.get(fax_id)
        if fax is None:
            raise KeyError(fax_id)
        return fax

    def _link(self, fax_id: str, name: str, made: datetime) -> str:
        path = f"/media/{fax_id}/{name}"
        return documents.link(self.origin, path, self._link_key, made, self._link_lifetime)

    def _announce(self, fax: Fax, event: dict[str, Any]) -> None:
        self._events.append(event)
        self._post(fax, event)

    def _post(self, fax: Fax, event: dict[str, Any]) -> None:
        url = fax.resource["webhook_url"] or self.webhook_url
        if url and self._server is not None:
            urls = [url, fax.resource["webhook_failover_url"]]
            application = self._applications.by_id.get(fax.resource["connection_id"], {})
            patience = application.get("webhook_timeout_secs") or TIMEOUT
            self._webhook_sender.post([url for url in urls if url], event, patience)
