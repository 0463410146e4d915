"""Performs the effects of the core's routes: two providers, the flag, the ledger and the log."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import Any, Callable, Mapping, Protocol

from attrs import define, field

from twilio_fax_compat._core.attempts import account_mark
from twilio_fax_compat._core.effects import Warn
from twilio_fax_compat._core.fax_api.routes import twilio_request
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.counters import CREATE, read_counter_name
from twilio_fax_compat._core.migration.decisions import TELNYX, Subject
from twilio_fax_compat._core.migration.dry_run import dry_run
from twilio_fax_compat._core.migration.effects import (
    Ask,
    Count,
    Decide,
    DryRun,
    Note,
    Providers,
    Record,
    Route,
    RouteEffect,
    WarnDeveloper,
)
from twilio_fax_compat._core.migration.routing import route
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL
from twilio_fax_compat._telnyx import client_facts
from twilio_fax_compat._telnyx.developer_warnings import warn_once
from twilio_fax_compat._telnyx.driver import Call
from twilio_fax_compat._telnyx.send_counts import measure_counted
from twilio_fax_compat.ledger import Ledger
from twilio_fax_compat.migration._asked import note_asked
from twilio_fax_compat.migration._legacy_client import LegacyProvider
from twilio_fax_compat.migration._legacy_http import LegacyHttp
from twilio_fax_compat.migration.flags import EnvironmentFlag
from twilio_fax_compat.migration.rollout import Rollout
from twilio_fax_compat.settings import DEFAULT_BASE_URL, TelnyxSettings

logger = logging.getLogger("twilio_fax_compat.migration")

_NEEDS_TELNYX = ("ramp", "on", "complete")


class Answering(Protocol):
    """A provider's fax API."""

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        """Answer a parsed *request* of Twilio's fax API."""


