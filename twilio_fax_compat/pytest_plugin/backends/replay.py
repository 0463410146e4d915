"""
The replay backend: the suite's own recordings of Twilio, converted on the fly, or new ones of Telnyx.

A vcrpy cassette or an HTTP stub gets Twilio's request and returns Twilio's recorded answer. Then our
client makes its Telnyx requests. Each gets the answer that Telnyx would have given where Twilio gave
the recorded one, and the test gets our client's result.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from typing import Any, Collection, Mapping

import httpx
import pytest
from attrs import frozen

from twilio_fax_compat._core.cassettes.comparison import Comparison
from twilio_fax_compat._core.cassettes.conversion import RecordedAnswers, compare
from twilio_fax_compat._core.cassettes.recorded_account import Recorded, RecordedAccount
from twilio_fax_compat._core.effects import Flow, Pause
from twilio_fax_compat._core.fax_api.routes import answer_request, twilio_request
from twilio_fax_compat._core.fax_api.settings import FlowSettings
from twilio_fax_compat._core.messages import Outcome, Send, TelnyxRequest, TwilioResponse
from twilio_fax_compat._suite.guard import EVERY_PROVIDER, RunGuard
from twilio_fax_compat._telnyx.driver import drive
from twilio_fax_compat.cassettes.loader import NotACassette
from twilio_fax_compat.cassettes.player import CassetteClient, NotRecorded
from twilio_fax_compat.cassettes.safe_vcrpy import SafeLoading
from twilio_fax_compat.cassettes.stubs import Stub, active_stubs, session_without_network
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.backends.record import (
    Recording,
    as_recorded,
    file_of,
    place_of,
)
from twilio_fax_compat.pytest_plugin.doubles.http_stubs import (
    A_CASSETTE,
    Double,
    RequestsClient,
    active_cassette,
    is_of_stubs,
)
from twilio_fax_compat.pytest_plugin.report.records import TwilioCall, watched
from twilio_fax_compat.settings import DEFAULT_BASE_URL

_MALFORMED_SID = 20404


class ReplayBackend(Backend):
    """
    Answers from recordings.

    The suite's cassettes and stubs of Twilio are converted. Other calls are answered from the
    recording that ``--fax-backend=record`` made of the test, or by an active cassette of Telnyx.
    A call that nothing answers fails the test.
    """

    name = "replay"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.environ = {
            "TELNYX_API_KEY": "KEY_replayed",
            "TELNYX_CONNECTION_ID": "0",
            # An application behind the middleware needs one; no webhook is signed with it.
            "TELNYX_PUBLIC_KEY": b64encode(os.urandom(32)).decode(),
            "TELNYX_BASE_URL": DEFAULT_BASE_URL,
        }
        self.replay = self
        self.guard = RunGuard(
            EVERY_PROVIDER, "with --fax-backend=replay no request leaves this machine"
        )
        self._place = place_of(config)
        self._recording: Recording | None = None
        self._known = RecordedAccount()
        self._ledger = MemoryLedger()
        self._stubs: dict[int, Stub] = {}
        self._clients: list[httpx.Client] = []
        self._unusable = ""
        self._safe_loading = SafeLoading()

    def start(self) -> None:
        """Begin. During the run, vcrpy parses cassettes as data, whichever release is installed."""
        super().start()
        self._safe_loading.start()

    def stop(self) -> None:
        """End, and give vcrpy its own functions back."""
        self._safe_loading.stop()
        super().stop()

    def begin(self, nodeid: str) -> None:
        """Open the recording of the test *nodeid*, if there is one."""
        self._recording, self._unusable = None, ""
        try:
            self._recording = Recording.of(self._place, nodeid)
        except (NotACassette, OSError) as error:
            path = file_of(self._place, nodeid)
            self._unusable = "the recording {} cannot be used: {}".format(path, error)

    def reset(self, keep: Collection[str] = ()) -> None:
        """Forget the answers that the last test received."""
        self._known, self._ledger, self._stubs = RecordedAccount(), MemoryLedger(), {}
        while self._clients:
            self._clients.pop().close()

    def carrier(self, http_client: Any) -> Any:
        """Return an HTTP client that the cassettes of every vcrpy release can intercept."""
        if active_cassette() is None:
            return super().carrier(http_client)
        self._clients.append(httpx.Client())
        return self._clients[-1]

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Return the answer of the recording or of the cassette."""
        if self._unusable:
            pytest.fail(self._unusable, pytrace=False)
        answer = None if self._recording is None else self._recording.answer(request)
        if answer is not None:
            return answer
        cassette = active_cassette()
        if cassette is not None:
            return send(as_recorded(request, cassette))
        return pytest.fail(
            "no recording answers {} {}: run this test with --fax-backend=record, or give it a "
            "cassette".format(request.method, request.path),
            pytrace=False,
        )

    def asked_client(self, double: Double, url: str) -> Any:
        """Return an HTTP client that returns what *double* recorded, and uses no network."""
        rest = self._known.rest_at(url)
        if rest is not None:
            return _Given(Response(rest.status, json.dumps(rest.payload)))
        if double.name == A_CASSETTE:
            return _OrFail(CassetteClient(active_cassette()))
        if not is_of_stubs(double.name):
            return double.client
        self._stubs.update((id(stub.answer), stub) for stub in active_stubs())
        return _OrFail(_StubsAlone())

    def unreached(self) -> list[str]:
        """Return the stubs of Twilio's fax API that no call of the current test reached."""
        stubs = self._stubs.values()
        return [str(stub) for stub in stubs if stub.is_of_faxes and not stub.is_reached]

    def asked_url(self, url: str) -> str:
        """Return the recorded URL that belongs to *url*, which our client asked for."""
        return self._known.recorded_url(url)

    def converted(
        self,
        call: TwilioCall,
        method: str,
        url: str,
        form: Mapping[str, object],
        recorded: Recorded,
        account_sid: str | None,
    ) -> TwilioResponse | None:
        """
        Return our client's response to the *recorded* answer, and add details to *call*.

        Returns None if the recording cannot be converted; *call* then has the reason.
        """
        settings = FlowSettings(
            account_sid=account_sid, connection_id=self.environ["TELNYX_CONNECTION_ID"]
        )
        request = twilio_request(method, self._known.shim_url(url), None, form)
        side = RecordedAnswers(request, recorded, self._known)
        response = drive(
            watched(_without_pauses(answer_request(request, settings)), call), side, self._ledger
        )
        comparison = Comparison()
        compare(comparison, recorded, response)
        code = (response.payload or {}).get("code")
        if not comparison.refusals:
            self._known.learn(request, recorded, response)
        elif call.telnyx or response.status < 400 or code == _MALFORMED_SID:
            call.not_converted = "; ".join(comparison.refusals)
            return None
        call.is_converted = True
        call.losses = comparison.losses
        return response


@frozen
class _OrFail:
    """An HTTP client that fails the test if it has no answer, whatever the program catches."""

    client: Any

    def request(self, *arguments: Any, **named: Any) -> Any:
        try:
            return self.client.request(*arguments, **named)
        except NotRecorded as missing:
            return pytest.fail(str(missing), pytrace=False)


@frozen
class _Given:
    """An HTTP client with a fixed answer."""

    answer: Response

    def request(self, *_arguments: Any, **_named: Any) -> Response:
        return self.answer


class _StubsAlone(RequestsClient):
    """A client that stubs of requests answer, and that never uses the network."""

    def session(self) -> Any:
        return session_without_network()


def _without_pauses(flow: Flow) -> Flow:
    """Yield the effects of *flow* except pauses, which recordings do not need."""
    result: Any = None
    while True:
        try:
            effect = flow.send(result)
        except StopIteration as end:
            response: TwilioResponse = end.value
            return response
        result = None if isinstance(effect, Pause) else (yield effect)
