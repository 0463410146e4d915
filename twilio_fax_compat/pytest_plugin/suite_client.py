"""The client that a suite gets in place of Twilio's for the duration of the run."""

from __future__ import annotations

import platform
import sys
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Mapping
from urllib.parse import urlencode

import pytest
from attrs import define

from twilio_fax_compat._core.cassettes.recorded_account import Recorded
from twilio_fax_compat._core.effects import Flow
from twilio_fax_compat._core.fax_api.routes import answer_request, twilio_request
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._telnyx.api import FaxApi
from twilio_fax_compat._telnyx.async_api import in_thread
from twilio_fax_compat._telnyx.driver import drive
from twilio_fax_compat._telnyx.http import is_asynchronous
from twilio_fax_compat._version import __version__
from twilio_fax_compat.http.response import PayloadResponse
from twilio_fax_compat.pytest_plugin.doubles.http_stubs import Double, double_for
from twilio_fax_compat.pytest_plugin.report.records import (
    ON_TELNYX,
    TwilioCall,
    payload_in,
    watched,
)
from twilio_fax_compat.pytest_plugin.report.texts import masked
from twilio_fax_compat.rest import FAX_URL, Client
from twilio_fax_compat.rest._twilio_package import TwilioIsMissing
from twilio_fax_compat.settings import TelnyxSettings

if TYPE_CHECKING:
    from twilio_fax_compat._core.translation.media_links import Documents
    from twilio_fax_compat.ledger import Ledger
    from twilio_fax_compat.pytest_plugin.backends.base import Backend, Replay
    from twilio_fax_compat.pytest_plugin.doubles.forwarding import Forwarder

Record = Callable[[TwilioCall], None]


@define(eq=False)
class AskedAsTwilio:
    """A call of *client* that a test double answers; *is_carried* if it went on to the backend."""

    client: SuiteClient
    is_carried: bool = False


ASKED_AS_TWILIO: ContextVar[AskedAsTwilio | None] = ContextVar("asked_as_twilio", default=None)
"""The call that a test double answers in this context."""


