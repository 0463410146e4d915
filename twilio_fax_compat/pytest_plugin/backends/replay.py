"""
Recordings as a backend: a suite's own of Twilio, converted as they are asked, or new ones of Telnyx.

What a vcrpy cassette or a stub of HTTP holds is asked for in Twilio's words. Then our client makes
its requests of Telnyx, each of which is answered with what Telnyx would have said where Twilio said
what was recorded, and the test gets what our client makes of it.
"""

from __future__ import annotations

import json
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
from twilio_fax_compat._telnyx.driver import drive
from twilio_fax_compat.cassettes.player import CassetteClient, NotRecorded
from twilio_fax_compat.cassettes.stubs import Stub, active_stubs, session_without_network
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.backends.record import Recording, as_recorded, place_of
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
    Recordings in place of Telnyx.

    A suite's cassettes and stubs of Twilio are converted; a call without one is answered from the
    recording that ``--fax-backend=record`` made of the test, or by a cassette of Telnyx that is in
    use; what none of them answers fails the test.
    """

    name = "replay"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.environ = {
            "TELNYX_API_KEY": "KEY_replayed",
            "TELNYX_CONNECTION_ID": "0",
            "TELNYX_BASE_URL": DEFAULT_BASE_URL,
        }
        self.replay = self
        self._place = place_of(config)
        self._recording: Recording | None = None
        self._known = RecordedAccount()
        self._ledger = MemoryLedger()
        self._stubs: dict[int, Stub] = {}

    def begin(self, nodeid: str) -> None:
        """Open the recording of a test, if there is one."""
        self._recording = Recording.of(self._place, nodeid)

    def reset(self, keep: Collection[str] = ()) -> None:
        """Forget what the last test was told."""
        self._known, self._ledger, self._stubs = RecordedAccount(), MemoryLedger(), {}

    def carrier(self, http_client: Any) -> Any:
        """Return what carries requests: something that cassettes of every vcrpy see."""
        return httpx.Client() if active_cassette() is not None else super().carrier(http_client)

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Answer from the recording or the cassette."""
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
        """Return the HTTP client that gives what *double* recorded, and asks no network."""
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
        """Return the stubs of Twilio's fax API that no call of the current test came to."""
        stubs = self._stubs.values()
        return [str(stub) for stub in stubs if stub.is_of_faxes and not stub.is_reached]

    def asked_url(self, url: str) -> str:
        """Return what Twilio was asked when that was recorded, where our client asks for *url*."""
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
        Return what our client makes of what was *recorded*, and write into *call* how.

        None when the recording cannot be one of Telnyx, of which *call* tells the reason.
        """
        settings = FlowSettings(
            account_sid=account_sid, connection_id=self.environ["TELNYX_CONNECTION_ID"]
        )
        request = twilio_request(method, self._known.shim_url(url), None, form)
        side = RecordedAnswers(request, recorded, self._known)
        response = drive(
            watched(_hurried(answer_request(request, settings)), call), side, self._ledger
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
    """An HTTP client whose lack of an answer fails the test, whatever the program catches."""

    client: Any

    def request(self, *arguments: Any, **named: Any) -> Any:
        try:
            return self.client.request(*arguments, **named)
        except NotRecorded as missing:
            return pytest.fail(str(missing), pytrace=False)


@frozen
class _Given:
    """An HTTP client that has its answer already."""

    answer: Response

    def request(self, *_arguments: Any, **_named: Any) -> Response:
        return self.answer


class _StubsAlone(RequestsClient):
    """A client that stubs of requests answer, and no network does."""

    def session(self) -> Any:
        return session_without_network()


def _hurried(flow: Flow) -> Flow:
    """Pass *flow* on without its pauses, as recordings need none."""
    result: Any = None
    while True:
        try:
            effect = flow.send(result)
        except StopIteration as end:
            response: TwilioResponse = end.value
            return response
        result = None if isinstance(effect, Pause) else (yield effect)