@define
class RoutedFaxApi:
    """
    One Twilio account's fax API, answered by a legacy client, by Telnyx, or by both.

    *telnyx* and *legacy* make the API of each provider when it is first needed. They raise
    TwilioException if a setting or the client is missing. *unmapped* are texts about settings of the
    legacy provider that have no equivalent at Telnyx. *api_url* is the base of page URLs.
    """

    account_sid: str | None
    rollout: Rollout
    ledger: Ledger
    settings: TelnyxSettings
    telnyx: Callable[[], Answering]
    legacy: Callable[[], Any]
    has_telnyx: bool
    unmapped: tuple[str, ...] = ()
    api_url: str = DEFAULT_API_URL
    _telnyx: Answering | None = field(default=None, init=False)
    _legacy: Answering | None = field(default=None, init=False)

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> TwilioResponse:
        """Answer a request of Twilio's fax API."""
        return self.answer(twilio_request(method, url, params, data))

    def answer(self, request: TwilioRequest, call: Call | None = None) -> TwilioResponse:
        """Answer a parsed *request* of Twilio's fax API, in *call* or one of its own."""
        with call or Call(self.ledger) as own:
            return self._run(route(request, self.providers(request)), own)

    def _run(self, talk: Route, call: Call) -> TwilioResponse:
        try:
            effect = talk.send(None)
            while True:
                # Raised outside the route: a missing setting is not an answer of a provider.
                work = self.work(effect, call)
                try:
                    result = work()
                    note_answer(call, effect, result)
                except BaseException as error:  # noqa: BLE001 - the route decides what it means
                    effect = talk.throw(error)
                else:
                    effect = talk.send(result)
        except StopIteration as end:
            response: TwilioResponse = end.value
            return response

    def providers(self, request: TwilioRequest) -> Providers:
        """Return the providers that may answer *request*, and the options of the roll-out."""
        has_legacy = True
        if request.method != "POST" or request.path.rstrip("/") != "/Faxes":
            # Each send has its own decision.
            stage = self.rollout.plan().stage
            self._check(stage)
            has_legacy = stage != "complete"
        return Providers(
            has_telnyx=self.has_telnyx,
            has_legacy=has_legacy,
            falls_back=self.rollout.fallback,
            is_partial=self.rollout.partial_results,
            retry=self.settings.retry,
            salt=self.account_sid or "",
            account=self._account(),
            api_url=self.api_url,
        )

    def _account(self) -> str:
        if not self.has_telnyx:
            return ""
        return account_mark(
            self.settings.base_url or DEFAULT_BASE_URL, self.settings.connection_id or ""
        )

    def _check(self, stage: str) -> None:
        if stage in _NEEDS_TELNYX and not self.has_telnyx:
            self.telnyx()  # says what is missing

    def work(self, effect: RouteEffect, call: Call) -> Callable[[], Any]:
        """Return the function that performs *effect*. Raises TwilioException if a setting is missing."""
        if isinstance(effect, Ask):
            try:
                return partial(self._asker(effect.provider), effect.request)
            except BaseException:
                attempt = effect.request.attempt
                if attempt is not None:
                    attempt.may_be_out = attempt.is_retry
                raise
        if isinstance(effect, (Decide, Record, DryRun, Count, Note, WarnDeveloper)):
            return partial(self._carry_out, effect)
        return partial(call.carry_out, effect)

    def _carry_out(self, effect: Decide | Record | DryRun | Count | Note | WarnDeveloper) -> Any:
        if isinstance(effect, Decide):
            decision = self.rollout.choose(effect.fields, self.account_sid)
            self._check(decision.stage)
            return decision
        if isinstance(effect, Record):
            return self.rollout.record(effect.decision, effect.fields, self.account_sid)
        if isinstance(effect, DryRun):
            return self._dry_run(effect.fields)
        if isinstance(effect, Count):
            counted = read_counter_name(effect.name)
            if counted is not None and counted.kind == CREATE:
                measure_counted(counted.group, counted.detail)
            return client_facts.count(self.ledger, effect.name)
        if isinstance(effect, Note):
            return client_facts.remember(self.ledger, effect.key, effect.facts)
        logger.warning("%s", effect.text)
        return warn_once(Warn("partial_results", effect.text))

    def _asker(self, provider: str) -> Callable[[TwilioRequest], TwilioResponse]:
        if provider == TELNYX:
            if self._telnyx is None:
                self._telnyx = self.telnyx()
            return self._telnyx.answer
        if self._legacy is None:
            legacy = self.legacy()
            self._legacy = legacy if isinstance(legacy, LegacyHttp) else LegacyProvider(legacy)
        return partial(self._ask_legacy, self._legacy)

    def _ask_legacy(self, legacy: Answering, request: TwilioRequest) -> TwilioResponse:
        note_asked(request, self.ledger)
        return legacy.answer(request)

    def _dry_run(self, fields: Mapping[str, object]) -> None:
        try:
            result = dry_run(
                fields, self.settings.connection_id, self.settings.unsupported, self.unmapped
            )
            for name in result.counts:
                self.ledger.count(name)
        except Exception as error:  # noqa: BLE001 - an error here must not stop the send
            logger.warning("the dry run of the shadow stage failed: %s", type(error).__name__)
            return
        if logger.isEnabledFor(logging.INFO):
            for kind, text in result.findings:
                logger.info("shadow: %s %s", kind, text, extra={"fax_finding": kind})


def note_answer(call: Call, effect: RouteEffect, result: Any) -> None:
    """Note in *call* that a provider answered a send."""
    if isinstance(effect, Ask) and effect.request.attempt is not None:
        call.note_status(result.status)


@define
class EnvironmentOrOff(EnvironmentFlag):
    """The default flag of a client with a legacy client: off until the variable is set."""

    def __call__(self, subject: Subject) -> str:
        """Return the text of the variable, or ``off``."""
        environ = os.environ if self.environ is None else self.environ
        return super().__call__(subject) if environ.get(self.name) else "off"


def rollout_of(rollout: object, environ: Mapping[str, str]) -> Rollout:
    """
    Return the roll-out for a client's argument; by default the one that *environ* names.

    Raises TwilioException for a wrong argument.
    """
    if rollout is None:
        return Rollout(EnvironmentOrOff(environ=environ))
    return Rollout.of(rollout)