class SuiteClient(Client):
    """Our client, which records its calls and lets the suite's test doubles answer their calls."""

    backend: ClassVar[Backend]
    record: ClassVar[Record]
    newest: ClassVar[SuiteClient | None] = None
    forwarder: ClassVar[Forwarder | None] = None

    def request(self, method: str, uri: str, *arguments: Any, **named: Any) -> Any:
        """Make a request to Twilio's API, as `Client.request`."""
        SuiteClient.newest = self
        # The forwarder's own client asks the emulator, whatever test doubles are active.
        is_forwarding = self.forwarder is not None and self is self.forwarder.client
        double = None
        if FAX_URL.match(uri) and not is_forwarding:
            double = double_for(self.http_client)
        if double is None:
            return super().request(method, uri, *arguments, **named)
        return self._ask(double, method, uri, *arguments, **named)

    async def request_async(self, method: str, uri: str, *arguments: Any, **named: Any) -> Any:
        """
        Make a request to Twilio's API, as `Client.request_async`.

        Over an asynchronous HTTP client it goes on the event loop. Otherwise it is the call of `request`,
        in a thread, so that test doubles and every backend answer it.
        """
        if is_asynchronous(self.http_client):
            return await super().request_async(method, uri, *arguments, **named)
        call = partial(self.request, method, uri, *arguments, **named)
        return await in_thread(copy_context().run, call)

    def _ask(
        self,
        double: Double,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: dict[str, str] | None = None,
        *rest: Any,
        **named: Any,
    ) -> Any:
        request = twilio_request(method, uri, params, data)
        call = TwilioCall.of(request, double.name)
        replay = self.backend.replay if double.is_recording else None
        url = _with_query(uri, params)
        if replay is not None and replay.asked_url(url) != url:
            uri, params = replay.asked_url(url), None
        client = double.client if replay is None else replay.asked_client(double, url)
        asked = AskedAsTwilio(self)
        token = ASKED_AS_TWILIO.set(asked)
        try:
            answer = self._ask_as_twilio(client, method, uri, params, data, headers, *rest, **named)
        finally:
            ASKED_AS_TWILIO.reset(token)
            # A double that only adds to Twilio's HTTP client hands the call on: it is recorded there.
            if not asked.is_carried:
                type(self).record(call)
        if asked.is_carried:
            return answer
        payload = payload_in(getattr(answer, "text", None))
        if isinstance(answer.status_code, int):
            call.note_payload(answer.status_code, payload)
        if replay is not None:
            answer = self._replayed(replay, call, method, url, data, answer, payload)
        if self.forwarder is not None:
            self.forwarder.request_answered(request, answer.status_code, payload)
        return answer

    def _replayed(
        self,
        replay: Replay,
        call: TwilioCall,
        method: str,
        url: str,
        data: Mapping[str, object] | None,
        answer: Any,
        payload: object,
    ) -> Any:
        recorded = Recorded(answer.status_code, payload if isinstance(payload, dict) else None)
        response = replay.converted(call, method, url, data or {}, recorded, self.account_sid)
        if response is None:
            call.note_payload(answer.status_code, payload)
            return answer
        return PayloadResponse(response.status, response.payload, {}, response.cause)

    def _ask_as_twilio(
        self,
        http_client: Any,
        method: str,
        uri: str,
        params: Any,
        data: Any,
        headers: dict[str, str] | None,
        auth: Any = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        try:
            twilio = self._twilio_client()
        except TwilioIsMissing:
            twilio = None
        if twilio is not None:
            twilio.http_client = http_client
            return twilio.request(
                method, uri, params, data, headers, auth, timeout, allow_redirects
            )
        complete = {
            "User-Agent": "twilio-fax-compat/{} (Python {})".format(
                __version__, platform.python_version()
            ),
            "Accept-Charset": "utf-8",
            "Accept": "application/json",
            **({"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}),
            **(headers or {}),
        }
        return http_client.request(
            method,
            self.get_hostname(uri),
            params=params,
            data=data,
            headers=complete,
            auth=auth or self.auth,
            timeout=timeout,
            allow_redirects=allow_redirects,
        )

    def _default_http_client(self) -> Any:
        # Suites replace the class under this name.
        return sys.modules["twilio.rest"].TwilioHttpClient()

    def _settings(self) -> TelnyxSettings:
        return self.backend.settings(self._telnyx or TelnyxSettings())

    def _telnyx_api_over(
        self,
        http_client: Any,
        settings: TelnyxSettings,
        ledger: Ledger,
        documents: Documents | None,
    ) -> FaxApi:
        http_client = self.backend.carrier(http_client)
        fax_api = SuiteFaxApi(self.account_sid, settings, http_client, ledger, documents)
        fax_api.backend, fax_api.record = self.backend, type(self).record
        return fax_api


class SuiteFaxApi(FaxApi):
    """A fax API that records each call, and asks the backend."""

    backend: Backend
    record: Record

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        """Answer a request of Twilio's fax API."""
        call = TwilioCall.of(request, ON_TELNYX)
        flow = self._recorded(request, call)
        send = self._send
        try:
            return drive(flow, lambda sent: self.backend.send(sent, send), self.ledger)
        except pytest.fail.Exception as failure:
            call.broken_off = masked(str(failure))
            raise
        except BaseException as error:
            call.interrupted = masked("{}: {}".format(type(error).__name__, error))
            raise

    def flow(self, request: TwilioRequest) -> Flow:
        """Return the flow that answers *request*, for a call over an asynchronous HTTP client."""
        return self._recorded(request, TwilioCall.of(request, ON_TELNYX))

    def _recorded(self, request: TwilioRequest, call: TwilioCall) -> Flow:
        self.record(call)
        return watched(answer_request(request, self.flow_settings), call)


def _with_query(uri: str, params: Mapping[str, object] | None) -> str:
    if not params:
        return uri
    return "{}{}{}".format(uri, "&" if "?" in uri else "?", urlencode(params))


def suite_client(base: type[SuiteClient], backend: Backend, record: Record) -> type[SuiteClient]:
    """Return a subclass of *base* for *backend*, which passes each call to *record* as it begins."""
    members = {
        "__module__": Client.__module__,
        "__doc__": Client.__doc__,
        "backend": backend,
        "record": staticmethod(record),
    }
    return type("Client", (base,), members)
